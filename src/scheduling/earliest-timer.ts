import { unref } from './unref.ts';

/** Longest delay of a Node timer; a longer one would fire at once. */
const MAX_TIMER_MILLIS = 2 ** 31 - 1;

/**
 * One timer for many requests: it fires at the earliest requested time. Its user then does what is due and requests the
 * next time. It is unref'ed, so it does not keep the process alive.
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

  /** Makes the timer fire at `atMillis` at the latest, in milliseconds of `performance.now()`. */
  fireAt(atMillis: number): void {
    if (this.#atMillis <= atMillis) return;
    this.clear();
    this.#atMillis = atMillis;
    const delayMillis = Math.min(Math.max(0, Math.ceil(atMillis - performance.now())), MAX_TIMER_MILLIS);
    this.#timer = setTimeout(() => {
      this.clear();
      this.#fire();
    }, delayMillis);
    unref(this.#timer);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#atMillis = Number.POSITIVE_INFINITY;
  }
}
