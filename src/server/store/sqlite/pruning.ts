/** Retention: deletes the sessions that changed longest ago, by age or until the file is small enough. */
import type { SqliteDatabase } from '../../../sqlite/open.ts';
import type { DeletedCounts, PruneBounds } from '../store.ts';
import { addCounts, type Erasure, NOTHING_DELETED } from './erasure.ts';
import type { ErasureStatements } from './erasure-statements.ts';
import { readNumber } from './scrub.ts';

const PORTION = 200;
/** Sorts after every timestamp. */
const ANY_TIME = '~';
/** Of the limit: it is not deleted for each log that comes. */
const TARGET = 0.95;

export interface PruningParts {
  readonly database: SqliteDatabase;
  readonly statements: ErasureStatements;
  readonly erasure: Erasure;
}

export function createPruning({ database, statements, erasure }: PruningParts): {
  prune(bounds: PruneBounds): Promise<DeletedCounts>;
} {
  /** Without free pages: they are used again, or given back. */
  const usedBytes = (): number =>
    (readNumber(database, 'page_count') - readNumber(database, 'freelist_count')) * readNumber(database, 'page_size');

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
      if (maxBytes === undefined || usedBytes() <= maxBytes) return counts;
      return addCounts(counts, await deleteOldest(ANY_TIME, () => usedBytes() <= maxBytes * TARGET));
    },
  };
}
