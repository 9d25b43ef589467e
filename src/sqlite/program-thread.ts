/** Runs the calls of a program on another thread, one after another; on this one where there are no threads. */
import { SqliteThread, stopThreads } from './thread.ts';

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
}

export function createProgramThread<Call>(options: ProgramThreadOptions<Call>): ProgramThread<Call> {
  const { file, setUp, program, runHere } = options;
  let thread: SqliteThread | undefined;
  let isClosed = false;
  let hasThreads = file !== ':memory:' && program !== undefined;

  const start = (): SqliteThread | undefined => {
    try {
      return new SqliteThread({ file, canWrite: true, setUp, program });
    } catch {
      hasThreads = false;
      return undefined;
    }
  };

  const runThere = (running: SqliteThread, call: Call): Promise<unknown> =>
    new Promise((resolve, reject) => {
      void running.run({ work: { call }, resolve, reject }).then((state) => {
        if (state === 'idle') return;
        if (thread === running) thread = undefined;
        if (state === 'gone') return;
        hasThreads = false;
        resolve(runHere(call));
      }, reject);
    });

  return {
    run: async (call) => {
      if (isClosed) throw new Error('The thread of the database is closed.');
      if (thread?.hasEnded) thread = undefined;
      if (hasThreads) thread ??= start();
      return thread ? runThere(thread, call) : runHere(call);
    },
    close: async () => {
      isClosed = true;
      if (thread) await stopThreads([thread]);
    },
  };
}
