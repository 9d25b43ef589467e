/**
 * Writes small files again as a whole at a quiet time. The engine moves rows from page to page as others come and grow,
 * and does not overwrite where they were: a copy of something deleted can stay in the unused part of a page. Only a file
 * that is written again is surely without these.
 *
 * It is done on a thread. Others read meanwhile, and writes wait, so a larger file is left to `humanloop-otel compact`, as is
 * any where there are no threads. That there is something to do is noted in the file, in the transaction of the deletion.
 */
import { statSync } from 'node:fs';
import { createSqliteError, type SqliteDatabase, type SqliteRow } from '../../../../sqlite/open.ts';
import { SqliteThread, stopThreads } from '../../../../sqlite/thread.ts';
import type { DiskSpace } from '../file/disk-space.ts';
import { SEARCH, type SearchFile, searchFileOf } from '../file/search-file.ts';
import { readNumber } from '../file/write-ahead-log.ts';
import type { WriteTurns } from '../writing/write-turns.ts';
import type { ErasureStatements } from './erasure-statements.ts';

/** 32 MiB. They are held in memory, too, until they are written. */
const MAX_BYTES = 32 * 1024 * 1024;
/** The copy is in the write-ahead log before it is in the file. */
const FREE_FACTOR = 3;
/** So long nobody has written. */
const QUIET_MILLIS = 5_000;
/** A server that is never quiet for so long does it after this time. */
const MAX_WAIT_MILLIS = 60 * 60 * 1000;
/** After one that has failed. */
const RETRY_MILLIS = 60_000;
/** So long it waits for what others do with the file of the words, and who closes waits for it. */
const BUSY_MILLIS = 500;

export interface Compaction {
  /** Must be called in each transaction of a deletion that somebody has asked for. */
  markDue(): void;
  /** Whether it has something to do that it can do, now or later. */
  isDue(): boolean;
  /** Does it if the time is quiet, or in any case. Returns whether it has. A failure is reported, and it is tried again. */
  run(isForced: boolean): Promise<boolean>;
}

export interface CompactionParts {
  readonly file: string;
  readonly database: SqliteDatabase;
  readonly search: Pick<SearchFile, 'attach' | 'usedBytes'>;
  readonly statements: ErasureStatements;
  readonly turns: Pick<WriteTurns, 'run' | 'lend'>;
  readonly space: Pick<DiskSpace, 'isFull' | 'measure'>;
  readonly onError: (error: unknown) => void;
}

export function createCompaction(parts: CompactionParts): Compaction {
  const { file, database, search, statements, turns, space, onError } = parts;
  let hasThreads = file !== ':memory:';
  let waitsSince: number | undefined;
  let retryAt = 0;

  const isSmall = (): boolean => {
    const bytes = readNumber(database, 'page_count') * readNumber(database, 'page_size') + search.usedBytes();
    return bytes <= MAX_BYTES && !space.isFull() && space.measure().free >= FREE_FACTOR * bytes;
  };

  const isQuiet = (): boolean => {
    const written = Math.max(
      ...['', '-wal'].map((suffix) => statSync(file + suffix, { throwIfNoEntry: false })?.mtimeMs ?? 0),
    );
    return Date.now() - written >= QUIET_MILLIS;
  };

  /** Resolves to false where there are no threads. What is sorted or copied meanwhile goes through no other file. */
  const rewrite = async (): Promise<boolean> => {
    const thread = startThread(file, search.attach);
    if (!thread) return false;
    const run = (sql: string) =>
      new Promise<SqliteRow[] | undefined>((resolve, reject) => {
        const begun = thread.run({ work: { sql, parameters: [] }, resolve, reject });
        void begun.then((state) => state === 'unusable' && resolve(undefined));
      });
    try {
      if (!(await turns.lend(() => run('VACUUM main')))) return false;
      // Who writes logs does not wait for this. Until it is in the file, that has the old pages.
      await run(`VACUUM ${SEARCH}`);
      const truncated = await run(`PRAGMA ${SEARCH}.wal_checkpoint(TRUNCATE)`);
      if (truncated?.[0]?.['busy'] !== 0) throw createSqliteError('locked', searchFileOf(file));
      return true;
    } finally {
      await stopThreads([thread]);
    }
  };

  const isDue = (): boolean => hasThreads && statements.readCompactionDue.get() !== undefined && isSmall();

  const isTime = (): boolean => {
    waitsSince ??= performance.now();
    return performance.now() >= retryAt && (isQuiet() || performance.now() - waitsSince >= MAX_WAIT_MILLIS);
  };

  return {
    markDue: () => void statements.setCompactionDue.run(),
    isDue,
    run: async (isForced) => {
      if (!isDue()) waitsSince = undefined;
      else if (isForced || isTime()) {
        const { deletions } = statements.readCompactionDue.get()!;
        try {
          hasThreads = await rewrite();
          // More may have been deleted meanwhile.
          if (hasThreads) await turns.run(() => void statements.clearCompactionDue.run(deletions!));
          waitsSince = undefined;
          return hasThreads;
        } catch (error) {
          retryAt = performance.now() + RETRY_MILLIS;
          onError(error);
        }
      }
      return false;
    },
  };
}

function startThread(file: string, attach: string): SqliteThread | undefined {
  try {
    const setUp = `${attach}; PRAGMA busy_timeout = ${BUSY_MILLIS}; PRAGMA temp_store = MEMORY`;
    return new SqliteThread({ file, canWrite: true, setUp });
  } catch {
    return undefined;
  }
}
