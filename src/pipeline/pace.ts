/**
 * How much work is done between two yields: less than a millisecond, and more than a yield costs.
 *
 * The time that a step takes is mostly that of its texts. It is not measured, since looking at the clock after each step
 * would cost as much as some of the steps.
 */
const BYTES_PER_YIELD = 64 * 1024;
/** What a step costs apart from its texts. */
const BYTES_PER_STEP = 4 * 1024;

export class Pace {
  #bytes = 0;

  /** Counts a step on a span with texts of so many bytes. Returns true if it is time to yield. */
  isDue(bytes: number): boolean {
    this.#bytes += BYTES_PER_STEP + bytes;
    if (this.#bytes < BYTES_PER_YIELD) return false;
    this.#bytes = 0;
    return true;
  }
}
