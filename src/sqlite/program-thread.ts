/** Runs the calls of a program on another thread, one after another; on this one where there are no threads. */
import { setTimeout as delay } from 'node:timers/promises';
import { SqliteThread, stopThreads } from './thread.ts';

/**
 * Threads that end before they begin, one after the other: what one of them lacks for a moment, memory or the file's lock,
 * the next one may have. Then all runs here for a while, as where threads are forbidden.
 */
const MAX_STARTS = 3;
/** Until the next try after that; twice as long after each that fails, up to the second number. */
const REST_MILLIS = 30_000;
const MAX_REST_MILLIS = 600_000;
/** Others may wait for the write that the call is a part of. */
const RESTART_MILLIS = 100;

export interface ProgramThread<Call> {
  /**
   * Resolves to what the program returns. Rejects with what it throws, or where the thread has ended, with which all is
   * forgotten that the program has in memory, and a transaction undone. The next call is that of a new thread.
   */
  run(call: Call): Promise<unknown>;
  /**
   * Resolves when the thread has ended, after the call that it is in the middle of, for which it waits 5 s. Calls that
   * come later are rejected.
   */
  close(): Promise<void>;
}

export interface ProgramThreadOptions<Call> {
  /** An absolute path, or `:memory:`, which has no second connection. */
  readonly file: string;
  /** Settings of the other connection, as SQL. */
  readonly setUp: string;
  /** See `ThreadOptions`. Without it, all runs here. */
  readonly program: string | undefined;
  /** Runs the call on this thread. */
  readonly runHere: (call: Call) => Promise<unknown>;
  /** Called when threads do not begin, and not again before one has. */
  readonly onUnusable?: () => void;
  /** Default: 30 s. */
  readonly restMillis?: number;
}

export function createProgramThread<Call>(options: ProgramThreadOptions<Call>): ProgramThread<Call> {
  const { file, setUp, program, runHere, onUnusable = () => {}, restMillis = REST_MILLIS } = options;
  let thread: SqliteThread | undefined;
  let isClosed = false;
  let hasThreads = file !== ':memory:' && program !== undefined;
  /** When and how long all runs here, since threads did not begin. */
  let [restUntil, nextRestMillis] = [0, restMillis];

  const rest = (): void => {
    if (nextRestMillis === restMillis) onUnusable();
    restUntil = performance.now() + nextRestMillis;
    nextRestMillis = Math.min(2 * nextRestMillis, MAX_REST_MILLIS);
  };

  const start = (): SqliteThread | undefined => {
    try {
      return new SqliteThread({ file, canWrite: true, setUp, program });
    } catch {
      hasThreads = false;
      return undefined;
    }
  };

  const runThere = (running: SqliteThread, call: Call, starts: number): Promise<unknown> =>
    new Promise((resolve, reject) => {
      void running.run({ work: { call }, resolve, reject }).then((state) => {
        if (state !== 'unusable') nextRestMillis = restMillis;
        if (state === 'idle') return;
        if (thread === running) thread = undefined;
        if (state === 'gone') return;
        const isLast = starts >= MAX_STARTS || nextRestMillis > restMillis;
        if (isLast) rest();
        resolve(isLast ? runHere(call) : delay(RESTART_MILLIS).then(() => run(call, starts + 1)));
      }, reject);
    });

  /** `starts` counts the threads that had a chance to run this call, this one included. */
  const run = async (call: Call, starts: number): Promise<unknown> => {
    if (isClosed) throw new Error('The thread of the database is closed.');
    if (thread?.hasEnded) thread = undefined;
    if (hasThreads && performance.now() >= restUntil) thread ??= start();
    return thread ? runThere(thread, call, starts) : runHere(call);
  };

  return {
    run: (call) => run(call, 1),
    close: async () => {
      isClosed = true;
      if (thread) await stopThreads([thread]);
    },
  };
}
