/**
 * What the index does with the marks, in slices: it reads logs and makes of them what is to be written, then writes
 * that, first the words, in a transaction of their own file (search-file.ts), and then all else. Meanwhile, logs may
 * change or go: then their marks are no longer those that were read, nothing is written of them, and they wait for
 * another slice. Words of a log that goes in between are erased, as those of all that are deleted.
 *
 * All of this is done by a thread with a connection of its own, or here where there is none (index-calls.ts). What it
 * remembers of logs, it has from the file: whoever else writes to that tells it nothing.
 *
 * A slice that fails is undone and tried again, since its marks are still there. A single log that fails is passed
 * over, and noted in `unsearchable_logs`: whatever is in it, the others are found.
 */
import {
  type BatchFault,
  type BatchResult,
  createBatchWriter,
  createTransaction,
  type SqliteBatch,
} from '../../../../sqlite/batch.ts';
import { reasonOf, type SqliteDatabase, type SqliteValue } from '../../../../sqlite/open.ts';
import type { Prepare } from '../../../../sqlite/statement-cache.ts';
import type { LogSync } from '../file/log-sync.ts';
import { createLogKeeper, SEARCH, WORD_SLICE_SQL } from '../file/search-file.ts';
import { prepareViewerStatements } from '../viewer/viewer-statements.ts';
import type { IndexWork, PassedOver, SliceOutcome, WrittenSlice, WrittenWords } from './index-contract.ts';
import { IndexSlice, idsOf, type MarkedLog } from './index-slice.ts';
import { IndexedMessages } from './indexed-messages.ts';
import { createSessionResets } from './session-resets.ts';
import { createWordErasure } from './word-erasure.ts';
import { createWordMerges } from './word-merges.ts';

const MIN_SLICE_LOGS = 100;
/** Each slice waits for the lock, and for the disk, however many logs it has. */
const MAX_SLICE_LOGS = 3_000;
/** With so much text, a slice is full. */
const MAX_SLICE_CHARACTERS = 1_000_000;
const MAX_LONG_SLICE_CHARACTERS = 3_000_000;
/**
 * After so long, it is read: as long as a slice is read, old pages stay in the write-ahead log, and who closes waits for
 * it.
 */
const MAX_READ_MILLIS = 500;
const MAX_NAMED_SESSIONS = 50;
/** Why a log is passed over that nobody can say more of. */
const FATAL = 'the thread that reads it for the index ends, perhaps for want of memory';

interface WordedSlice {
  readonly name: string;
  readonly slice: IndexSlice;
  readonly rest: SqliteBatch;
  readonly keys: ReadonlySet<SqliteValue>;
}

interface CurrentSlice extends WordedSlice {
  readonly words: SqliteBatch;
}

/** `logSync` is that of the database, in which deletions and new logs may not be on disk yet. */
export function createIndexWork(
  database: SqliteDatabase,
  prepare: Prepare,
  logSync?: Pick<LogSync, 'waitHere'>,
): IndexWork {
  const statements = prepareViewerStatements(prepare);
  const merges = createWordMerges(prepare);
  const keepLog = createLogKeeper(prepare);
  // Words that are taken out would be missing for a log that a power cut brings back.
  const ofWords = { name: SEARCH, beforeCommit: () => logSync?.waitHere() };
  const transactWords = createTransaction(database, prepare, ofWords);
  const erasure = createWordErasure(database, prepare, { merges, transactWords, keepLog });
  const transact = createTransaction(database, prepare);
  const writeBatch = createBatchWriter(database, prepare);
  const writeWordsBatch = createBatchWriter(database, prepare, { name: SEARCH });
  const messages = new IndexedMessages();
  const resets = createSessionResets(statements);
  /** Logs that have failed, and why. */
  const faults = new Map<SqliteValue, string>();
  let lastSlice = readLastSlice();
  /** The same of those that have written words. */
  let lastWords = readLastWords();
  /** Whether others have indexed since the last slice that was written here: which sessions, is not known. */
  let haveOthers = false;
  /** The one that was read, and is not written yet. */
  let current: CurrentSlice | undefined;
  /** The one before, of which only the words are written. */
  let worded: WordedSlice | undefined;
  let isOldestDue = false;
  /** As many as one slice has the time for. */
  let sliceLogs = MIN_SLICE_LOGS;

  function readLastSlice(): string {
    return statements.readLastSlice.get()!['slice'] as string;
  }

  function readLastWords(): string {
    return prepare(WORD_SLICE_SQL.readLast).get()!['last'] as string;
  }

  /** What others have indexed again is not known here. */
  const followOthers = (): void => {
    const [slice, words] = [readLastSlice(), readLastWords()];
    if (slice === lastSlice && words === lastWords) return;
    [lastSlice, lastWords] = [slice, words];
    haveOthers = true;
    messages.clear();
  };

  const refuseOtherFile = (): void => {
    if (prepare(WORD_SLICE_SQL.isBound).get() === undefined) {
      throw new Error(
        'the file of the search index was deleted or replaced while it was in use: start the server again',
      );
    }
  };

  const writeWithMerges = (batch: SqliteBatch, maxPages: number | undefined): BatchResult => {
    const result = writeWordsBatch(toBounded(batch, maxPages));
    merges.notePaid(result);
    keepLog();
    return result;
  };

  const toBounded = (batch: SqliteBatch, maxPages: number | undefined): SqliteBatch => ({
    ...batch,
    ...(maxPages !== undefined && { maxPages }),
  });

  const dropSlice = (): void => {
    current = undefined;
    messages.dropSlice();
  };

  /** The current one builds on it. */
  const dropWorded = (): void => {
    dropSlice();
    worded = undefined;
    // Its logs are indexed again, with the messages that they own.
    messages.clear();
  };

  /** Without those of `slices`, which keep their marks until they are written. */
  const list = (isLate: boolean, ...slices: (WordedSlice | undefined)[]): MarkedLog[] => {
    isOldestDue = isLate && !isOldestDue;
    const read = slices.flatMap((slice) => (slice ? [slice.keys] : []));
    const count = sliceLogs + read.reduce((sum, { size }) => sum + size, 0);
    const rows = (isOldestDue ? statements.listOldestMarkedLogs : statements.listMarkedLogs).all(count);
    const logs = rows.flatMap(({ key, mark }) =>
      read.some((keys) => keys.has(key!)) ? [] : { key: key!, mark: mark! },
    );
    // In the order of their keys.
    return isOldestDue ? logs.slice(0, sliceLogs) : logs.slice(0, sliceLogs).reverse();
  };

  const addLog = (slice: IndexSlice, log: { key: SqliteValue; mark: SqliteValue }): void => {
    if (faults.has(log.key)) return slice.passOver(log, faults.get(log.key)!);
    try {
      slice.add(log);
    } catch (error) {
      // What fails for all logs alike is tried again.
      if (reasonOf(error) !== 'other') throw error;
      faults.set(log.key, String(error));
      slice.passOver(log, String(error));
    }
  };

  const takeFaults = (slice: IndexSlice): PassedOver[] => {
    const passedOver = slice.failed.map((key) => ({ key, cause: faults.get(key)! }));
    for (const { key } of passedOver) faults.delete(key);
    return passedOver;
  };

  /** Returns the outcome of what the batch has thrown. The slice is dropped, and the log that it was for passed over. */
  const noteFailure = (error: unknown, slice: IndexSlice, drop: () => void): 'failed' => {
    if (reasonOf(error) === 'locked') throw error;
    drop();
    const { claim } = error as BatchFault;
    if (claim === undefined || reasonOf(error) !== 'other') throw error;
    faults.set(slice.keyOf(claim), String(error));
    return 'failed';
  };

  const toWords = (outcome: SliceOutcome, millis = 0): WrittenWords => {
    const isTidy = !merges.isDue();
    return { outcome, millis, isTidy, isOverdue: merges.isOverdue() };
  };

  const toSlice = (outcome: SliceOutcome, millis = 0): WrittenSlice => ({
    ...{ outcome, millis, changed: null, passedOver: [] },
  });

  return {
    tidy: ({ sliceMillis, maxPages }) => {
      const result = writeWithMerges(merges.toBatch(sliceMillis), maxPages);
      return { millis: result.millis, isTidy: result.isDone, isOverdue: merges.isOverdue() };
    },

    ...erasure,

    resetSessions: ({ slice, sliceMillis, maxPages }) => {
      const reset = () => {
        statements.lockSlices.run();
        followOthers();
        statements.setLastSlice.run(slice);
        return resets.run(performance.now() + sliceMillis);
      };
      try {
        const { result, millis } = transact(reset, maxPages);
        for (const key of result.begun) messages.forget(key);
        lastSlice = slice;
        return { changed: haveOthers ? null : idsOf(statements, result.changed, MAX_NAMED_SESSIONS), millis };
      } catch (error) {
        resets.restart();
        throw error;
      }
    },

    listLogs: ({ isLate }) => list(isLate),

    *readSlice({ slice: name, after, logs, fatal, listsNext, isLong }) {
      const maxCharacters = isLong ? MAX_LONG_SLICE_CHARACTERS : MAX_SLICE_CHARACTERS;
      const start = performance.now();
      if (current) dropSlice();
      if (worded && worded.name !== after) dropWorded();
      followOthers();
      for (const key of fatal) faults.set(key, FATAL);
      const slice = new IndexSlice(statements, messages);
      try {
        for (const log of logs) {
          const isFull = slice.characters > maxCharacters || performance.now() - start > MAX_READ_MILLIS;
          if (isFull && slice.count > 0) break;
          addLog(slice, log);
          yield;
        }
      } catch (error) {
        dropSlice();
        throw error;
      }
      const { known } = prepare(WORD_SLICE_SQL.readKnown).get()!;
      const [words, rest] = [
        slice.toWordsBatch(name, lastWords, known!),
        slice.toBatch(name, worded?.name ?? lastSlice),
      ];
      current = { ...{ name, slice, words, rest }, keys: new Set(logs.slice(0, slice.count).map(({ key }) => key)) };
      const next = listsNext ? list(true, worded, current) : [];
      return { logs: slice.count, millis: performance.now() - start, next };
    },

    writeWords: ({ slice: name, sliceMillis, maxPages }) => {
      if (current?.name !== name) return toWords('outdated');
      const { words, ...others } = current;
      try {
        const result = writeWithMerges({ ...words, ...merges.toOwedBatch(sliceMillis) }, maxPages);
        if (result.isOpen) {
          lastWords = name;
          [worded, current] = [others, undefined];
          // Of a log that has changed, nothing was written that the next slice could leave out.
          others.slice.settle(result.claimed);
          messages.keepSlice();
          return toWords('written', result.millis);
        }
        dropSlice();
        refuseOtherFile();
        return toWords('outdated', result.millis);
      } catch (error) {
        return toWords(noteFailure(error, others.slice, dropSlice));
      }
    },

    writeSlice: ({ slice: name, sliceMillis, maxPages }) => {
      if (worded?.name !== name) return toSlice('outdated');
      const { slice, rest } = worded;
      try {
        const { isOpen, claimed, millis } = writeBatch(toBounded(rest, maxPages));
        if (!isOpen) {
          dropWorded();
          return toSlice('outdated', millis);
        }
        lastSlice = name;
        worded = undefined;
        slice.settle(claimed);
        const fitting = (slice.count * sliceMillis) / Math.max(millis, 0.1);
        sliceLogs = Math.ceil(Math.max(MIN_SLICE_LOGS, Math.min(2 * sliceLogs, MAX_SLICE_LOGS, fitting)));
        const changed = haveOthers ? null : idsOf(statements, slice.changed, MAX_NAMED_SESSIONS);
        haveOthers = false;
        return { ...toSlice('written', millis), changed, passedOver: takeFaults(slice) };
      } catch (error) {
        return toSlice(noteFailure(error, slice, dropWorded));
      }
    },
  };
}
