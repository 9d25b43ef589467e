/**
 * What the index does with the marks, in slices. This thread reads logs and makes of them what is to be written;
 * another connection, on a thread of its own, writes it in one transaction. Between the two, logs may change or go:
 * then their marks are no longer those that were read, nothing is written of them, and they wait for another slice.
 *
 * A slice that fails is undone and tried again, since its marks are still there. A single log that fails is passed
 * over, and noted in `unsearchable_logs`: whatever is in it, the others are found.
 */
import { randomUUID } from 'node:crypto';
import type { BatchFault, BatchResult, SqliteBatch } from '../../../../sqlite/batch.ts';
import { reasonOf, type SqliteValue } from '../../../../sqlite/open.ts';
import type { SqliteWriter } from '../../../../sqlite/writer-thread.ts';
import { createPauses } from '../../heavy-turns.ts';
import type { DiskSpace } from '../file/disk-space.ts';
import type { ViewerStatements } from '../viewer/viewer-statements.ts';
import type { WriteTurns } from '../writing/write-turns.ts';
import type { IndexPace } from './index-pace.ts';
import { IndexSlice, idsOf } from './index-slice.ts';
import { IndexedMessages } from './indexed-messages.ts';
import type { WordMerges } from './word-merges.ts';

const MIN_SLICE_LOGS = 100;
const MAX_SLICE_LOGS = 1_000;
/** With so much text, a slice is full. */
const MAX_SLICE_CHARACTERS = 1_000_000;
const MAX_NAMED_SESSIONS = 50;

export interface SliceResult {
  /** The ids of the sessions that changed; null where they are many, or not known. */
  readonly changed: readonly string[] | null;
  readonly logs: number;
  readonly passedOver: readonly PassedOver[];
}

export interface PassedOver {
  readonly key: SqliteValue;
  readonly cause: unknown;
}

export interface IndexWork {
  /** Merges words for as long as a slice. Returns whether that was enough. */
  tidy(pace: IndexPace): Promise<boolean>;
  /** If it rejects, it may be called again at once where `isSuspect`. */
  runSlice(pace: IndexPace): Promise<SliceResult>;
  /** Whether one that has failed will leave out the log that it has failed for. */
  isSuspect(): boolean;
  /** Whether another process has written to the file, since the last call. Must be called when somebody has. */
  haveOthersWritten(): boolean;
}

export interface IndexWorkParts {
  readonly statements: ViewerStatements;
  readonly turns: WriteTurns;
  readonly words: WordMerges;
  readonly writer: SqliteWriter;
  readonly space: Pick<DiskSpace, 'maxPages'>;
  /** Called with the time that this thread has worked. */
  readonly onWorked: (millis: number) => void;
  /** Called with the time in which nobody else could write. */
  readonly onWritten: (millis: number) => void;
  /** Called when the other connection may begin. The function that it returns is called when it has ended. */
  readonly onLent: () => () => void;
  readonly isClosed: () => boolean;
}

export function createIndexWork(parts: IndexWorkParts): IndexWork {
  const { statements, turns, words, writer, space, onWorked, onWritten, onLent, isClosed } = parts;
  const messages = new IndexedMessages();
  /** Logs that have failed, and why. */
  const faults = new Map<SqliteValue, unknown>();
  let lastSlice = readLastSlice();
  /** Whether there was a transaction of this index since the last look for those of others. */
  let hasWritten = false;
  /** The name of the slice that is being written, or was the last one. */
  let writing = lastSlice;
  let hasNewFault = false;
  let isOldestDue = false;
  /** As many as one slice has the time for. */
  let sliceLogs = MIN_SLICE_LOGS;

  function readLastSlice(): string {
    return statements.readLastSlice.get()!['slice'] as string;
  }

  /** What others have indexed again is not known here. Returns whether there is any. */
  const followOthers = (): boolean => {
    const last = readLastSlice();
    if (last === lastSlice) return false;
    lastSlice = last;
    messages.clear();
    return true;
  };

  const measured = <Result>(work: () => Result): Result => {
    const start = performance.now();
    const result = work();
    onWorked(performance.now() - start);
    return result;
  };

  const write = async (batch: SqliteBatch): Promise<BatchResult> => {
    hasWritten = true;
    const result = await turns.lend(async () => {
      // Not before: the disk may have become full since the logs were read.
      const maxPages = space.maxPages();
      const end = onLent();
      return writer.write({ ...batch, ...(maxPages !== undefined && { maxPages }) }).finally(end);
    });
    hasWritten = true;
    onWritten(result.millis);
    return result;
  };

  /** For sessions of which a log or feedback was deleted: all of their logs are indexed again. */
  const resetSessions = (millis: number): Set<SqliteValue> => {
    const reset = new Set<SqliteValue>();
    const end = performance.now() + millis;
    for (const { key } of statements.listDueSessions.all(Date.now())) {
      statements.clearFacets.run(key!);
      statements.clearTexts.run({ key: key! });
      statements.markLogsOfSession.run({ key: key! });
      statements.unmarkSession.run(key!);
      statements.writeRank.run(key!);
      reset.add(key!);
      if (performance.now() > end) break;
    }
    return reset;
  };

  const resetDueSessions = async (millis: number): Promise<Set<SqliteValue>> => {
    if (!statements.listDueSessions.get(Date.now())) return new Set();
    const slice = randomUUID();
    const [reset, isOwn] = await turns.run(() => {
      const isLast = readLastSlice() === lastSlice;
      statements.setLastSlice.run(slice);
      return [measured(() => resetSessions(millis)), isLast];
    });
    if (!isOwn) messages.clear();
    for (const key of reset) messages.forget(key);
    lastSlice = slice;
    return reset;
  };

  const addLog = (slice: IndexSlice, log: { key: SqliteValue; mark: SqliteValue }): void => {
    if (faults.has(log.key)) return slice.passOver(log, String(faults.get(log.key)));
    try {
      slice.add(log);
    } catch (error) {
      // What fails for all logs alike is tried again.
      if (reasonOf(error) !== 'other') throw error;
      faults.set(log.key, error);
      slice.passOver(log, String(error));
    }
  };

  const fillSlice = async (): Promise<IndexSlice> => {
    const slice = new IndexSlice(statements, messages);
    const list = isOldestDue ? statements.listOldestMarkedLogs : statements.listMarkedLogs;
    const marked = measured(() => list.all(sliceLogs));
    const pause = createPauses();
    // In the order of their keys.
    for (const { key, mark } of isOldestDue ? marked : marked.reverse()) {
      if (isClosed() || slice.characters > MAX_SLICE_CHARACTERS) break;
      measured(() => addLog(slice, { key: key!, mark: mark! }));
      await pause();
    }
    return slice;
  };

  /** Returns whether it was written: not where others have indexed since it was read. */
  const writeSlice = async (slice: IndexSlice, sliceMillis: number): Promise<boolean> => {
    writing = randomUUID();
    try {
      const { isOpen, claimed, millis } = await write(measured(() => slice.toBatch(writing, lastSlice)));
      if (!isOpen) return false;
      lastSlice = writing;
      messages.keepSlice();
      slice.settle(claimed);
      const fitting = (slice.count * sliceMillis) / Math.max(millis, 0.1);
      sliceLogs = Math.ceil(Math.max(MIN_SLICE_LOGS, Math.min(2 * sliceLogs, MAX_SLICE_LOGS, fitting)));
      return true;
    } catch (error) {
      const { claim } = ((error as Error).cause ?? error) as BatchFault;
      hasNewFault = claim !== undefined && reasonOf(error) === 'other';
      if (hasNewFault) faults.set(slice.keyOf(claim!), error);
      throw error;
    }
  };

  const takeFaults = (slice: IndexSlice): PassedOver[] => {
    const passedOver = slice.failed.map((key) => ({ key, cause: faults.get(key) }));
    for (const { key } of passedOver) faults.delete(key);
    return passedOver;
  };

  return {
    tidy: async ({ sliceMillis }) => (await write(words.toBatch(sliceMillis))).isDone,

    runSlice: async ({ sliceMillis, isLate }) => {
      hasNewFault = false;
      const haveOthers = followOthers();
      const changed = await resetDueSessions(sliceMillis);
      isOldestDue = isLate && !isOldestDue;
      const slice = await fillSlice();
      try {
        const isWritten = slice.count === 0 || (await writeSlice(slice, sliceMillis));
        if (!isWritten) messages.dropSlice();
        for (const key of slice.changed) changed.add(key);
        const ids = haveOthers || !isWritten ? null : idsOf(statements, changed, MAX_NAMED_SESSIONS);
        return { changed: ids, logs: isWritten ? slice.count : 0, passedOver: isWritten ? takeFaults(slice) : [] };
      } catch (error) {
        messages.dropSlice();
        throw error;
      }
    },

    isSuspect: () => hasNewFault,

    haveOthersWritten: () => {
      const isOwn = hasWritten && [lastSlice, writing].includes(readLastSlice());
      hasWritten = false;
      return !isOwn;
    },
  };
}
