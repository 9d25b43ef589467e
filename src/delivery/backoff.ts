/**
 * Decides when requests may go out again, for all of them together: a server that is down is down for every request.
 *
 * A single failure among successes causes no pause. Several in a row do, and so does an answer that applies to all
 * requests (429, no connection, wrong key). Full jitter (a random delay up to a bound that doubles) keeps a fleet of
 * exporters from returning at the same moment. After a pause one request goes out alone; if it succeeds, the others
 * follow.
 */
import type { RetryOptions } from '../options.ts';

/** After this many failures in a row the server counts as down. */
const FAILURES_IN_A_ROW = 3;
/** A wrong key or address is tried rarely: no request succeeds until somebody fixes it. */
const MAX_REFUSED_DELAY_MILLIS = 60_000;

export interface Failure {
  /** Start of the request, monotonic milliseconds. Requests in flight at the same time cause one pause together. */
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
  /** Methods whose failure caused a pause and that have not succeeded since. */
  readonly #failing = new Set<Method>();
  #hasPassed = false;
  #pauses = 0;
  #pausedAtMillis = Number.NEGATIVE_INFINITY;
  #resumeAtMillis = 0;

  constructor(retry: RetryOptions, random: () => number = Math.random) {
    this.#retry = retry;
    this.#random = random;
  }

  /** True during a pause, and after it until each method that failed has succeeded. */
  get isDown(): boolean {
    return this.#failing.size > 0;
  }

  /**
   * Returns true if requests of this method go one at a time. After a pause that applies to every method until one
   * request succeeds, then only to the methods that failed.
   */
  isAlone(method: Method): boolean {
    return this.isDown && (!this.#hasPassed || this.#failing.has(method));
  }

  /** True if a request has succeeded since the pause: the server is there. */
  get hasPassed(): boolean {
    return this.#hasPassed;
  }

  /** End of the pause, monotonic milliseconds; 0 if there was none since the last success. */
  get resumeAtMillis(): number {
    return this.#resumeAtMillis;
  }

  /**
   * A success says nothing about the other method: if each POST fails but each probe for it succeeds, the two would
   * otherwise alternate without a pause. A request that was sent before the pause does not end it.
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
    // Refusals need no jitter: they are not a fleet that returns at once, and the long delay protects the server.
    return isRefused ? bound : Math.min(limit, minDelayMillis) + this.#random() * spread;
  }
}
