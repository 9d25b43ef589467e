/** Lends the lock of the file to another connection of this process, between two transactions. */
import { reasonOf } from '../../../../sqlite/open.ts';
import { explainEngineError } from './engine-error.ts';

/** A connection that does not come back, such as one that the disk holds up, does not keep all writes waiting. */
const LEND_MILLIS = 10_000;

/** A time in which another connection writes. */
interface Lend {
  readonly write: () => Promise<unknown>;
  readonly isUrgent: boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export interface Lends {
  /** See `WriteTurns.lend`. */
  add<Result>(write: () => Promise<Result>, isUrgent?: boolean): Promise<Result>;
  isWaiting(): boolean;
  /** Whether the next one is. */
  isUrgent(): boolean;
  /** Begins the next one, with the lock free. Resolves when it has ended, or has taken too long. */
  start(): Promise<void>;
  rejectNext(error: unknown): void;
}

export interface LendsParts {
  readonly file: string;
  readonly lendMillis: number | undefined;
  /** Called when the other connection has written, or has failed. */
  readonly onReturn: () => void;
  /** Called when one waits that has to be started. */
  readonly schedule: () => void;
}

export function createLends({ file, lendMillis = LEND_MILLIS, onReturn, schedule }: LendsParts): Lends {
  const waiting: Lend[] = [];

  /** The lock is free when the other connection takes it, unless another process is quicker. */
  const run = async (lend: Lend): Promise<void> => {
    const { write, resolve, reject } = lend;
    try {
      resolve(await write());
    } catch (error) {
      const reason = explainEngineError(error, file);
      if (reasonOf(reason) === 'locked') waiting.unshift(lend);
      else reject(reason);
    }
    onReturn();
  };

  return {
    add: <Result>(write: () => Promise<Result>, isUrgent = false) =>
      new Promise<Result>((resolve, reject) => {
        waiting.push({ write, isUrgent, resolve: resolve as (value: unknown) => void, reject });
        schedule();
      }),
    isWaiting: () => waiting.length > 0,
    isUrgent: () => waiting[0]?.isUrgent ?? false,
    start: () => {
      const end = run(waiting.shift()!);
      // It may have come back late, to try again.
      void end.then(() => waiting.length > 0 && schedule());
      return within(lendMillis, end);
    },
    rejectNext: (error) => waiting.shift()!.reject(error),
  };
}

/** Resolves when `event` does, or after this time. */
function within(millis: number, event: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, millis);
    void event.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
