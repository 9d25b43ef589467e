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
}

export class Backoff {
  readonly #retry: RetryOptions;
  readonly #random: () => number;
  #failuresInARow = 0;
  #pauses = 0;
  #pausedAtMillis = Number.NEGATIVE_INFINITY;
  #resumeAtMillis = 0;

  constructor(retry: RetryOptions, random: () => number = Math.random) {
    this.#retry = retry;
    this.#random = random;
  }

  /** Paused, or just out of a pause with no success yet. */
  get isDown(): boolean {
    return this.#pauses > 0;
  }

  /** Monotonic milliseconds; 0 where nothing is paused. */
  get resumeAtMillis(): number {
    return this.#resumeAtMillis;
  }

  succeeded(): void {
    this.#failuresInARow = 0;
    this.#pauses = 0;
    this.#resumeAtMillis = 0;
  }

  failed({ startedAtMillis, nowMillis, retryAfterMillis, scope }: Failure): void {
    this.#failuresInARow++;
    const isAlone = scope === 'request' && retryAfterMillis === undefined && !this.isDown;
    if (isAlone && this.#failuresInARow < FAILURES_IN_A_ROW) return;
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
