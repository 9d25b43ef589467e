/** Runs reads on other threads, each with a connection of its own, read-only unless asked for. */
import { SqliteError, type SqliteRow, type SqliteValue } from './open.ts';
import type { Prepare } from './statement-cache.ts';
import { SqliteThread, stopThreads, type ThreadTask } from './thread.ts';

export interface SqliteReader {
  /**
   * Resolves to all rows, as of the last commit or later. Rejects with the engine's error, or with a `SqliteError`
   * where the read takes too long or too many wait.
   */
  all(sql: string, parameters: readonly SqliteValue[]): Promise<SqliteRow[]>;
  /** Resolves when the threads have ended, after the reads that they are in the middle of, for which it waits 5 s. */
  close(): Promise<void>;
}

const DEFAULT_MAX_THREADS = 2;
const MAX_WAITING = 200;
const DEFAULT_TIMEOUT_MILLIS = 20_000;

interface Read extends ThreadTask<SqliteRow[]> {
  readonly work: { readonly sql: string; readonly parameters: readonly SqliteValue[] };
}

export interface ReaderOptions {
  /** An absolute path. `:memory:` has no second connection: its reads run on this thread. */
  readonly file: string;
  /** Prepares on this thread's connection, for where there are no threads. */
  readonly prepare: Prepare;
  /** How long a read may wait and run together. */
  readonly timeoutMillis?: number;
  /** For statements that are not reads. Default: false. */
  readonly canWrite?: boolean;
  /** SQL that each connection of another thread runs first. */
  readonly setUp?: string;
  /** Default: 2, as one long read leaves a thread for others. */
  readonly maxThreads?: number;
}

export function createSqliteReader({
  file,
  prepare,
  timeoutMillis = DEFAULT_TIMEOUT_MILLIS,
  canWrite = false,
  setUp = '',
  maxThreads = DEFAULT_MAX_THREADS,
}: ReaderOptions): SqliteReader {
  let idle: SqliteThread[] = [];
  const busy = new Set<SqliteThread>();
  let waiting: Read[] = [];
  let hasThreads = file !== ':memory:';
  let isClosed = false;

  const runHere = ({ work, resolve, reject }: Read): void => {
    try {
      resolve(prepare(work.sql).all(...work.parameters));
    } catch (error) {
      reject(error);
    }
  };

  const start = (): SqliteThread | undefined => {
    if (busy.size + idle.length >= maxThreads) return undefined;
    try {
      return new SqliteThread({ file, canWrite, setUp });
    } catch {
      hasThreads = false;
      return undefined;
    }
  };

  const runNext = (): void => {
    idle = idle.filter(({ hasEnded }) => !hasEnded);
    while (waiting.length > 0) {
      const thread = hasThreads ? (idle.pop() ?? start()) : undefined;
      if (!hasThreads) {
        runHere(waiting.shift()!);
        continue;
      }
      if (!thread) return;
      const read = waiting.shift()!;
      busy.add(thread);
      void thread.run(read).then((state) => {
        busy.delete(thread);
        if (isClosed) return;
        if (state === 'idle') idle.push(thread);
        if (state === 'unusable') {
          hasThreads = false;
          runHere(read);
        }
        runNext();
      });
    }
  };

  const takesTooLong = () => tooSlow(file, 'the read takes too long');

  return {
    all: (sql, parameters) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(new Error('The reader is closed.'));
        if (waiting.length >= MAX_WAITING) return reject(tooSlow(file, 'too many reads wait'));
        const deadline = { at: performance.now() + timeoutMillis, error: takesTooLong };
        waiting.push({ work: { sql, parameters }, resolve, reject, deadline });
        runNext();
      }),
    close: async () => {
      isClosed = true;
      for (const { reject } of waiting) reject(new Error('The reader is closed.'));
      waiting = [];
      await stopThreads([...idle, ...busy]);
    },
  };
}

function tooSlow(file: string, what: string): SqliteError {
  return new SqliteError('too-slow', file, `${file}: ${what}: ask for less, or try again later`);
}
