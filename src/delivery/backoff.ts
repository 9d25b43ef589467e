/**
 * When requests may go out again, for the whole queue at once: a server that is down is down for every request.
 *
 * A single failure among successes pauses nothing; several in a row do, and so does an answer that speaks for all
 * requests (429, no connection, wrong key). Full jitter (a random delay up to a bound that doubles) keeps a fleet of
 * exporters from coming back in step. After a pause one request goes out alone; the others follow when it passed.
 */
import type { RetryOptions } from '../options.ts';

/** With so many failures in a row the server is taken to be down. */
const FAILURES_IN_A_ROW = 3;
/** A wrong key or address is asked about seldom: nothing passes until somebody mends it. */
const MAX_REFUSED_DELAY_MILLIS = 60_000;

export interface Failure {
  /** Monotonic milliseconds. Requests that were in flight together fail together and count as one pause. */
  readonly startedAtMillis: number;
  readonly nowMillis: number;
  readonly retryAfterMillis: number | undefined;
  readonly scope: 'request' | 'server' | 'configuration';
  readonly method: Method;
}

export type Method = 'POST' | 'PATCH';

export class Backoff {
  readonly #retry: RetryOptions;
  readonly #random: () => number;
  readonly #failuresInARow = { POST: 0, PATCH: 0 };
  /** Methods whose failure paused and that have not passed since. */
  readonly #failing = new Set<Method>();
  #hasPassed = false;
  #pauses = 0;
  #pausedAtMillis = Number.NEGATIVE_INFINITY;
  #resumeAtMillis = 0;

  constructor(retry: RetryOptions, random: () => number = Math.random) {
    this.#retry = retry;
    this.#random = random;
  }

  /** Paused, or just out of a pause with no success yet of what failed. */
  get isDown(): boolean {
    return this.#failing.size > 0;
  }

  /**
   * After a pause, requests go one at a time: those of every method until one succeeds, then only those of the methods
   * that failed.
   */
  isAlone(method: Method): boolean {
    return this.isDown && (!this.#hasPassed || this.#failing.has(method));
  }

  /** Something has passed since the pause: the server is there. */
  get hasPassed(): boolean {
    return this.#hasPassed;
  }

  /** Monotonic milliseconds; 0 where nothing is paused. */
  get resumeAtMillis(): number {
    return this.#resumeAtMillis;
  }

  /**
   * A success says nothing about the other method: where each POST fails and each question about it is answered, the
   * two would else take turns without a pause. Nor does it, if it was sent before the pause.
   */
  succeeded(method: Method, startedAtMillis: number): void {
    this.#failuresInARow[method] = 0;
    if (startedAtMillis < this.#pausedAtMillis) return;
    this.#hasPassed = true;
    this.#failing.delete(method);
    if (this.isDown) return;
    this.#pauses = 0;
    this.#resumeAtMillis = 0;
  }

  failed({ startedAtMillis, nowMillis, retryAfterMillis, scope, method }: Failure): void {
    const inARow = ++this.#failuresInARow[method];
    const isAlone = scope === 'request' && retryAfterMillis === undefined && !this.isDown;
    if (isAlone && inARow < FAILURES_IN_A_ROW) return;
    this.#failing.add(method);
    this.#hasPassed = false;
    if (startedAtMillis >= this.#pausedAtMillis) this.#pauses++;
    this.#pausedAtMillis = nowMillis;
    const delay = Math.max(this.#jittered(scope === 'configuration'), retryAfterMillis ?? 0);
    this.#resumeAtMillis = Math.max(this.#resumeAtMillis, nowMillis + delay);
  }

  #jittered(isRefused: boolean): number {
    const { minDelayMillis, maxDelayMillis } = this.#retry;
    const limit = isRefused ? Math.max(maxDelayMillis, MAX_REFUSED_DELAY_MILLIS) : maxDelayMillis;
    const bound = Math.min(limit, minDelayMillis * 2 ** Math.min(this.#pauses, 30));
    const spread = Math.max(0, bound - minDelayMillis);
    // Refusals are not a herd that could come back in step, and their long delays are what spares the server.
    return isRefused ? bound : Math.min(limit, minDelayMillis) + this.#random() * spread;
  }
}
