/**
 * A v4 endpoint as strict as the API's text: a parent must have been acknowledged in an earlier request, and a
 * reference id must be stored once. It answers as a transport does, may fail in every way that a network can, and
 * writes down each breach of the rules instead of helping.
 */
import type { Transport, TransportOutcome, TransportRequest } from '../src/transport/transport.ts';
import { type LogRequest, logRequest, logUpdate } from '../src/wire/v4.ts';

export type Fault =
  | 'unsent'
  | 'lostBefore'
  | 'lostAfter'
  | 'lostHalfway'
  | '429'
  | '500'
  | '500After'
  | '503'
  | 'html'
  | 'cutAnswer';

export interface StrictEndpointOptions {
  /** What goes wrong with the next request; `undefined` for nothing. */
  readonly nextFault?: (request: TransportRequest) => Fault | undefined;
  readonly nextDelayMillis?: (request: TransportRequest) => number;
  /** Datapoints that the endpoint refuses as invalid. */
  readonly isPoison?: (log: LogRequest) => boolean;
  /** Whether a 422 says which datapoint was bad. */
  readonly namesPoison?: boolean;
  readonly maxBytes?: number;
}

type Answer = { status: number; body: unknown };

export class StrictEndpoint implements Transport {
  readonly logs = new Map<string, LogRequest>();
  readonly breaches: string[] = [];
  readonly requests: { method: string; path: string; items: number; status: number | string }[] = [];
  readonly #acknowledged = new Set<string>();
  readonly #options: StrictEndpointOptions;
  isClosed = false;

  constructor(options: StrictEndpointOptions = {}) {
    this.#options = options;
  }

  get posts(): number {
    return this.requests.filter(({ method }) => method === 'POST').length;
  }

  get patches(): number {
    return this.requests.filter(({ method }) => method === 'PATCH').length;
  }

  async send(request: TransportRequest): Promise<TransportOutcome> {
    const known = new Set(this.#acknowledged);
    const fault = this.#options.nextFault?.(request);
    await sleep(this.#options.nextDelayMillis?.(request) ?? 0);
    const { answer, references } = this.#work(request, fault, known);
    const outcome = toOutcome(fault, answer);
    if (outcome.kind === 'answered' && outcome.status === 200 && !fault) {
      for (const reference of references) this.#acknowledged.add(reference);
    }
    this.requests.push({
      method: request.method,
      path: request.path,
      items: references.length,
      status: outcome.kind === 'answered' ? outcome.status : outcome.kind,
    });
    return outcome;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  #work(request: TransportRequest, fault: Fault | undefined, known: ReadonlySet<string>) {
    const body: unknown = JSON.parse(Buffer.from(request.body as Uint8Array).toString());
    if (request.method === 'PATCH') return this.#patch(request, body, fault);
    const logs = body as LogRequest[];
    const references = logs.map(({ reference_id }) => String(reference_id));
    const reaches =
      fault === undefined || ['lostAfter', '500After', 'html', 'cutAnswer', 'lostHalfway'].includes(fault);
    if (!reaches) return { answer: { status: Number(fault) || 0, body: {} }, references };
    const refused = this.#refuse(request, logs);
    if (refused) return { answer: refused, references };
    const stored = fault === 'lostHalfway' ? logs.filter((_, index) => index % 2 === 0) : logs;
    for (const log of stored) this.#store(log, references, known);
    return {
      answer: { status: 200, body: references.map((id) => ({ id: `data_${id}`, project_id: 'pr_1' })) },
      references,
    };
  }

  #refuse(request: TransportRequest, logs: LogRequest[]): Answer | undefined {
    if ((request.body?.length ?? 0) > (this.#options.maxBytes ?? Number.POSITIVE_INFINITY))
      return { status: 413, body: {} };
    const bad = logs.findIndex((log) => this.#options.isPoison?.(log));
    if (bad < 0) return undefined;
    const detail = [{ loc: ['body', bad, 'config'], msg: 'bad', type: 'value_error' }];
    return { status: 422, body: this.#options.namesPoison === false ? { detail: 'bad' } : { detail } };
  }

  #store(log: LogRequest, references: readonly string[], known: ReadonlySet<string>): void {
    const reference = String(log.reference_id);
    const parsed = logRequest.safeParse(log);
    if (!parsed.success) this.breaches.push(`${reference} is invalid: ${parsed.error.message}`);
    if (this.logs.has(reference)) this.breaches.push(`${reference} was posted twice`);
    const parent = log.parent_reference_id;
    if (parent && references.includes(parent)) this.breaches.push(`${reference} shares a request with its parent`);
    else if (parent && !known.has(parent)) this.breaches.push(`${reference} came before its parent was acknowledged`);
    this.logs.set(reference, log);
  }

  #patch(request: TransportRequest, body: unknown, fault: Fault | undefined) {
    const reference = new URLSearchParams(request.path.split('?')[1]).get('reference_id') as string;
    const reaches =
      fault === undefined || ['lostAfter', '500After', 'html', 'cutAnswer', 'lostHalfway'].includes(fault);
    if (!reaches) return { answer: { status: Number(fault) || 0, body: {} }, references: [reference] };
    const log = this.logs.get(reference);
    if (!log) return { answer: { status: 404, body: {} }, references: [] };
    Object.assign(log, logUpdate.parse(body));
    return { answer: { status: 200, body: { id: `data_${reference}` } }, references: [reference] };
  }
}

function toOutcome(fault: Fault | undefined, { status, body }: Answer): TransportOutcome {
  const answered = (code: number, text: string): TransportOutcome => ({
    kind: 'answered',
    status: code,
    headers: {},
    text,
    truncated: false,
    roundTripTime: 1,
  });
  switch (fault) {
    case 'unsent':
      return { kind: 'unsent', cause: new Error('connect ECONNREFUSED'), roundTripTime: 1 };
    case 'lostBefore':
    case 'lostAfter':
    case 'lostHalfway':
      return { kind: 'lost', cause: new Error('read ECONNRESET'), roundTripTime: 1 };
    case '429':
    case '500':
    case '503':
      return answered(Number(fault), '{}');
    case '500After':
      return answered(500, 'oops');
    case 'html':
      return answered(200, '<html>');
    case 'cutAnswer':
      return answered(200, '[{"id":');
    default:
      return answered(status, JSON.stringify(body));
  }
}

function sleep(millis: number): Promise<void> {
  return new Promise((resolve) => (millis > 0 ? setTimeout(resolve, millis) : setImmediate(resolve)));
}
