/** Runs reads on other threads, each with a connection of its own, read-only unless asked for. */
import { SqliteError, type SqliteRow, type SqliteValue } from './open.ts';
import type { Prepare } from './statement-cache.ts';
import { SqliteThread, stopThreads, type ThreadTask } from './thread.ts';

export interface SqliteReader {
  /**
   * Resolves to all rows, as of the last commit or later. Rejects with the engine's error, or with a `SqliteError`
   * where the read takes too long or too many wait.
   */
  all(sql: string, parameters: readonly SqliteValue[], options?: ReadOptions): Promise<SqliteRow[]>;
  /** Resolves when the threads have ended, after the reads that they are in the middle of, for which it waits 5 s. */
  close(): Promise<void>;
}

export interface ReadOptions {
  /** It may take seconds in a large file: such reads leave one thread to the others. */
  readonly isLong?: boolean;
}

const DEFAULT_MAX_THREADS = 3;
/** Of either kind. */
const MAX_WAITING = 200;
const DEFAULT_TIMEOUT_MILLIS = 20_000;

interface Read extends ThreadTask<SqliteRow[]> {
  readonly work: { readonly sql: string; readonly parameters: readonly SqliteValue[] };
  readonly isLong: boolean;
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
  /** Default: 3. */
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
  const maxLong = Math.max(1, maxThreads - 1);
  let runningLong = 0;
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

  /** Returns the place of the next read that may run; -1 if there is none. */
  const findNext = (): number => waiting.findIndex(({ isLong }) => !isLong || runningLong < maxLong);

  const runNext = (): void => {
    idle = idle.filter(({ hasEnded }) => !hasEnded);
    for (let next = findNext(); next >= 0; next = findNext()) {
      const thread = hasThreads ? (idle.pop() ?? start()) : undefined;
      if (hasThreads && !thread) return;
      const [read] = waiting.splice(next, 1) as [Read];
      if (!thread) {
        runHere(read);
        continue;
      }
      const long = read.isLong ? 1 : 0;
      runningLong += long;
      busy.add(thread);
      void thread.run(read).then((state) => {
        busy.delete(thread);
        runningLong -= long;
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
    all: (sql, parameters, { isLong = false } = {}) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(new Error('The reader is closed.'));
        const before = waiting.filter((read) => read.isLong === isLong).length;
        if (before >= MAX_WAITING) return reject(tooSlow(file, 'too many reads wait'));
        const deadline = { at: performance.now() + timeoutMillis, error: takesTooLong };
        waiting.push({ work: { sql, parameters }, isLong, resolve, reject, deadline });
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
