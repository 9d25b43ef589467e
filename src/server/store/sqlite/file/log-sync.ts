/**
 * Waits until the disk has what was committed, beside all else. The engine would wait within each commit, and hold up
 * this thread and whoever else needs the lock meanwhile: the index has nearly all of its time while the disk works.
 *
 * With `synchronous=NORMAL`, the engine leaves out this wait, and nothing else: in a power cut, the file is whole, and
 * without the last transactions of the write-ahead log. So whoever answers only after the wait has lost nothing.
 */
import { closeSync, fdatasync, fdatasyncSync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { createSqliteError, type SqliteDatabase, SqliteError } from '../../../../sqlite/open.ts';

export interface LogSync {
  /** Resolves once all is on disk that was committed before the call. Rejects with a `SqliteError`. */
  wait(): Promise<void>;
  /** Does the same within the call. */
  waitHere(): void;
  /** The wait that is running; what is committed before its end waits for the next one. */
  readonly running: Promise<void> | undefined;
  /** Throws a `SqliteError` once a wait has failed. Must be called before each commit: nobody would be told of it. */
  check(): void;
  /**
   * From here on, the engine waits within each commit, unless this is a second one. Must be called before the connection
   * is closed, with no transaction open.
   */
  close(): Promise<void>;
}

/** The part of `node:fs` that waits. */
export interface SyncCalls {
  readonly start: (descriptor: number, done: (error: Error | null) => void) => void;
  readonly run: (descriptor: number) => void;
}

const SYNC_CALLS: SyncCalls = {
  start: (descriptor, done) => fdatasync(descriptor, done),
  run: (descriptor) => fdatasyncSync(descriptor),
};

export interface LogSyncOptions {
  readonly file: string;
  /** Whether the connection has another one, by whose word the engine waits or does not. */
  readonly isSecond?: boolean;
  /** Called when a wait begins that others go on beside. The function that it returns is called at its end. */
  readonly onWait?: (() => () => void) | undefined;
  readonly calls?: SyncCalls;
}

/**
 * `database` is the connection whose commits are waited for. Returns undefined where it has no log that could be opened:
 * then the engine waits within each commit.
 */
export function createLogSync(database: SqliteDatabase, options: LogSyncOptions): LogSync | undefined {
  const { file, isSecond = false, onWait = () => () => {}, calls = SYNC_CALLS } = options;
  const descriptor = openLog(database);
  if (descriptor === undefined) {
    if (isSecond) database.exec('PRAGMA synchronous = FULL');
    return undefined;
  }
  if (!isSecond) database.exec('PRAGMA synchronous = NORMAL');
  let running: Promise<void> | undefined;
  /** That of what was committed since `running` has begun. */
  let next: Promise<void> | undefined;
  /**
   * Once it has failed, the system may have dropped what it could not write, and say nothing the next time. What is on
   * disk is known again when the file is opened, where the engine checks each page of the log.
   */
  let failure: SqliteError | undefined;

  const fail = (cause: unknown): never => {
    const { message } = createSqliteError('failed', file);
    failure ??= new SqliteError('failed', file, `${message} (${(cause as Error).message})`, { cause });
    throw failure;
  };

  const check = (): void => {
    if (failure) throw failure;
  };

  const run = (): Promise<void> =>
    new Promise<void>((resolve, reject) => {
      if (failure) reject(failure);
      else calls.start(descriptor, (error) => (error ? reject(error) : resolve()));
    }).catch(fail);

  const start = (): Promise<void> => {
    const onEnd = onWait();
    const sync = run().finally(() => {
      onEnd();
      if (running === sync) running = undefined;
    });
    running = sync;
    return sync;
  };

  const startNext = (): Promise<void> => {
    next = undefined;
    return start();
  };

  return {
    wait: () => {
      if (!running) return start();
      next ??= running.then(startNext, startNext);
      return next;
    },
    waitHere: () => {
      check();
      try {
        calls.run(descriptor);
      } catch (error) {
        fail(error);
      }
    },
    check,
    get running() {
      return running;
    },
    close: async () => {
      while (running) await running.catch(() => {});
      if (!isSecond) database.exec('PRAGMA synchronous = FULL');
      closeSync(descriptor);
    },
  };
}

/** Where it is there, a connection has it open: it is the same one until the last of them is closed. */
function openLog(database: SqliteDatabase): number | undefined {
  // As the engine has it, which follows links. It is empty for one in memory.
  const file = database.prepare('PRAGMA database_list').get()!['file'] as string;
  if (file === '') return undefined;
  try {
    const descriptor = openSync(`${file}-wal`, 'r+');
    syncDirectory(dirname(file));
    return descriptor;
  } catch {
    return undefined;
  }
}

/** For a new log. The engine leaves this to the first wait of the connection that has made it. */
function syncDirectory(directory: string): void {
  try {
    const descriptor = openSync(directory, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // Windows has no such thing.
  }
}
