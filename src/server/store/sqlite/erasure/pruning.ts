/** Retention: deletes the sessions that changed longest ago, by age or until the file is small enough. */
import type { SqliteDatabase } from '../../../../sqlite/open.ts';
import type { DeletedCounts, PruneBounds } from '../../store.ts';
import { toTimestamp } from '../../timestamps.ts';
import type { SearchFile } from '../file/search-file.ts';
import { readNumber } from '../file/write-ahead-log.ts';
import { addCounts, type Erasure, NOTHING_DELETED } from './erasure.ts';
import type { ErasureStatements } from './erasure-statements.ts';

const PORTION = 2_000;
/** A session may be made before its logs come: without any, it is as old before it is deleted for its size. */
const EMPTY_MILLIS = 60 * 60 * 1000;
/** Between two looks for these, each at all sessions. */
const LOOK_MILLIS = 60_000;
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
  readonly search: Pick<SearchFile, 'usedBytes'>;
  /** See `Scrub`. */
  readonly hasten: () => Promise<void>;
}

export function createPruning({ database, statements, erasure, search, hasten }: PruningParts): {
  prune(bounds: PruneBounds): Promise<DeletedCounts>;
} {
  /** Without free pages, which are used again, or given back. */
  const usedBytes = (): number =>
    (readNumber(database, 'page_count') - readNumber(database, 'freelist_count')) * readNumber(database, 'page_size');

  /** Without the words of deleted logs, whose space becomes free. */
  const keptBytes = (): number => {
    const deadShare = Number(statements.readDeadShare.get()?.['share'] ?? 0);
    return usedBytes() + (1 - deadShare) * search.usedBytes();
  };

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

  let lookAt = 0;

  /** Of these there can be very many, for which logs would be deleted in vain. */
  const deleteEmpty = async (isEnough: () => boolean): Promise<DeletedCounts> => {
    if (performance.now() < lookAt) return NOTHING_DELETED;
    lookAt = performance.now() + LOOK_MILLIS;
    const before = toTimestamp(new Date(Date.now() - EMPTY_MILLIS).toISOString())!;
    let counts = NOTHING_DELETED;
    while (!isEnough()) {
      const deleted = await erasure.deleteEmptySessions(before);
      if (deleted.sessions === 0) break;
      counts = addCounts(counts, deleted);
    }
    return counts;
  };

  const pruneBySize = async (maxBytes: number): Promise<DeletedCounts> => {
    if (usedBytes() + search.usedBytes() <= maxBytes) return NOTHING_DELETED;
    if (keptBytes() <= maxBytes) {
      // It is the words of deleted logs that are too many.
      await hasten();
      return NOTHING_DELETED;
    }
    const isEnough = () => keptBytes() <= maxBytes * TARGET;
    const empty = await deleteEmpty(isEnough);
    if (isEnough()) return empty;
    const hurry = () => Math.min(Math.max(keptBytes() / maxBytes - 1, 0) / HURRY_SHARE, 1);
    return addCounts(empty, await deleteOldest(ANY_TIME, isEnough, hurry));
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
