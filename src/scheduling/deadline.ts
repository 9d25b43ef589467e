/** A point in time by which several consecutive waits have to end. */
import { HumanloopError } from '../errors.ts';
import { unref } from './unref.ts';

const MAX_TIMER_MILLIS = 2 ** 31 - 1;

export class Deadline {
  readonly #atMillis: number;

  /** The time-out counts from now. */
  constructor(timeoutMillis: number) {
    this.#atMillis = performance.now() + timeoutMillis;
  }

  /** Milliseconds left; negative after the deadline. */
  get leftMillis(): number {
    return this.#atMillis - performance.now();
  }

  /**
   * Resolves or rejects as `work` does.
   *
   * @throws {HumanloopError} (as a rejection) with this message at the deadline; the work continues. If `message` is a
   * function, it is called at the deadline.
   */
  async within<Result>(work: Promise<Result>, message: string | (() => string)): Promise<Result> {
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<never>((_, reject) => {
      const fire = () => reject(new HumanloopError(typeof message === 'string' ? message : message()));
      timer = setTimeout(fire, Math.min(Math.max(0, this.leftMillis), MAX_TIMER_MILLIS));
      unref(timer);
    });
    return await Promise.race([work, over]).finally(() => clearTimeout(timer));
  }
}

/**
 * Keeps the process alive until `work` is done. All timers of this package are unref'ed, so without this a flush at the
 * end of a script would never resolve. The work needs a deadline of its own.
 */
export async function keepingAlive<Result>(work: Promise<Result>): Promise<Result> {
  const reference = setInterval(() => undefined, MAX_TIMER_MILLIS);
  return await work.finally(() => clearInterval(reference));
}
