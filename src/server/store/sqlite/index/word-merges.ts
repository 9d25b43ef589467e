/**
 * Merges the segments of the search index, in steps that are short. The engine would do it by itself, in the middle of
 * whatever is written, and then as much at once as it likes: it is told not to (migrations.ts).
 *
 * Each page that is written has to be written again once for each level that it rises. So much is owed for it, and paid
 * with what is written after it, as long as there is more to write: a merge of large segments goes on beside many
 * slices, and none of them is held up by it for long. The rest is done when there is nothing to index, or before the next
 * slice where too much is owed: otherwise segments, in each of which a search looks, would become ever more.
 *
 * A merge that has begun goes on where it was, whichever process does the next step and whatever was written meanwhile:
 * what is left to do is in the file.
 */
import type { BatchResult, SqliteBatch } from '../../../../sqlite/batch.ts';
import { type Prepare, prepareAll } from '../../../../sqlite/statement-cache.ts';
import { readWordSegments, SEGMENTS_ROW, type WordSegment } from './word-segments.ts';

/**
 * Pages that one step writes, and then the rest of the last word: of a word that nearly all logs have, that can be
 * thousands. Each step also reads one page of each segment again, and writes the record.
 */
const STEP_PAGES = 64;
/** The same for an erasure, whose steps are between the writes of others. */
const ERASURE_PAGES = 16;
/** Where more is owed, nothing is written before some of it is paid. */
const MAX_OWED_PAGES = 2_048;
/** In times that a page rises by a level: owed besides, so that merges are done before the next ones are due. */
const SPARE_RISES = 1 / 2;
/**
 * As many segments of about one size are merged into one, the most that the engine can wait for. With fewer, each word is
 * written again more often; a search looks in more segments.
 */
const MERGED_SEGMENTS = 16;
/** Two: with fewer new segments than that beside it, a merge that has begun goes on. */
const MIN_SEGMENTS = 2;

const SQL = {
  /** A negative number of pages begins a merge of all segments there are. */
  mergeWords: `INSERT INTO logs_search (logs_search, rank) VALUES ('merge', ?)`,
  setMergedSegments: `INSERT INTO logs_search (logs_search, rank) VALUES ('usermerge', CAST(? AS INTEGER))`,
  readSegments: `SELECT block FROM logs_search_data WHERE id = ${SEGMENTS_ROW}`,
  countChanges: `SELECT total_changes() AS count`,
} as const;

const MERGE = { sql: SQL.mergeWords, parameters: [STEP_PAGES] };

export interface WordMerges {
  /** Whether there is something to merge: a merge has begun, or segments have become many. */
  isDue(): boolean;
  /** Returns a batch that works on that for as long, in steps. */
  toBatch(maxMillis: number): Pick<SqliteBatch, 'repeat'>;
  /** The same for no more steps than are owed for what was written before the last call of `isDue`. */
  toOwedBatch(maxMillis: number): Pick<SqliteBatch, 'repeat'>;
  /** Must be called with what came of a batch that was written. */
  notePaid(result: Pick<BatchResult, 'isDone' | 'repeats'>): void;
  /** Whether so much is owed that it has to be paid first. */
  isOverdue(): boolean;
  /** Returns the names of the segments that may have words of deleted logs. Must be called in a transaction. */
  findDead(): ReadonlySet<string>;
  /**
   * Works on the merge by which these go, for one step. Returns false once they are gone. Must be called in a
   * transaction.
   */
  erase(dead: ReadonlySet<string>): boolean;
}

export function createWordMerges(prepare: Prepare): WordMerges {
  const statements = prepareAll(prepare, SQL);
  /** Less than 0 where a step has done more than it had to. */
  let owedPages = 0;
  /** How long each segment was at the last look. */
  let known = new Map<string, number>();
  /** What others have left to merge, and is not owed yet: new logs do not wait for it. */
  let inheritedPages = 0;
  /** The last write that is counted in what is owed. */
  let lastWrite: number | undefined;

  /** Returns whether anything was merged. */
  const merge = (pages: number): boolean => {
    const count = () => Number(statements.countChanges.get()!['count']);
    const before = count();
    statements.mergeWords.run(pages);
    return count() - before >= 2;
  };

  const readSegments = (): WordSegment[] => readWordSegments(statements.readSegments.get()!['block'] as Uint8Array);

  /** Of those that a merge has begun with, and of levels with too many. */
  const countDue = (segments: readonly WordSegment[]): number => {
    const counts = countByLevel(segments);
    return countPages(segments.filter((each) => each.isMerging || counts.get(each.level)! >= MERGED_SEGMENTS));
  };

  /** Pages of known segments that were merged since the last look: a merge removes what it has read. */
  const countMerged = (): number => {
    const left = new Map(readSegments().map(({ name, pages }) => [name, pages]));
    let merged = 0;
    for (const [name, pages] of known) {
      const leftPages = left.get(name) ?? 0;
      merged += Math.max(0, pages - leftPages);
      known.set(name, leftPages);
    }
    return merged;
  };

  const owe = (segments: readonly WordSegment[], duePages: number): void => {
    if (lastWrite === undefined) {
      // Whoever wrote these does not pay any more.
      owedPages = Math.min(duePages, MAX_OWED_PAGES / 2);
      inheritedPages = duePages - owedPages;
    } else {
      const before = lastWrite;
      const added = countPages(segments.filter(({ firstWrite }) => firstWrite > before));
      // Erasures leave levels empty.
      const rises = new Set(segments.map(({ level }) => level)).size - 1;
      const inherited = Math.min(inheritedPages, added);
      inheritedPages -= inherited;
      owedPages += added * (rises + SPARE_RISES) + inherited;
    }
    lastWrite = Math.max(lastWrite ?? 0, ...segments.map((segment) => segment.lastWrite));
  };

  return {
    isDue: () => {
      const segments = readSegments();
      const duePages = countDue(segments);
      owe(segments, duePages);
      if (duePages === 0) [owedPages, inheritedPages] = [0, 0];
      // However much was done of a large merge, the small ones are not put off for long.
      const waiting = countByLevel(segments.filter(({ isMerging }) => !isMerging));
      if (Math.max(0, ...waiting.values()) >= 2 * MERGED_SEGMENTS) owedPages = Math.max(0, owedPages);
      known = new Map(segments.map(({ name, pages }) => [name, pages]));
      return duePages > 0;
    },

    toBatch: (maxMillis) => ({ repeat: { ...MERGE, maxMillis } }),

    toOwedBatch: (maxMillis) => {
      const steps = Math.floor(owedPages / STEP_PAGES);
      return steps > 0 ? { repeat: { ...MERGE, maxMillis, maxTimes: steps } } : {};
    },

    notePaid: ({ isDone, repeats }) => {
      if (repeats === 0) return;
      // Where the engine has nothing to merge, there is nothing to pay.
      if (isDone) {
        [owedPages, inheritedPages] = [0, 0];
        return;
      }
      // What it pays beyond that goes to what others have left.
      const left = owedPages - Math.max(repeats, countMerged());
      const inherited = Math.min(inheritedPages, Math.max(0, -left));
      inheritedPages -= inherited;
      owedPages = left + inherited;
    },

    isOverdue: () => owedPages > MAX_OWED_PAGES,

    findDead: () => new Set(readSegments().flatMap(({ name, hasTombstones }) => (hasTombstones ? [name] : []))),

    erase: (dead) => {
      const left = readSegments().filter(({ name }) => dead.has(name));
      if (left.length === 0) return false;
      statements.setMergedSegments.run(MIN_SEGMENTS);
      try {
        // To begin again is to lose some work: it is done once, or where the engine does not go on.
        const hasBegun = left.every(({ isMerging }) => isMerging);
        if (!hasBegun || !merge(ERASURE_PAGES)) merge(-ERASURE_PAGES);
      } finally {
        statements.setMergedSegments.run(MERGED_SEGMENTS);
      }
      return true;
    },
  };
}

function countByLevel(segments: readonly WordSegment[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { level } of segments) counts.set(level, (counts.get(level) ?? 0) + 1);
  return counts;
}

function countPages(segments: readonly WordSegment[]): number {
  return segments.reduce((sum, { pages }) => sum + pages, 0);
}
