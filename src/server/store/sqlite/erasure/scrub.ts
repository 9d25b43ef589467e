/**
 * Takes the traces of what was deleted out of the files, and makes them smaller. The engine overwrites deleted rows
 * (`secure_delete`); what is left is:
 * - what lists show of the session and its filters, until the index has looked at it again;
 * - filters that no session has any more;
 * - words in the search index, whose segments are written again without them, and the free pages of its file;
 * - free pages, which are given back to the disk where the file was made so (`auto_vacuum`);
 * - old pages in the write-ahead log;
 * - where rows were before the engine moved them within the file (compaction.ts).
 *
 * Each step is a slice between the turns of writes. That there is something to do is noted in the file, in the
 * transaction of the deletion, so that it is done after a crash too.
 */
import { createSqliteError, type SqliteDatabase } from '../../../../sqlite/open.ts';
import type { DiskSpace } from '../file/disk-space.ts';
import { pause } from '../file/pause.ts';
import { readNumber, truncateLog } from '../file/write-ahead-log.ts';
import type { ViewerIndex } from '../index/viewer-index.ts';
import type { WriteTurns } from '../writing/write-turns.ts';
import type { Compaction } from './compaction.ts';
import { type ErasureStatements, POSTPONED_MILLIS } from './erasure-statements.ts';

const SLICE_MILLIS = 10;
/** As long as a slice: the writes of another process find the file free half of the time. */
const PAUSE_MILLIS = 10;
const GATHER_MILLIS = 50;
const RETRY_MILLIS = 1_000;
/** Another process that deletes erases too: it is given time. */
const LOOK_MILLIS = 5_000;
const MAX_PUT_OFF_MILLIS = 10_000;
const MAX_WAIT_MILLIS = 60 * 60 * 1000;
/** The words of what retention deletes may stay as long, unless they are many: the whole search index is written again. */
const RETENTION_MILLIS = 24 * 60 * 60 * 1000;
const FACETS_PORTION = 5_000;
/** Pages of the file. */
const PAGES_PORTION = 20;
/** Between two erasures, in times that the last one has worked: the whole search index is written again. */
const REST = 5;

export interface Scrub {
  /** Must be called in each transaction of deletion. */
  markDue(logs: number, isRetention: boolean): void;
  /**
   * Runs a deletion of several transactions, and the scrub after it: otherwise pages would be moved that are deleted
   * soon. A long one is interrupted by it at times.
   */
  after<Result>(deletion: () => Promise<Result>): Promise<Result>;
  /** Resolves when all that was deleted before the call is out of the files. Rejects with what is in the way. */
  finish(): Promise<void>;
  /** The same for what is due, without what retention has deleted lately. */
  finishDue(): Promise<void>;
  /** Takes the traces out soon that may wait, if there are any. */
  hasten(): Promise<void>;
  /** Gives free pages back to the disk, soon. */
  freeSpace(): void;
  /** Must be called where another process may have deleted something, and may have ended before its traces were gone. */
  lookLater(): void;
  /** Resolves when the step that it is in the middle of is done. */
  close(): Promise<void>;
}

export interface ScrubParts {
  readonly file: string;
  readonly database: SqliteDatabase;
  readonly statements: ErasureStatements;
  readonly turns: WriteTurns;
  readonly space: DiskSpace;
  readonly index: ViewerIndex;
  readonly compaction: Compaction;
  readonly onError: (error: unknown) => void;
}

export function createScrub(parts: ScrubParts): Scrub {
  const { file, database, statements, turns, space, index, compaction, onError } = parts;
  let timer: NodeJS.Timeout | undefined;
  let wakesAt = 0;
  let current: Promise<void> | undefined;
  let isClosed = false;
  let failure: unknown;
  /** There are free pages, perhaps, and old ones in the write-ahead log. */
  let hasSpace = false;
  /** Deletions that are being done, and how long they are waited for. */
  let running = 0;
  let waitUntil = 0;
  let restUntil = 0;
  /** That were marked since the last erasure began, and when the first of them is due. */
  let [markedDeletions, markedDueAt] = [0, Number.POSITIVE_INFINITY];
  /** In slices. */
  let workedMillis = 0;
  const canShrink = Number(database.prepare('PRAGMA auto_vacuum').get()!['auto_vacuum']) !== 0;

  /** Calls `step` in slices of transactions until it returns false. On a full disk, each step has its own. */
  const inSlices = async (step: () => boolean): Promise<void> => {
    for (;;) {
      const isDone = await space.tidy(() =>
        turns.run(() => {
          const start = performance.now();
          let goesOn = true;
          do goesOn = step();
          while (goesOn && performance.now() < start + SLICE_MILLIS && !space.isFull());
          workedMillis += performance.now() - start;
          return !goesOn;
        }),
      );
      if (isDone || isClosed) return;
      await pause(PAUSE_MILLIS);
    }
  };

  const refuseIfFull = (): void => {
    if (space.isFull()) throw createSqliteError('full', file);
  };

  const waitWhile = async (isNeeded: () => boolean): Promise<void> => {
    while (!isClosed && isNeeded()) {
      refuseIfFull();
      await pause(PAUSE_MILLIS);
    }
  };

  /** Until the index has looked at all sessions and deleted logs that were marked before. */
  const waitForIndex = async (): Promise<void> => {
    const end = Date.now() + POSTPONED_MILLIS;
    const last = statements.findLastForgotten.get()!['seq']!;
    index.schedule();
    await waitWhile(() => !!(statements.hasSessionsDueBefore.get(end) ?? statements.hasForgottenBefore.get(last)));
  };

  const eraseFacets = async (): Promise<void> => {
    let from = 0;
    const last = Number(statements.findLastFacet.get()!['key']!);
    await inSlices(() => {
      if (from >= last) return false;
      statements.deleteUnusedFacets.run(from, from + FACETS_PORTION);
      from += FACETS_PORTION;
      return true;
    });
  };

  const eraseWords = async (): Promise<void> => {
    let isDone = false;
    void index.eraseWords().then((millis) => {
      workedMillis += millis;
      isDone = true;
    });
    await waitWhile(() => !isDone);
  };

  /** Gives back as many pages as are free now: a busy server frees others meanwhile, and uses them again. */
  const shrink = async (): Promise<void> => {
    let left = canShrink ? readNumber(database, 'freelist_count') : 0;
    if (left === 0) return;
    await inSlices(() => {
      database.exec(`PRAGMA incremental_vacuum(${PAGES_PORTION})`);
      left -= PAGES_PORTION;
      return left > 0;
    });
  };

  /** Milliseconds until traces must go, and how many deletions have left them. */
  const readDue = (): { millis: number; deletions: number } | undefined => {
    const row = statements.readErasureDue.get();
    if (!row) return undefined;
    const millis = row['are_many'] === 1 ? 0 : Number(row['due_at']) - Date.now();
    return { millis, deletions: Number(row['deletions']) };
  };

  const freeSpace = async (): Promise<void> => {
    hasSpace = running > 0;
    await shrink();
    // On a full disk, the log keeps its space for deletions.
    await truncateLog(database, () => isClosed || space.isFull());
  };

  /** More may have been deleted meanwhile. */
  const settle = (deletions: number): void => {
    statements.clearErasureDue.run(deletions);
    if (markedDeletions > 0) statements.reduceErasureDue.run(deletions, markedDeletions, markedDueAt);
  };

  const erase = async (deletions: number): Promise<void> => {
    workedMillis = 0;
    [markedDeletions, markedDueAt] = [0, Number.POSITIVE_INFINITY];
    await waitForIndex();
    await eraseFacets();
    await eraseWords();
    if (!isClosed) await turns.run(() => settle(deletions));
    restUntil = performance.now() + REST * workedMillis;
  };

  const work = async (isForced: boolean): Promise<void> => {
    // This comes first, since it makes space on a full disk.
    if (space.isFull()) await freeSpace();
    space.look();
    refuseIfFull();
    waitUntil = performance.now() + MAX_PUT_OFF_MILLIS;
    const due = readDue();
    const isNow = isForced || (due && due.millis <= 0 && performance.now() >= restUntil);
    if (due && isNow) await erase(due.deletions);
    const isSmaller = !isClosed && (await compaction.run(isForced));
    if (hasSpace || isNow || isSmaller) await freeSpace();
  };

  const run = (isForced = false): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    current ??= work(isForced)
      .then(
        () => {
          failure = undefined;
          if (compaction.isDue()) again(LOOK_MILLIS);
          const due = readDue();
          if (due) again(Math.min(Math.max(due.millis, restUntil - performance.now(), GATHER_MILLIS), MAX_WAIT_MILLIS));
        },
        (error: unknown) => {
          if (failure === undefined && !isClosed) onError(error);
          failure = error;
          again(RETRY_MILLIS);
        },
      )
      .finally(() => {
        current = undefined;
      });
    return current;
  };

  const wake = (): void => {
    timer = undefined;
    if (running > 0 && performance.now() < waitUntil) again(GATHER_MILLIS);
    else void run();
  };

  const again = (millis: number): void => {
    if (isClosed) return;
    const at = performance.now() + millis;
    if (timer && wakesAt <= at) return;
    clearTimeout(timer);
    wakesAt = at;
    timer = setTimeout(wake, millis);
    timer.unref();
  };

  /** One that is under way may have begun too early. */
  const finish = async (isForced: boolean): Promise<void> => {
    await current;
    restUntil = 0;
    hasSpace = true;
    await run(isForced);
    if (failure !== undefined) throw failure;
  };

  if (readDue()) {
    hasSpace = true;
    again(GATHER_MILLIS);
  } else if (compaction.isDue()) again(LOOK_MILLIS);
  return {
    markDue: (logs, isRetention) => {
      const dueAt = Date.now() + (isRetention ? RETENTION_MILLIS : 0);
      statements.setErasureDue.run(dueAt, 1 + logs);
      if (!isRetention) compaction.markDue();
      [markedDeletions, markedDueAt] = [markedDeletions + 1 + logs, Math.min(markedDueAt, dueAt)];
    },
    after: async (deletion) => {
      running += 1;
      if (!hasSpace) waitUntil = performance.now() + MAX_PUT_OFF_MILLIS;
      hasSpace = true;
      again(GATHER_MILLIS);
      try {
        return await deletion();
      } finally {
        running -= 1;
        hasSpace = true;
        again(GATHER_MILLIS);
      }
    },
    hasten: async () => {
      const due = readDue();
      if (!due || due.millis <= 0 || space.isFull()) return;
      await turns.run(() => void statements.hastenErasure.run(Date.now()));
      again(GATHER_MILLIS);
    },
    freeSpace: () => {
      hasSpace = true;
      again(GATHER_MILLIS);
    },
    lookLater: () => again(LOOK_MILLIS),
    finish: () => finish(true),
    finishDue: () => finish(false),
    close: async () => {
      isClosed = true;
      clearTimeout(timer);
      await current;
    },
  };
}
