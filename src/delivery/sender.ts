/**
 * Decides when requests go out: how many at once, after which pause, and how long a wave that is not full gathers.
 * Their content and the handling of answers belong to the work.
 */
import { Warnings } from '../host/warnings.ts';
import type { RetryOptions } from '../options.ts';
import { EarliestTimer } from '../scheduling/earliest-timer.ts';
import type { Transport, TransportOutcome, TransportRequest } from '../transport/transport.ts';
import { Backoff, type Failure, type Method } from './backoff.ts';
import type { Verdict } from './verdict.ts';

const WARN_INTERVAL_MILLIS = 60_000;
/** How long a wave that is not full gathers: long enough to share requests, short enough to look live. */
const GATHER_MILLIS = 200;

/**
 * An update is one small request, and idempotent: several may share a connection unanswered, or a distant server would
 * see one of them per connection and round trip.
 */
export const UPDATES_PER_CONNECTION = 32;

export interface Shipment {
  readonly request: TransportRequest;
  judge(outcome: TransportOutcome): Verdict;
  /** Called once, with the verdict on the request. */
  apply(verdict: Verdict): void;
}

/** What is to be sent by one method. */
export interface Work {
  /** The next request, built now; `undefined` where there is none. */
  take(): Shipment | undefined;
}

/** Work that is better sent in few requests than at once. */
export interface GatheredWork extends Work {
  readonly isWaiting: boolean;
  /** A full request is waiting, or somebody waits for a flush: gathering longer gains nothing. */
  readonly isUrgent: boolean;
}

export class Sender {
  readonly #transport: Transport;
  readonly #posts: GatheredWork;
  readonly #updates: Work;
  readonly #concurrency: number;
  readonly #backoff: Backoff;
  readonly #inFlight = { POST: 0, PATCH: 0 };
  readonly #timer = new EarliestTimer(() => this.pump());
  readonly #warnings = new Warnings(WARN_INTERVAL_MILLIS);
  #gatherUntilMillis: number | undefined;
  #isWoken = false;
  #isClosed = false;

  constructor(
    transport: Transport,
    posts: GatheredWork,
    updates: Work,
    options: { readonly concurrency: number; readonly retry: RetryOptions },
  ) {
    this.#transport = transport;
    this.#posts = posts;
    this.#updates = updates;
    this.#concurrency = options.concurrency;
    this.#backoff = new Backoff(options.retry);
  }

  get inFlight(): number {
    return this.#inFlight.POST + this.#inFlight.PATCH;
  }

  /** Something may be sent: soon, and once for all that comes in one turn. */
  wake(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    queueMicrotask(() => {
      this.#isWoken = false;
      this.pump();
    });
  }

  /** Sends what may be sent now and sets the timer for the rest. Cheap to call when there is nothing to do. */
  pump(): void {
    if (this.#isClosed) return;
    const now = performance.now();
    if (now < this.#backoff.resumeAtMillis) return this.#timer.fireAt(this.#backoff.resumeAtMillis);
    while (this.#mayGo('PATCH')) {
      const update = this.#updates.take();
      if (!update) break;
      void this.#send('PATCH', update, now);
    }
    while (this.#posts.isWaiting && this.#mayGo('POST')) {
      if (!this.#isGathered(now)) return this.#timer.fireAt(this.#gatherUntilMillis as number);
      const wave = this.#posts.take();
      if (!wave) break;
      void this.#send('POST', wave, now);
    }
    if (!this.#posts.isWaiting) this.#gatherUntilMillis = undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer.clear();
    await this.#transport.close();
  }

  /** After a pause one request goes alone, of either kind, and the rest waits for what becomes of it. */
  #mayGo(method: Method): boolean {
    if (this.#backoff.isAlone(method)) return (this.#backoff.hasPassed ? this.#inFlight[method] : this.inFlight) === 0;
    const perConnection = method === 'PATCH' ? UPDATES_PER_CONNECTION : 1;
    return this.#inFlight[method] < this.#concurrency * perConnection;
  }

  #isGathered(nowMillis: number): boolean {
    if (this.#posts.isUrgent) return true;
    this.#gatherUntilMillis ??= nowMillis + GATHER_MILLIS;
    return nowMillis >= this.#gatherUntilMillis;
  }

  async #send(method: Method, shipment: Shipment, startedAtMillis: number): Promise<void> {
    this.#inFlight[method]++;
    const outcome = await this.#transport.send(shipment.request);
    this.#inFlight[method]--;
    // What was in flight at the close is accounted for already.
    if (this.#isClosed) return;
    const verdict = shipment.judge(outcome);
    const scope = FAILURE_SCOPES[verdict.kind];
    if (scope) {
      const retryAfterMillis = 'retryAfterMillis' in verdict ? verdict.retryAfterMillis : undefined;
      this.#backoff.failed({ startedAtMillis, nowMillis: performance.now(), retryAfterMillis, scope, method });
      if (this.#backoff.isDown && 'why' in verdict) this.#warn(verdict.why);
    } else {
      this.#backoff.succeeded(method, startedAtMillis);
    }
    shipment.apply(verdict);
    this.pump();
  }

  /** A wrong address or key would else be noticed by nobody but those who look at the numbers. */
  #warn(why: string): void {
    this.#warnings.warn('unsent', `nothing can be sent now (${why}); logs are kept and tried again`);
  }
}

/** Verdicts that say something about the server; the others say that it works. */
const FAILURE_SCOPES: Partial<Record<Verdict['kind'], Failure['scope']>> = {
  unsure: 'request',
  later: 'server',
  refused: 'configuration',
};
