/**
 * The lock of a file that several processes write to. The engine gives it to whoever asks at the right moment: beside a
 * busy server, others might never get it. So those that wait say so by a file beside the database, and whoever commits
 * while it is there lets them go first. It is touched again and again, and means nothing once that has ceased.
 */
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { explainSqliteError, reasonOf, type SqliteDatabase } from '../../../../sqlite/open.ts';
import { readNumber } from '../file/write-ahead-log.ts';

/** Waiting of this length is not worth a file. */
const SHORT_MILLIS = 10;
const TOUCH_MILLIS = 20;
/** Where many processes run, nobody is quicker. */
const STALE_MILLIS = 1_000;
/** How long those that wait have the time to begin. */
const YIELD_MILLIS = 250;

export interface WriteLock {
  /**
   * Begins a transaction. Returns false where others have the lock, or wait for it and come first. Throws a `SqliteError`
   * when they have had it for too long. `mayBlock` waits within the call, for the connection's busy time-out.
   */
  tryBegin(mayBlock: boolean): boolean;
  /** Must be called after each commit. */
  afterCommit(): void;
}

export interface WriteLockOptions {
  readonly file: string;
  readonly timeoutMillis: number;
}

export function createWriteLock(database: SqliteDatabase, { file, timeoutMillis }: WriteLockOptions): WriteLock {
  const begin = database.prepare('BEGIN IMMEDIATE');
  const busyTimeoutMillis = readNumber(database, 'busy_timeout', 'timeout');
  const isShared = file !== ':memory:';
  const sign = `${file}-waiting`;
  let waitsSince: number | undefined;
  let touched = 0;
  let yieldsUntil = 0;

  const isWanted = (): boolean => {
    if (!isShared) return false;
    try {
      const stat = statSync(sign, { throwIfNoEntry: false });
      return stat !== undefined && Date.now() - stat.mtimeMs < STALE_MILLIS;
    } catch {
      return false;
    }
  };

  const touch = (): void => {
    const now = Date.now();
    if (now - touched < TOUCH_MILLIS) return;
    touched = now;
    try {
      // Changes the time of one that is there.
      writeFileSync(sign, '', { mode: 0o600 });
    } catch {
      // The directory cannot be written, or the disk is full: it waits without a sign.
    }
  };

  const isBegun = (mayBlock: boolean): boolean => {
    database.exec(`PRAGMA busy_timeout = ${mayBlock ? busyTimeoutMillis : 0}`);
    try {
      begin.run();
      return true;
    } catch (error) {
      if (mayBlock || reasonOf(error) !== 'locked') throw error;
      waitsSince ??= performance.now();
      const millis = performance.now() - waitsSince;
      if (millis >= timeoutMillis) throw explainSqliteError(error, file);
      if (millis >= SHORT_MILLIS) touch();
      return false;
    } finally {
      database.exec(`PRAGMA busy_timeout = ${busyTimeoutMillis}`);
    }
  };

  const stopWaiting = (): void => {
    waitsSince = undefined;
    if (touched === 0) return;
    touched = 0;
    try {
      // Others that wait as well touch it again.
      rmSync(sign, { force: true });
    } catch {
      // It means nothing soon.
    }
  };

  return {
    tryBegin: (mayBlock) => {
      if (!mayBlock && performance.now() < yieldsUntil) {
        if (isWanted()) return false;
        // They have begun. From here on, a sign may be its own.
        yieldsUntil = 0;
      }
      let isWaiting = false;
      try {
        isWaiting = !isBegun(mayBlock);
        return !isWaiting;
      } finally {
        if (!isWaiting) stopWaiting();
      }
    },

    afterCommit: () => {
      if (isWanted()) yieldsUntil = performance.now() + YIELD_MILLIS;
    },
  };
}

export function rollback(database: SqliteDatabase): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // No transaction is open: the failure has already ended it.
  }
}
