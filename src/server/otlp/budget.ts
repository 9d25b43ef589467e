/**
 * Bounds what one request may have: a few megabytes of protobuf can stand for millions of empty spans, which take far
 * more memory and time than their bytes.
 */

/** One for each value or key. A batch of 10,000 spans with 40 attributes each has less than half of it. */
const MAX_WEIGHT = 2_000_000;

/** Weights, compared with one value: so many more objects and bytes it takes. */
export const SPAN_WEIGHT = 20;
export const EVENT_WEIGHT = 5;

/** The request has too much in it: the sender may send the same in smaller requests. */
export class TooMuchError extends Error {
  override readonly name = 'TooMuchError';

  constructor() {
    super(`the request has more than ${MAX_WEIGHT} values, of which each span counts as ${SPAN_WEIGHT}`);
  }
}

export class Budget {
  #left = MAX_WEIGHT;

  /** Throws a `TooMuchError` when the request has too much. */
  spend(weight: number): void {
    this.#left -= weight;
    if (this.#left < 0) throw new TooMuchError();
  }
}
