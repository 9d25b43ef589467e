/**
 * The rules of the v4 API for logs, without a network: a parent must be acknowledged before a request names it, a
 * reference is stored once, and requests fit the schema. A log that breaks a rule is stored nevertheless, and the breach
 * is recorded. The failing servers of the tests are shells around this class.
 */
import { type Feedback, feedbackRequest, type LogRequest, logRequest, logUpdate } from '../../src/wire/v4.ts';

export interface V4RulesOptions {
  /** Returns true if a datapoint is invalid. The whole request then gets a 422. */
  readonly refuses?: (log: LogRequest) => boolean;
  /** Whether a 422 says which datapoint is invalid. Default: true. */
  readonly namesRefused?: boolean;
  /** A parent that has not come may be a log of another process. */
  readonly allowsUnknownParents?: boolean;
  /** Larger requests get a 413. */
  readonly maxBytes?: number;
}

export interface V4Request {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly body: string;
}

export interface V4Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Everything else must be in the POST. */
const UPDATABLE: ReadonlySet<string> = new Set(['output', 'error', 'duration']);

export class V4Rules {
  readonly logs = new Map<string, LogRequest>();
  /** Feedback that came after the logs, by their references. */
  readonly feedback = new Map<string, Feedback[]>();
  readonly breaches: string[] = [];
  readonly #options: V4RulesOptions;
  /** Counts requests and acknowledgements, so that their order is known. */
  #moment = 0;
  readonly #acknowledgedAt = new Map<string, number>();

  constructor(options: V4RulesOptions = {}) {
    this.#options = options;
  }

  /** Call this when a request begins to arrive. Returns its moment, for `answer`. */
  arrive(): number {
    return ++this.#moment;
  }

  /** Stores the logs of a request, or every other one, and returns the answer of a good server. */
  answer(request: V4Request, arrivedAt: number, stores: 'all' | 'half' = 'all'): V4Answer {
    if (request.url.endsWith('/feedback')) return this.#addFeedback(request);
    return request.method === 'PATCH' ? this.#patch(request) : this.#post(request, arrivedAt, stores);
  }

  /** Call this when the answer that acknowledges these is sent: from now on requests may name them as parents. */
  acknowledge(references: readonly string[]): void {
    const moment = ++this.#moment;
    for (const reference of references) {
      if (!this.#acknowledgedAt.has(reference)) this.#acknowledgedAt.set(reference, moment);
    }
  }

  #post({ body }: V4Request, arrivedAt: number, stores: 'all' | 'half'): V4Answer {
    const { maxBytes = Number.POSITIVE_INFINITY, namesRefused = true, refuses = () => false } = this.#options;
    if (Buffer.byteLength(body) > maxBytes) return { status: 413, body: {} };
    const logs = JSON.parse(body) as LogRequest[];
    const bad = logs.findIndex(refuses);
    if (bad >= 0) {
      const detail = [{ loc: ['body', bad, 'config'], msg: 'bad', type: 'value_error' }];
      return { status: 422, body: { detail: namesRefused ? detail : 'bad' } };
    }
    const together = new Set(logs.map(referenceOf));
    for (const [index, log] of logs.entries()) {
      if (stores === 'all' || index % 2 === 0) this.#store(log, together, arrivedAt);
    }
    return { status: 200, body: logs.map((log) => ({ id: `data_${referenceOf(log)}`, project_id: 'pr_1' })) };
  }

  #store(log: LogRequest, together: ReadonlySet<string>, arrivedAt: number): void {
    const reference = referenceOf(log);
    const breach = (what: string) => this.breaches.push(`${reference} ${what}`);
    const parsed = logRequest.safeParse(log);
    if (!parsed.success) breach(`is invalid: ${parsed.error.message}`);
    if (this.logs.has(reference)) breach('was posted twice');
    const parent = log.parent_reference_id;
    if (parent && together.has(parent)) breach(`shares a request with its parent ${parent}`);
    else if (parent && !this.#mayName(parent, arrivedAt)) breach(`came before its parent ${parent} was acknowledged`);
    this.logs.set(reference, log);
  }

  #mayName(parent: string, arrivedAt: number): boolean {
    if (this.#options.allowsUnknownParents && !this.logs.has(parent)) return true;
    return (this.#acknowledgedAt.get(parent) ?? Number.POSITIVE_INFINITY) <= arrivedAt;
  }

  /** An update of a log that the server does not have is not a breach: it may be a probe. */
  #patch(request: V4Request): V4Answer {
    const [reference = ''] = referencesOf(request);
    const log = this.logs.get(reference);
    if (!log) return { status: 404, body: { detail: 'not found' } };
    const parsed = logUpdate.safeParse(JSON.parse(request.body));
    if (!parsed.success) {
      this.breaches.push(`${reference} has an invalid update: ${parsed.error.message}`);
      return { status: 422, body: { detail: 'bad' } };
    }
    const others = Object.keys(parsed.data).filter((field) => !UPDATABLE.has(field));
    if (others.length > 0) this.breaches.push(`${reference} has an update of ${others}`);
    Object.assign(log, parsed.data);
    return { status: 200, body: { id: `data_${reference}`, feedback: this.feedback.get(reference) ?? [] } };
  }

  #addFeedback({ body }: V4Request): V4Answer {
    const items = JSON.parse(body) as Feedback[];
    for (const [index, item] of items.entries()) {
      const { data_id, ...feedback } = item;
      const reference = data_id?.slice('data_'.length) ?? '';
      if (!feedbackRequest.safeParse(item).success || !this.logs.has(reference) || feedback.value === 'refused') {
        return { status: 422, body: { detail: [{ loc: ['body', index, 'value'], msg: 'bad', type: 'value_error' }] } };
      }
    }
    for (const { data_id, ...feedback } of items) {
      const reference = data_id?.slice('data_'.length) ?? '';
      this.feedback.set(reference, [...(this.feedback.get(reference) ?? []), feedback]);
    }
    return { status: 200, body: items.map((item, index) => ({ ...item, id: `ann_${index}` })) };
  }
}

/** Returns the reference ids of the logs in a request, in its order; none if the body does not have them. */
export function referencesOf({ url, body }: Pick<V4Request, 'url' | 'body'>): string[] {
  const named = new URL(url, 'http://localhost').searchParams.get('reference_id');
  if (named !== null) return [named];
  try {
    return (JSON.parse(body) as LogRequest[]).map(referenceOf);
  } catch {
    return [];
  }
}

function referenceOf(log: LogRequest): string {
  return String(log.reference_id);
}
