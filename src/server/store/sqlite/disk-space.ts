/** What the store does when the disk is full: it refuses writes, lets deletions have the reserve, and sees it end. */
import { createSqliteError, reasonOf, type SqliteDatabase } from '../../../sqlite/open.ts';
import type { StoreHealth } from '../store.ts';
import { createDiskReserve, type DiskReserve, freeBytes } from './disk-reserve.ts';
import { readNumber, tryTruncateLog } from './scrub.ts';

const CHECK_MILLIS = 1_000;
const MIN_CHECKPOINT_PAGES = 32;
const MAX_CHECKPOINT_PAGES = 1_000;

export interface DiskSpace {
  /** Runs a write. Refuses it while only deletions may write. */
  write<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Runs a deletion, with the reserve if there is no other space. It is run a second time if the first one failed. */
  erase<Result>(work: () => Promise<Result>): Promise<Result>;
  health(): StoreHealth;
  /** Bytes; 0 where the store is in memory. */
  measure(): { readonly reserve: number; readonly free: number };
  close(): void;
}

export function createDiskSpace(file: string, database: SqliteDatabase): DiskSpace {
  const reserve: DiskReserve | undefined = file === ':memory:' ? undefined : createDiskReserve(file);
  let isFull = false;
  let timer: NodeJS.Timeout | undefined;

  if (reserve) {
    // A full write-ahead log has to fit in where the reserve was: it needs space in the file before it can be emptied.
    const pages = Math.floor(reserve.bytes / 2 / readNumber(database, 'page_size'));
    const limit = Math.min(Math.max(pages, MIN_CHECKPOINT_PAGES), MAX_CHECKPOINT_PAGES);
    database.exec(`PRAGMA wal_autocheckpoint = ${limit}`);
  }

  const look = (): void => {
    if (reserve?.restore() && reserve.hasSpace()) isFull = false;
    if (isFull) return;
    clearInterval(timer);
    timer = undefined;
  };

  const noticeFull = (error: unknown): boolean => {
    if (reasonOf(error) !== 'full') return false;
    isFull = true;
    timer ??= setInterval(look, CHECK_MILLIS).unref();
    return true;
  };

  return {
    write: async (work) => {
      if (reserve?.isInUse) throw createSqliteError('full', file);
      try {
        return await work();
      } catch (error) {
        noticeFull(error);
        throw error;
      }
    },

    erase: async (work) => {
      try {
        return await work();
      } catch (error) {
        if (!noticeFull(error) || !reserve) throw error;
        reserve.use();
        tryTruncateLog(database);
        return work();
      }
    },

    health: () => {
      if (!isFull) return { status: 'ok' };
      return { status: 'full', message: 'the disk is full: only reads and deletions work until there is space' };
    },
    measure: () => ({
      reserve: reserve && !reserve.isInUse ? reserve.bytes : 0,
      free: reserve ? freeBytes(file) : 0,
    }),
    close: () => clearInterval(timer),
  };
}
