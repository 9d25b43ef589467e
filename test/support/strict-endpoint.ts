/**
 * The rules of the v4 API behind a transport, without a socket: for tests on a fake clock, and for tests with thousands of
 * requests.
 */
import type { Transport, TransportOutcome, TransportRequest } from '../../src/transport/transport.ts';
import { referencesOf, type V4Answer, type V4Request, V4Rules, type V4RulesOptions } from './v4-rules.ts';

/** What goes wrong with a request. With `lostHalfway` every other log is stored, with those in `WORKED` all are. */
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

/** Faults after which the request has still reached the endpoint. */
const WORKED: ReadonlySet<string> = new Set(['lostAfter', 'lostHalfway', '500After', 'html', 'cutAnswer']);

export interface StrictEndpointOptions extends V4RulesOptions {
  /** Returns what goes wrong with the next request; undefined for nothing. */
  readonly nextFault?: (request: TransportRequest) => Fault | undefined;
  readonly nextDelayMillis?: (request: TransportRequest) => number;
}

export class StrictEndpoint implements Transport {
  readonly requests: { method: string; path: string; items: number; status: number | string }[] = [];
  readonly #options: StrictEndpointOptions;
  readonly #rules: V4Rules;

  constructor(options: StrictEndpointOptions = {}) {
    this.#options = options;
    this.#rules = new V4Rules(options);
  }

  get logs(): V4Rules['logs'] {
    return this.#rules.logs;
  }

  get breaches(): V4Rules['breaches'] {
    return this.#rules.breaches;
  }

  async send(request: TransportRequest): Promise<TransportOutcome> {
    const { method, path } = request;
    const arrivedAt = this.#rules.arrive();
    const fault = this.#options.nextFault?.(request);
    await sleep(this.#options.nextDelayMillis?.(request) ?? 0);
    const received: V4Request = { method, url: path, body: Buffer.from(request.body ?? []).toString() };
    const stores = fault === 'lostHalfway' ? 'half' : 'all';
    const isWorked = fault === undefined || WORKED.has(fault);
    const good = isWorked ? this.#rules.answer(received, arrivedAt, stores) : undefined;
    const outcome = toOutcome(fault, good);
    const references = referencesOf(received);
    const status = outcome.kind === 'answered' ? outcome.status : outcome.kind;
    if (status === 200 && !fault) this.#rules.acknowledge(references);
    this.requests.push({ method, path, items: references.length, status });
    return outcome;
  }

  async close(): Promise<void> {}
}

function toOutcome(fault: Fault | undefined, good: V4Answer | undefined): TransportOutcome {
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
      return answered(good?.status ?? 500, JSON.stringify(good?.body));
  }
}

function answered(status: number, text: string): TransportOutcome {
  return { kind: 'answered', status, headers: {}, text, truncated: false, roundTripTime: 1 };
}

function sleep(millis: number): Promise<void> {
  return new Promise((resolve) => (millis > 0 ? setTimeout(resolve, millis) : setImmediate(resolve)));
}
