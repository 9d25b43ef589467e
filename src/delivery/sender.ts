/**
 * Decides when requests go out: how many at once, after which pause, and how long a wave that is not full gathers.
 * What is in them, and what becomes of it, is the work's affair.
 */
import { diag } from '@opentelemetry/api';
import type { RetryOptions } from '../options.ts';
import type { Transport, TransportOutcome, TransportRequest } from '../transport/transport.ts';
import { Backoff, type Failure } from './backoff.ts';
import type { Verdict } from './verdict.ts';

const COMPLAINT_INTERVAL_MILLIS = 60_000;
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
  settle(verdict: Verdict): void;
}

export interface Work {
  takeUpdate(): Shipment | undefined;
  takeWave(): Shipment | undefined;
  hasWave(): boolean;
  /** A full request is waiting, or somebody waits for a flush: gathering longer gains nothing. */
  isWaveUrgent(): boolean;
}

export class Sender {
  readonly #transport: Transport;
  readonly #work: Work;
  readonly #concurrency: number;
  readonly #backoff: Backoff;
  readonly #inFlight = { POST: 0, PATCH: 0 };
  #gatherUntilMillis: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMillis = Number.POSITIVE_INFINITY;
  #complainedAtMillis = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(transport: Transport, work: Work, options: { concurrency: number; retry: RetryOptions }) {
    this.#transport = transport;
    this.#work = work;
    this.#concurrency = options.concurrency;
    this.#backoff = new Backoff(options.retry);
  }

  get inFlight(): number {
    return this.#inFlight.POST + this.#inFlight.PATCH;
  }

  /** Sends what may be sent now and sets the timer for the rest. Cheap to call when there is nothing to do. */
  pump(): void {
    if (this.#isClosed) return;
    const now = performance.now();
    if (now < this.#backoff.resumeAtMillis) return this.#pumpAt(this.#backoff.resumeAtMillis);
    while (this.#mayGo('PATCH')) {
      const update = this.#work.takeUpdate();
      if (!update) break;
      void this.#send('PATCH', update, now);
    }
    while (this.#work.hasWave() && this.#mayGo('POST')) {
      if (!this.#isGathered(now)) return this.#pumpAt(this.#gatherUntilMillis as number);
      const wave = this.#work.takeWave();
      if (!wave) break;
      void this.#send('POST', wave, now);
    }
    if (!this.#work.hasWave()) this.#gatherUntilMillis = undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#transport.close();
  }

  /** After a pause one request goes alone, of either kind, and the rest waits for what becomes of it. */
  #mayGo(method: 'POST' | 'PATCH'): boolean {
    if (this.#backoff.isAlone(method)) return (this.#backoff.hasPassed ? this.#inFlight[method] : this.inFlight) === 0;
    const perConnection = method === 'PATCH' ? UPDATES_PER_CONNECTION : 1;
    return this.#inFlight[method] < this.#concurrency * perConnection;
  }

  #isGathered(nowMillis: number): boolean {
    if (this.#work.isWaveUrgent()) return true;
    this.#gatherUntilMillis ??= nowMillis + GATHER_MILLIS;
    return nowMillis >= this.#gatherUntilMillis;
  }

  async #send(method: 'POST' | 'PATCH', shipment: Shipment, startedAtMillis: number): Promise<void> {
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
      if (this.#backoff.isDown && 'why' in verdict) this.#complain(verdict.why);
    } else {
      this.#backoff.succeeded(method, startedAtMillis);
    }
    shipment.settle(verdict);
    this.pump();
  }

  /** A wrong address or key would else be noticed by nobody but those who look at the numbers. */
  #complain(why: string): void {
    if (performance.now() - this.#complainedAtMillis < COMPLAINT_INTERVAL_MILLIS) return;
    this.#complainedAtMillis = performance.now();
    diag.warn(`humanloop-otel: nothing can be sent now (${why}); logs are kept and tried again`);
  }

  #pumpAt(atMillis: number): void {
    // A timer that fires sooner does no harm: it looks, and sets the next.
    if (this.#timerAtMillis <= atMillis) return;
    clearTimeout(this.#timer);
    this.#timerAtMillis = atMillis;
    this.#timer = setTimeout(
      () => {
        this.#timerAtMillis = Number.POSITIVE_INFINITY;
        this.pump();
      },
      Math.max(0, Math.ceil(atMillis - performance.now())),
    );
    this.#timer.unref();
  }
}

/** Verdicts that say something about the server; the others say that it works. */
const FAILURE_SCOPES: Partial<Record<Verdict['kind'], Failure['scope']>> = {
  unsure: 'request',
  later: 'server',
  refused: 'configuration',
};
