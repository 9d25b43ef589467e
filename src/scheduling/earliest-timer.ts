/** Longest delay that a Node timer takes; a longer one would fire at once. */
const MAX_TIMER_MILLIS = 2 ** 31 - 1;

/**
 * One timer for many wishes: it fires at the earliest time that was asked for. Whoever uses it looks what is to be done
 * then, and asks for the next time. Unref'ed: it does not keep the process alive.
 */
export class EarliestTimer {
  readonly #fire: () => void;
  #timer: NodeJS.Timeout | undefined;
  #atMillis = Number.POSITIVE_INFINITY;

  constructor(fire: () => void) {
    this.#fire = fire;
  }

  get isSet(): boolean {
    return this.#timer !== undefined;
  }

  /** Fires at this time at the latest: monotonic milliseconds, as `performance.now()` gives them. */
  fireAt(atMillis: number): void {
    if (this.#atMillis <= atMillis) return;
    this.clear();
    this.#atMillis = atMillis;
    const delayMillis = Math.min(Math.max(0, Math.ceil(atMillis - performance.now())), MAX_TIMER_MILLIS);
    this.#timer = setTimeout(() => {
      this.clear();
      this.#fire();
    }, delayMillis);
    this.#timer.unref();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#atMillis = Number.POSITIVE_INFINITY;
  }
}
