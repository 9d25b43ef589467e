/** Retention: deletes the sessions that changed longest ago, by age or until the file is small enough. */
import type { SqliteDatabase } from '../../../../sqlite/open.ts';
import type { SqliteReader } from '../../../../sqlite/reader-threads.ts';
import type { DeletedCounts, PruneBounds } from '../../store.ts';
import { readNumber } from '../file/write-ahead-log.ts';
import { addCounts, type Erasure, NOTHING_DELETED } from './erasure.ts';
import { COUNT_PAGES_OF_WORDS, type ErasureStatements } from './erasure-statements.ts';

const PORTION = 2_000;
/** Sorts after every timestamp. */
const ANY_TIME = '~';
/** Of the limit: it is not deleted for each log that comes. */
const TARGET = 0.95;
/** Of the limit: by so much more, and deletion takes as much of the time as it can. */
const HURRY_SHARE = 0.1;

export interface PruningParts {
  readonly database: SqliteDatabase;
  readonly statements: ErasureStatements;
  readonly erasure: Erasure;
  readonly reader: SqliteReader;
  /** See `Scrub`. */
  readonly hasten: () => Promise<void>;
}

export function createPruning({ database, statements, erasure, reader, hasten }: PruningParts): {
  prune(bounds: PruneBounds): Promise<DeletedCounts>;
} {
  /** Without free pages, and without the words of deleted logs: both are used again, or given back. */
  const usedBytes = (pagesOfWords: number): number => {
    const pages = readNumber(database, 'page_count') - readNumber(database, 'freelist_count');
    const deadShare = Number(statements.readDeadShare.get()?.['share'] ?? 0);
    return (pages - deadShare * pagesOfWords) * readNumber(database, 'page_size');
  };

  const countPagesOfWords = async (): Promise<number> =>
    Number((await reader.all(COUNT_PAGES_OF_WORDS, []))[0]!['pages']);

  const deleteOldest = async (
    olderThan: string,
    isEnough: () => boolean = () => false,
    hurry: () => number = () => 0,
  ): Promise<DeletedCounts> => {
    let counts = NOTHING_DELETED;
    while (!isEnough()) {
      const oldest = statements.listOldestSessions.all(olderThan, PORTION);
      if (oldest.length === 0) break;
      counts = addCounts(counts, await erasure.deleteOldest(oldest, isEnough, hurry));
    }
    return counts;
  };

  const pruneBySize = async (maxBytes: number): Promise<DeletedCounts> => {
    if (usedBytes(0) <= maxBytes) return NOTHING_DELETED;
    const words = await countPagesOfWords();
    if (usedBytes(words) <= maxBytes) {
      // It is the words of deleted logs that are too many.
      await hasten();
      return NOTHING_DELETED;
    }
    const isEnough = () => usedBytes(words) <= maxBytes * TARGET;
    const hurry = () => Math.min(Math.max(usedBytes(words) / maxBytes - 1, 0) / HURRY_SHARE, 1);
    return deleteOldest(ANY_TIME, isEnough, hurry);
  };

  return {
    prune: async ({ olderThan, maxBytes }) => {
      let counts = NOTHING_DELETED;
      if (olderThan !== undefined) {
        counts = addCounts(counts, await deleteOldest(olderThan));
        counts = addCounts(counts, await erasure.deleteEmptySessions(olderThan));
      }
      return maxBytes === undefined ? counts : addCounts(counts, await pruneBySize(maxBytes));
    },
  };
}
