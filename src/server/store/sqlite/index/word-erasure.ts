/**
 * Takes words out of the search index. Those of a deleted log are no longer found when its entry in `forgotten_logs` is
 * done; after that they are in the file until the segments are written again that have them, and its free pages are given
 * back.
 *
 * Logs that come later can have the key of a deleted one. The words of the new one take the place of those of the old
 * one, so nothing is deleted of a key that a log has: its entry waits until that log is indexed.
 */
import { createTransaction, type Transaction } from '../../../../sqlite/batch.ts';
import type { SqliteDatabase, SqliteRow, SqliteValue } from '../../../../sqlite/open.ts';
import { type Prepare, prepareAll } from '../../../../sqlite/statement-cache.ts';
import { SEARCH, WORD_SLICE_SQL } from '../file/search-file.ts';
import { readNumber } from '../file/write-ahead-log.ts';
import type { WordMerges } from './word-merges.ts';

/** Entries of one transaction. */
const PORTION = 1_000;
/** Pages of the file. */
const PAGES_PORTION = 20;

const NOTHING_LEFT = { result: false, millis: 0 };

const SQL = {
  /** Takes the lock of the file, so that what is read of logs after it is still true of them when words are deleted. */
  lock: `UPDATE word_slices SET name = name WHERE seq = (SELECT max(seq) FROM word_slices)`,
  listForgotten: `SELECT seq, forgotten_logs.key, logs.key IS NOT NULL AS is_there,
      EXISTS (SELECT 1 FROM unindexed_logs WHERE key = forgotten_logs.key) AS is_marked
    FROM forgotten_logs LEFT JOIN logs ON logs.key = forgotten_logs.key ORDER BY seq LIMIT ${PORTION}`,
  dropForgotten: `DELETE FROM forgotten_logs WHERE seq = ?`,
  noteKey: WORD_SLICE_SQL.noteForgottenKey,
  clearText: `DELETE FROM logs_search WHERE rowid = ?`,
} as const;

/** Whether no log has the key, or the words are those of the log that has it. */
const isDue = (row: SqliteRow): boolean => row['is_there'] === 0 || row['is_marked'] === 0;

/** Of a transaction: as long as it lasts, nobody else can write to that file. */
export interface Bounds {
  readonly sliceMillis: number;
  /** Nothing is committed by which the file would become longer. */
  readonly maxPages: number | undefined;
}

export interface Written {
  /** How long nobody else could write to that file. */
  readonly millis: number;
}

export interface Forgotten extends Written {
  /** Entries whose words are gone; they stay until `dropForgotten`. */
  readonly entries: readonly SqliteValue[];
}

export interface ErasedWords extends Written {
  readonly isDone: boolean;
}

/** A part of what the index does; see `IndexWork`. */
export interface WordErasure {
  /** Takes the words of deleted logs out of what is found. Traces of them stay until `eraseWords`. */
  forgetLogs(bounds: Bounds): Forgotten;
  dropForgotten(options: Bounds & { readonly entries: readonly SqliteValue[] }): Written;
  /**
   * Takes all that was deleted out of the file of the words, and gives its free space back. Does a part of it each time,
   * until it says that it is done. `isFirst`: begins with what is deleted now. So does a new thread.
   */
  eraseWords(options: Bounds & { readonly isFirst: boolean }): ErasedWords;
}

export interface WordErasureParts {
  readonly merges: WordMerges;
  readonly transactWords: Transaction;
  /** Called after each transaction of words. */
  readonly keepLog: () => void;
}

export function createWordErasure(
  database: SqliteDatabase,
  prepare: Prepare,
  { merges, transactWords, keepLog }: WordErasureParts,
): WordErasure {
  const statements = prepareAll(prepare, SQL);
  const transact = createTransaction(database, prepare);
  /** Segments with words of deleted logs. Undefined where nothing is begun: a thread before this one may have. */
  let dead: ReadonlySet<string> | undefined;
  let freePages = 0;

  const readFreePages = () => readNumber(database, `${SEARCH}.freelist_count`, 'freelist_count');

  /** Works until the time is over. Returns whether there is more to do. */
  const repeat = (step: () => boolean, millis: number): boolean => {
    const end = performance.now() + millis;
    for (;;) {
      if (!step()) return false;
      if (performance.now() >= end) return true;
    }
  };

  const shrink = (): boolean => {
    if (freePages <= 0) return false;
    database.exec(`PRAGMA ${SEARCH}.incremental_vacuum(${PAGES_PORTION})`);
    freePages -= PAGES_PORTION;
    return freePages > 0;
  };

  /** Returns whether there is more to do. */
  const eraseNext = (millis: number): boolean => {
    statements.lock.run();
    if (!dead) [dead, freePages] = [merges.findDead(), Number.POSITIVE_INFINITY];
    const segments = dead;
    if (segments.size > 0 && repeat(() => merges.erase(segments), millis)) return true;
    dead = new Set();
    if (freePages === Number.POSITIVE_INFINITY) freePages = readFreePages();
    return repeat(shrink, millis);
  };

  const erase = (millis: number, maxPages: number | undefined) => {
    const before = [dead, freePages] as const;
    try {
      return transactWords(() => eraseNext(millis), maxPages);
    } catch (error) {
      // What it has done is undone.
      [dead, freePages] = before;
      throw error;
    }
  };

  return {
    forgetLogs: ({ sliceMillis, maxPages }) => {
      if (!statements.listForgotten.all().some(isDue)) return { entries: [], millis: 0 };
      const { result: entries, millis } = transactWords(() => {
        const end = performance.now() + sliceMillis;
        statements.lock.run();
        const done = [];
        for (const row of statements.listForgotten.all()) {
          if (!isDue(row)) continue;
          if (row['is_there'] === 0) {
            statements.noteKey.run(row['key']!);
            statements.clearText.run(row['key']!);
          }
          done.push(row['seq']!);
          if (performance.now() >= end) break;
        }
        return done;
      }, maxPages);
      keepLog();
      return { entries, millis };
    },

    dropForgotten: ({ entries, maxPages }) => {
      const { millis } = transact(() => {
        for (const seq of entries) statements.dropForgotten.run(seq);
      }, maxPages);
      return { millis };
    },

    eraseWords: ({ isFirst, sliceMillis, maxPages }) => {
      if (isFirst) dead = undefined;
      const isLeft = !dead || dead.size > 0 || freePages > 0;
      const { result: isMore, millis } = isLeft ? erase(sliceMillis, maxPages) : NOTHING_LEFT;
      // Old pages are in the write-ahead log. Where a read needs them, it is tried again.
      keepLog();
      const isDone = !isMore && readNumber(database, `${SEARCH}.wal_checkpoint(TRUNCATE)`, 'busy') === 0;
      if (isDone) dead = undefined;
      return { isDone, millis };
    },
  };
}
