/**
 * Writes a small file again as a whole at a quiet time. The engine moves rows from page to page as others come and grow,
 * and does not overwrite where they were: a copy of something deleted can stay in the unused part of a page. Only a file
 * that is written again is surely without these.
 *
 * Others read meanwhile, and writes wait: half a second at most, as a larger file is left to `humanloop-otel compact`. That
 * there is something to do is noted in the file, in the transaction of the deletion.
 */
import { statSync } from 'node:fs';
import type { SqliteDatabase } from '../../../../sqlite/open.ts';
import { createSqliteReader } from '../../../../sqlite/reader-threads.ts';
import type { Prepare } from '../../../../sqlite/statement-cache.ts';
import type { DiskSpace } from '../file/disk-space.ts';
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

export interface Compaction {
  /** Must be called in each transaction of a deletion that somebody has asked for. */
  markDue(): void;
  /** Whether it has something to do that it can do, now or later. */
  isDue(): boolean;
  /** Does it if the time is quiet, or in any case. Returns whether it has. Rejects where the file is locked for long. */
  run(isForced: boolean): Promise<boolean>;
}

export interface CompactionParts {
  readonly file: string;
  readonly database: SqliteDatabase;
  readonly prepare: Prepare;
  readonly statements: ErasureStatements;
  readonly turns: Pick<WriteTurns, 'run' | 'lend'>;
  readonly space: Pick<DiskSpace, 'isFull' | 'measure'>;
}

export function createCompaction(parts: CompactionParts): Compaction {
  const { file, database, prepare, statements, turns, space } = parts;
  let waitsSince: number | undefined;

  const isSmall = (): boolean => {
    const bytes = readNumber(database, 'page_count') * readNumber(database, 'page_size');
    return bytes <= MAX_BYTES && !space.isFull() && space.measure().free >= FREE_FACTOR * bytes;
  };

  const isQuiet = (): boolean => {
    const written = Math.max(...['', '-wal'].map((suffix) => statSync(file + suffix).mtimeMs));
    return Date.now() - written >= QUIET_MILLIS;
  };

  /** On a thread, where there are any. What is sorted or copied meanwhile goes through no other file. */
  const rewrite = async (): Promise<void> => {
    const thread = createSqliteReader({ file, prepare, canWrite: true, maxThreads: 1 });
    try {
      await thread.all('PRAGMA temp_store = MEMORY', []);
      await turns.lend(() => thread.all('VACUUM', []));
    } finally {
      await thread.close();
    }
  };

  const isDue = (): boolean => file !== ':memory:' && statements.readCompactionDue.get() !== undefined && isSmall();

  return {
    markDue: () => void statements.setCompactionDue.run(),
    isDue,
    run: async (isForced) => {
      if (!isDue()) return false;
      waitsSince ??= performance.now();
      if (!isForced && !isQuiet() && performance.now() - waitsSince < MAX_WAIT_MILLIS) return false;
      const { deletions } = statements.readCompactionDue.get()!;
      await rewrite();
      // More may have been deleted meanwhile.
      await turns.run(() => void statements.clearCompactionDue.run(deletions!));
      waitsSince = undefined;
      return true;
    },
  };
}
