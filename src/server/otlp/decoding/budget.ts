/**
 * Bounds what one request may have: a few megabytes of protobuf can stand for millions of empty spans, which take far
 * more memory and time than their bytes.
 */

/** One for each value or key. A batch of 10,000 spans with 40 attributes each has less than half of it. */
const MAX_WEIGHT = 2_000_000;

/**
 * Of one span, log record or resource, which is read in one turn: what is beyond is left out. No SDK writes so much, and no
 * log of the v4 API may have more keys.
 */
const MAX_ITEM_WEIGHT = 100_000;
export const LEFT_OUT = `more than ${MAX_ITEM_WEIGHT} values in one span, log record or resource: the last were left out`;

/**
 * Fields of protobuf that are read or passed over in one turn: there may be millions that nobody reads, or one again and
 * again. What an item may have has less than that.
 */
const MAX_TURN_FIELDS = 500_000;

/** Weights, compared with one value: so many more objects and bytes it takes. */
export const SPAN_WEIGHT = 20;
export const EVENT_WEIGHT = 5;

/** The request has too much in it: the sender may send the same in smaller requests. */
export class TooMuchError extends Error {
  override readonly name = 'TooMuchError';

  constructor() {
    super(
      `the request has more than ${MAX_WEIGHT} values, of which each span counts as ${SPAN_WEIGHT}, ` +
        `or one span has more than ${MAX_TURN_FIELDS} fields`,
    );
  }
}

export class Budget {
  #left = MAX_WEIGHT;
  #leftOfItem = 0;
  #leftOfTurn = MAX_TURN_FIELDS;
  #isCut = false;
  #cutItems = 0;

  /** Whether something of this item was left out. However much it was, a span counts it as one attribute. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** Returns the number of items of which something was left out. */
  get cutItems(): number {
    return this.#cutItems;
  }

  /** What is taken from here on is that of another item. */
  beginItem(weight: number): void {
    this.spend(weight);
    this.#leftOfItem = MAX_ITEM_WEIGHT;
    this.#leftOfTurn = MAX_TURN_FIELDS;
    this.#isCut = false;
  }

  /** Returns whether this part of the item is to be read; if not, it is to be passed over, as all that follows. */
  take(weight: number): boolean {
    if (weight <= this.#leftOfItem) {
      this.#leftOfItem -= weight;
      this.spend(weight);
      return true;
    }
    this.#leftOfItem = 0;
    if (!this.#isCut) this.#cutItems += 1;
    this.#isCut = true;
    return false;
  }

  /** Counts a field. Throws a `TooMuchError` when so many are read in one turn that others would have to wait. */
  countField(): void {
    this.#leftOfTurn -= 1;
    if (this.#leftOfTurn < 0) throw new TooMuchError();
  }

  /** Throws a `TooMuchError` when the request has too much. */
  spend(weight: number): void {
    this.#left -= weight;
    if (this.#left < 0) throw new TooMuchError();
  }
}
