/** A moment by which several waits, one after the other, have to end. */
import { HumanloopError } from '../errors.ts';

const MAX_TIMER_MILLIS = 2 ** 31 - 1;

export class Deadline {
  readonly #atMillis: number;

  /** Counts from now. */
  constructor(timeoutMillis: number) {
    this.#atMillis = performance.now() + timeoutMillis;
  }

  /** Milliseconds until then; negative when it is over. */
  get leftMillis(): number {
    return this.#atMillis - performance.now();
  }

  /**
   * Resolves or rejects as the work does.
   *
   * @throws {HumanloopError} (as a rejection) with this message when the time is over; the work goes on. A function says
   * what is left then.
   */
  async within<Result>(work: Promise<Result>, message: string | (() => string)): Promise<Result> {
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<never>((_, reject) => {
      const fire = () => reject(new HumanloopError(typeof message === 'string' ? message : message()));
      timer = setTimeout(fire, Math.min(Math.max(0, this.leftMillis), MAX_TIMER_MILLIS));
      timer.unref();
    });
    return await Promise.race([work, over]).finally(() => clearTimeout(timer));
  }
}

/**
 * Keeps the process alive until the work is done: all timers of this package are unref'ed, and whoever awaits a flush at
 * the end of a script must get an answer. The work needs a deadline of its own.
 */
export async function keepingAlive<Result>(work: Promise<Result>): Promise<Result> {
  const reference = setInterval(() => undefined, MAX_TIMER_MILLIS);
  return await work.finally(() => clearInterval(reference));
}
