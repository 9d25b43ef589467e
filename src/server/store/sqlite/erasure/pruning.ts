/** Retention: deletes the sessions that changed longest ago, by age or until the file is small enough. */
import type { SqliteDatabase } from '../../../../sqlite/open.ts';
import type { SqliteReader } from '../../../../sqlite/reader-threads.ts';
import type { DeletedCounts, PruneBounds } from '../../store.ts';
import { readNumber } from '../file/write-ahead-log.ts';
import { addCounts, type Erasure, NOTHING_DELETED } from './erasure.ts';
import { COUNT_PAGES_OF_WORDS, type ErasureStatements } from './erasure-statements.ts';

const PORTION = 200;
/** Sorts after every timestamp. */
const ANY_TIME = '~';
/** Of the limit: it is not deleted for each log that comes. */
const TARGET = 0.95;

export interface PruningParts {
  readonly database: SqliteDatabase;
  readonly statements: ErasureStatements;
  readonly erasure: Erasure;
  readonly reader: SqliteReader;
}

export function createPruning({ database, statements, erasure, reader }: PruningParts): {
  prune(bounds: PruneBounds): Promise<DeletedCounts>;
} {
  /** Without free pages, and without the words of deleted logs: both are used again, or given back. */
  const usedBytes = (pagesOfWords: number): number => {
    const pages = readNumber(database, 'page_count') - readNumber(database, 'freelist_count');
    const deadShare = Number(statements.readDeadShare.get()?.['share'] ?? 0);
    return (pages - deadShare * pagesOfWords) * readNumber(database, 'page_size');
  };

  const deleteOldest = async (olderThan: string, isEnough: () => boolean): Promise<DeletedCounts> => {
    let counts = NOTHING_DELETED;
    while (!isEnough()) {
      const oldest = statements.listOldestSessions.all(olderThan, PORTION);
      if (oldest.length === 0) break;
      counts = addCounts(counts, await erasure.deleteOldest(oldest, isEnough));
    }
    return counts;
  };

  return {
    prune: async ({ olderThan, maxBytes }) => {
      let counts = NOTHING_DELETED;
      if (olderThan !== undefined) {
        counts = addCounts(counts, await deleteOldest(olderThan, () => false));
        counts = addCounts(counts, await erasure.deleteEmptySessions(olderThan));
      }
      if (maxBytes === undefined || usedBytes(0) <= maxBytes) return counts;
      const words = Number((await reader.all(COUNT_PAGES_OF_WORDS, []))[0]!['pages']);
      if (usedBytes(words) <= maxBytes) return counts;
      return addCounts(counts, await deleteOldest(ANY_TIME, () => usedBytes(words) <= maxBytes * TARGET));
    },
  };
}
