/**
 * Notices what others do to the file: that it was deleted or replaced, after which everything that is written would be
 * lost, and that another process has written to it.
 */
import { statSync } from 'node:fs';
import { createSqliteError, type SqliteDatabase, type SqliteError } from '../../../../sqlite/open.ts';

const CHECK_MILLIS = 1_000;

export interface FileWatch {
  /** Throws a `SqliteError` once the file is not the one that was opened. */
  check(): void;
  close(): void;
}

export interface FileWatchParts {
  readonly file: string;
  /** The connection that writes: to it, all others are others, that of the index included. */
  readonly database: SqliteDatabase;
  readonly onGone: (error: SqliteError) => void;
  /** Called when another connection has written. */
  readonly onOtherWrites: () => void;
}

export function createFileWatch({ file, database, onGone, onOtherWrites }: FileWatchParts): FileWatch {
  if (file === ':memory:') return { check: () => {}, close: () => {} };
  const opened = identityOf(file);
  const dataVersion = database.prepare('PRAGMA data_version');
  let seen = dataVersion.get()!['data_version'];
  let isReported = false;

  const check = (): void => {
    if (identityOf(file) === opened) return;
    const error = createSqliteError('gone', file);
    if (!isReported) onGone(error);
    isReported = true;
    throw error;
  };

  const look = (): void => {
    try {
      check();
      const version = dataVersion.get()!['data_version'];
      if (version !== seen) onOtherWrites();
      seen = version;
    } catch {
      // It is reported, or the file cannot be read now, which whoever uses it learns.
    }
  };

  const timer = setInterval(look, CHECK_MILLIS);
  timer.unref();
  return { check, close: () => clearInterval(timer) };
}

/** Two files have two, as long as both are open. Returns undefined where there is none of this name. */
export function identityOf(file: string): string | undefined {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat && `${stat.dev} ${stat.ino}`;
}

/**
 * Returns the same operations, which reject after `check` throws: what they read is of a file that nobody else sees.
 */
export function checkingFirst<Operations extends object>(operations: Operations, check: () => void): Operations {
  const checked = Object.entries(operations).map(([name, operation]) => [
    name,
    typeof operation !== 'function' || UNCHECKED.has(name)
      ? operation
      : async (...given: unknown[]) => {
          check();
          return operation(...given);
        },
  ]);
  return Object.fromEntries(checked);
}

const UNCHECKED = new Set(['close', 'health', 'readiness', 'version', 'onChange']);
