/**
 * What the store does when the disk is full: it refuses writes, lets deletions have the reserve, and sees it end.
 *
 * The disk counts as full as soon as little is free, not only when a write fails: what is committed is in the
 * write-ahead log, and needs the same space again in the file before the log can be emptied. For the same reason the
 * log is kept short where the disk has little space (checkpoints.ts), and nothing is committed by which the file would
 * grow beyond what is free. So the reserve is enough to empty the log, unless others fill the disk by hundreds of
 * megabytes while a long log is brought back. Deletions then need little more than the log's own space: they are short,
 * each is brought into the file before the next one, and they do not overwrite the pages that they free. Those are
 * given back to the disk before it counts as free again (scrub.ts).
 */
import { createSqliteError, reasonOf, type SqliteDatabase } from '../../../../sqlite/open.ts';
import type { StoreHealth } from '../../store.ts';
import { createDiskReserve, freeBytes, sizeOf } from './disk-reserve.ts';
import { pause } from './pause.ts';
import { checkpoint, readNumber } from './write-ahead-log.ts';

const CHECK_MILLIS = 1_000;
/** Where there is no reserve. */
const MIN_BYTES = 64 * 1024;
const MIN_LOG_PAGES = 32;
/** Where the disk has enough space. */
export const MAX_LOG_PAGES = 1_000;
/** A page by which the file grows is written to the log first, and others change with it. */
const GROWTH_FACTOR = 3;
/** What is in the way of a deletion on a full disk, such as reads that need the log, has so much time to go. */
const MAX_ATTEMPTS = 5;
const MAX_CHECKPOINT_MILLIS = 500;
const PAUSE_MILLIS = 5;

export interface DiskSpace {
  /** Only deletions may write. */
  isFull(): boolean;
  /** Runs a write. Refuses it while only deletions may write. */
  write<Result>(work: () => Promise<Result>): Promise<Result>;
  /**
   * Runs a transaction of deletion, with the reserve if there is no other space. It is run again if it fails for want
   * of space. While `isFull`, it should be short.
   */
  erase<Result>(work: () => Promise<Result>): Promise<Result>;
  /** The same for what follows a deletion. It has the reserve only where the deletion was on a full disk. */
  tidy<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Must be called before each commit. Throws a `SqliteError` where what is written has no place in the file. */
  checkGrowth(): void;
  /**
   * Returns the most pages that the file may have by a transaction of another connection; undefined if it may have any.
   * Throws a `SqliteError` while only deletions may write.
   */
  maxPages(): number | undefined;
  /** The same for another file beside it. */
  maxPagesOf(other: string): number | undefined;
  /** Looks whether the disk is full. Once it is, free pages must have been given back before it no longer is. */
  look(): void;
  health(): StoreHealth;
  /** Bytes; 0 where the store is in memory. */
  measure(): { readonly reserve: number; readonly free: number };
  close(): void;
}

/** In memory, there is no disk. */
const ENDLESS: DiskSpace = {
  isFull: () => false,
  write: (work) => work(),
  erase: (work) => work(),
  tidy: (work) => work(),
  checkGrowth: () => {},
  maxPages: () => undefined,
  maxPagesOf: () => undefined,
  look: () => {},
  health: () => ({ status: 'ok' }),
  measure: () => ({ reserve: 0, free: 0 }),
  close: () => {},
};

export interface DiskSpaceParts {
  readonly file: string;
  readonly database: SqliteDatabase;
  /** Called when the disk begins and when it ceases to be full. */
  readonly onChange: (isFull: boolean) => void;
}

export function createDiskSpace({ file, database, onChange }: DiskSpaceParts): DiskSpace {
  if (file === ':memory:') return ENDLESS;
  const reserve = createDiskReserve(file);
  const enoughBytes = Math.max(reserve.bytes, MIN_BYTES);
  /** The least that is free, the most that is in the log, and the most by which the file may have to grow for it. */
  const lowBytes = enoughBytes / 2;
  const pageBytes = readNumber(database, 'page_size');
  const pageCount = database.prepare('PRAGMA page_count');
  const canGivePagesBack = readNumber(database, 'auto_vacuum') !== 0;
  let isFull = false;
  let hasFreedPages = false;

  const logPages = Math.min(Math.max(Math.floor(lowBytes / pageBytes), MIN_LOG_PAGES), MAX_LOG_PAGES);
  database.exec(`PRAGMA wal_autocheckpoint = ${logPages}`);
  database.exec(`PRAGMA journal_size_limit = ${logPages * pageBytes}`);

  const change = (becomesFull: boolean): void => {
    if (isFull === becomesFull) return;
    isFull = becomesFull;
    hasFreedPages = false;
    // Overwriting a page takes as much space in the log.
    if (canGivePagesBack) database.exec(`PRAGMA secure_delete = ${isFull ? 'FAST' : 'ON'}`);
    onChange(isFull);
  };

  const look = (): void => {
    if (isFull && hasFreedPages && canGivePagesBack && readNumber(database, 'freelist_count') > 0) return;
    reserve.restore();
    if (!reserve.isThere() || freeBytes(file) < lowBytes) change(true);
    else if (freeBytes(file) >= enoughBytes) change(false);
  };
  const lookAgain = (): void => {
    try {
      look();
    } catch {
      // The directory cannot be read or written now, which the next write says.
    }
  };
  const timer = setInterval(lookAgain, CHECK_MILLIS).unref();

  const refuse = (): never => {
    throw createSqliteError('full', file);
  };

  const noticeFull = (error: unknown): boolean => {
    if (reasonOf(error) !== 'full') return false;
    change(true);
    return true;
  };

  const emptyLog = async (mayUseReserve: boolean): Promise<void> => {
    const end = performance.now() + MAX_CHECKPOINT_MILLIS;
    for (;;) {
      const state = checkpoint(database);
      // Once: then it is not there any more.
      if (state === 'full' && mayUseReserve && reserve.bytes > 0 && reserve.isThere()) reserve.use();
      else if (state !== 'busy' || performance.now() >= end) return;
      else await pause(PAUSE_MILLIS);
    }
  };

  const runShort = async <Result>(work: () => Promise<Result>, mayUseReserve: boolean): Promise<Result> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const result = await work();
        if (isFull) await emptyLog(mayUseReserve);
        return result;
      } catch (error) {
        if (!noticeFull(error) || !mayUseReserve || attempt === MAX_ATTEMPTS) throw error;
        reserve.use();
        await emptyLog(mayUseReserve);
      }
    }
  };

  const maxPagesOf = (other: string): number => {
    if (isFull) refuse();
    const growth = Math.max(lowBytes, freeBytes(file) / GROWTH_FACTOR);
    return Math.floor((sizeOf(other) + growth) / pageBytes);
  };

  return {
    isFull: () => isFull,

    write: async (work) => {
      if (freeBytes(file) < lowBytes) change(true);
      if (isFull) refuse();
      try {
        return await work();
      } catch (error) {
        noticeFull(error);
        throw error;
      }
    },

    erase: async (work) => {
      const result = await runShort(work, true);
      hasFreedPages ||= isFull;
      return result;
    },

    tidy: (work) => runShort(work, hasFreedPages),

    checkGrowth: () => {
      if (isFull) return;
      const growth = Number(pageCount.get()!['page_count']) * pageBytes - sizeOf(file);
      if (growth <= lowBytes || freeBytes(file) >= GROWTH_FACTOR * growth) return;
      change(true);
      refuse();
    },

    maxPages: () => maxPagesOf(file),
    maxPagesOf,

    look,
    health: () => {
      if (!isFull) return { status: 'ok' };
      return { status: 'full', message: 'the disk is full: only reads and deletions work until there is space' };
    },
    measure: () => ({ reserve: reserve.isThere() ? reserve.bytes : 0, free: freeBytes(file) }),
    close: () => clearInterval(timer),
  };
}
