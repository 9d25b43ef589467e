/**
 * Decides when requests go out: how many at once, after which pause, and how long a wave that is not full gathers.
 * `Posts` and `Updates` build the requests and handle the answers.
 */
import { warnAloud } from '../host/stderr.ts';
import { Warnings } from '../host/warnings.ts';
import type { RetryOptions } from '../options.ts';
import { EarliestTimer } from '../scheduling/earliest-timer.ts';
import type { Transport, TransportOutcome, TransportRequest } from '../transport/transport.ts';
import { type Advice, adviseOn, adviseOnStranger, type Fault, type ServerSettings } from './advice.ts';
import { Backoff, type Failure, type Method } from './backoff.ts';
import type { Verdict } from './verdict.ts';

const WARN_INTERVAL_MILLIS = 60_000;
/** How long a wave that is not full gathers: long enough to share requests, short enough to look live. */
const GATHER_MILLIS = 200;

/**
 * Number of unanswered updates on one connection. Updates are small and idempotent, so they can be pipelined; otherwise
 * a distant server would receive one per connection and round trip.
 */
export const UPDATES_PER_CONNECTION = 32;

export interface Shipment {
  readonly request: TransportRequest;
  /** Returns what the outcome means for the logs of the request. */
  judge(outcome: TransportOutcome): Verdict;
  /** Called once, with the verdict on the request. */
  apply(verdict: Verdict): void;
}

/** What is to be sent with one HTTP method. */
export interface Work {
  /** Builds and returns the next request; undefined if there is none. */
  take(): Shipment | undefined;
}

/** Work that waits a short time so that it needs fewer requests. */
export interface GatheredWork extends Work {
  readonly isWaiting: boolean;
  /** A full request is waiting, or a flush is, or no more is about to come: waiting longer gains nothing. */
  readonly isUrgent: boolean;
}

export interface SenderOptions extends ServerSettings {
  readonly concurrency: number;
  readonly retry: RetryOptions;
  /** Prints nothing to stderr. */
  readonly quiet: boolean;
}

export class Sender {
  readonly #transport: Transport;
  readonly #posts: GatheredWork;
  readonly #updates: Work;
  readonly #options: SenderOptions;
  readonly #backoff: Backoff;
  readonly #inFlight = { POST: 0, PATCH: 0 };
  readonly #timer = new EarliestTimer(() => this.pump());
  readonly #warnings = new Warnings(WARN_INTERVAL_MILLIS);
  /** No request was ever answered, and the last one was refused. */
  #isRefused = false;
  #isAnswered = false;
  #gatherUntilMillis: number | undefined;
  #isWoken = false;
  #isClosed = false;

  constructor(transport: Transport, posts: GatheredWork, updates: Work, options: SenderOptions) {
    this.#transport = transport;
    this.#posts = posts;
    this.#updates = updates;
    this.#options = options;
    this.#backoff = new Backoff(options.retry);
  }

  get inFlight(): number {
    return this.#inFlight.POST + this.#inFlight.PATCH;
  }

  /** True if no request was ever answered, and the last one was refused: probably nobody has started the server. */
  get isRefused(): boolean {
    return this.#isRefused && !this.#isAnswered;
  }

  /** Call this when something may be sent. All calls of one turn lead to one `pump`. */
  wake(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    queueMicrotask(() => {
      this.#isWoken = false;
      this.pump();
    });
  }

  /** Sends what may be sent now and sets the timer for the rest. A call costs little if there is nothing to do. */
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

  /** After a pause one request of either method goes alone; the others wait for its outcome. */
  #mayGo(method: Method): boolean {
    if (this.#backoff.isAlone(method)) return (this.#backoff.hasPassed ? this.#inFlight[method] : this.inFlight) === 0;
    const perConnection = method === 'PATCH' ? UPDATES_PER_CONNECTION : 1;
    return this.#inFlight[method] < this.#options.concurrency * perConnection;
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
    // `close` has already counted the logs that were in flight.
    if (this.#isClosed) return;
    const verdict = shipment.judge(outcome);
    const advice = this.#adviseOn(outcome, verdict);
    this.#isAnswered ||= outcome.kind === 'answered';
    this.#isRefused = advice?.fault === 'refused';
    const scope = FAILURE_SCOPES[verdict.kind];
    if (scope) {
      const retryAfterMillis = 'retryAfterMillis' in verdict ? verdict.retryAfterMillis : undefined;
      this.#backoff.failed({ startedAtMillis, nowMillis: performance.now(), retryAfterMillis, scope, method });
      if (this.#backoff.isDown && 'why' in verdict) this.#warn(verdict.why, advice);
    } else {
      this.#backoff.succeeded(method, startedAtMillis);
    }
    if (verdict.kind === 'closed') this.#warnOnce('closed', verdict.why);
    shipment.apply(verdict);
    this.pump();
  }

  /** A connection to a server that has answered before may break, without anything being wrong with the set-up. */
  #adviseOn(outcome: TransportOutcome, { kind }: Verdict): Advice | undefined {
    if (outcome.kind === 'answered' && outcome.status < 300 && kind === 'unsure')
      return adviseOnStranger(outcome.status, this.#options);
    return outcome.kind === 'lost' && this.#isAnswered ? undefined : adviseOn(outcome, this.#options);
  }

  /** Without a warning, a wrong address or key would show only in `stats()`. */
  #warn(why: string, advice: Advice | undefined): void {
    const text = 'nothing can be sent now';
    const rest = 'logs are kept and tried again';
    if (advice) this.#warnOnce(advice.fault, `${text}: ${advice.text} (${rest})`);
    else this.#warnings.warn('unsent', `${text} (${why}); ${rest}`);
  }

  /** Once per minute through `diag`, and once per process on stderr. */
  #warnOnce(fault: Fault, message: string): void {
    if (this.#warnings.mayWarn(fault)) warnAloud(fault, message, this.#options.quiet);
  }
}

/** Verdicts that count as failures of the server; the others show that it works. */
const FAILURE_SCOPES: Partial<Record<Verdict['kind'], Failure['scope']>> = {
  unsure: 'request',
  later: 'server',
  refused: 'configuration',
};
