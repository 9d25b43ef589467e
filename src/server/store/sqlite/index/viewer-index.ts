/**
 * Keeps the search index and the filters of the viewer up to date, between the turns of writes.
 *
 * New and changed logs and sessions are marked (viewer-schema.ts). `ViewerIndex` works the marks off in slices, each a
 * job in the turns of the writes, newest logs first: after a start with a large unindexed file, new logs are found at
 * once. When it is late, the oldest ones come in every second slice. How much of the time it takes says index-pace.ts. The
 * engine writes its search index to the file at the end of each savepoint, and before it takes a log with a
 * lower key than the one before, and that takes far longer than to add a log to it: the logs of a slice are added in the
 * order of their keys, and all together.
 *
 * A slice that fails is rolled back and tried again, since its marks are still there. A single log that fails is passed
 * over, and noted in `unsearchable_logs`: whatever is in it, the others are found.
 */
import { HumanloopError } from '../../../../errors.ts';
import { reasonOf, type SqliteRow, type SqliteValue } from '../../../../sqlite/open.ts';
import type { SessionChange } from '../../viewer-store.ts';
import type { ViewerStatements } from '../viewer/viewer-statements.ts';
import type { WriteTurns } from '../writing/write-turns.ts';
import { type IndexPace, paceAt } from './index-pace.ts';
import { IndexSlice } from './index-slice.ts';
import { IndexedMessages } from './indexed-messages.ts';
import { createThreadLoad } from './thread-load.ts';
import type { WordMerges } from './word-merges.ts';

/** Writes that come close together are indexed together. */
const GATHER_MILLIS = 40;
const MIN_SLICE_LOGS = 40;
const MAX_SLICE_LOGS = 1_000;
/** So much text is indexed in less than a slice's time, even where other programs take most of the machine. */
const MIN_SLICE_CHARACTERS = 200_000;
/** Between two slices, so that no request waits for more than one. */
const PAUSE_MILLIS = 5;
/** Sessions whose logs are being deleted are looked at when that is done. */
const POSTPONED_MILLIS = 200;
const RETRY_MILLIS = 1_000;
const MAX_NAMED_SESSIONS = 50;

/** Between two reports of the same kind of failure. */
const REPORT_MILLIS = 60_000;

interface Started {
  readonly millis: number;
  readonly cpu: NodeJS.CpuUsage;
}

export interface ViewerIndex {
  /** Must be called with each write. */
  schedule(): void;
  /** Returns the version of the last change that the listeners were called with. */
  version(): number;
  /** Calls the listeners where no indexing does: sessions are gone, or another process has written. */
  announce(sessions: readonly string[] | null): void;
  /** Lets the marks wait. Returns a function that ends this, to be called once. */
  hold(): () => void;
  onChange(listener: (change: SessionChange) => void): () => void;
  close(): void;
}

export interface ViewerIndexParts {
  readonly statements: ViewerStatements;
  readonly turns: WriteTurns;
  readonly words: WordMerges;
  /** Called with what the operator should know, once a minute for logs that are passed over. */
  readonly onError: (error: unknown) => void;
}

export function createViewerIndex({ statements, turns, words, onError }: ViewerIndexParts): ViewerIndex {
  const listeners = new Set<(change: SessionChange) => void>();
  const messages = new IndexedMessages();
  const load = createThreadLoad();
  /** Logs whose slice has failed: each is tried in a savepoint of its own. */
  const suspects = new Set<SqliteValue>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let version = Date.now();
  let isFailing = false;
  let holds = 0;
  let passedOver = 0;
  let reported = Number.NEGATIVE_INFINITY;
  let isRunning = false;
  /** Whether the words of all slices so far are merged. */
  let isTidy = true;
  /** Since the last look, or the last slice. */
  let hasWrites = false;
  /** Since when there have always been logs that are not indexed. */
  let behindSince: number | undefined = performance.now();
  /** As many as one slice has the time for. */
  let sliceLogs = MIN_SLICE_LOGS;
  /** What the last slice took, with the merges before it. */
  let workedMillis = 0;
  let isOldestDue = false;

  const pace = (): IndexPace =>
    paceAt(behindSince === undefined ? 0 : performance.now() - behindSince, load.isSaturated());

  const passOver = (key: SqliteValue, cause: unknown): void => {
    // What fails for all logs alike, such as a full disk, is tried again.
    if (reasonOf(cause) !== 'other') throw cause;
    statements.markUnsearchable.run(key, String(cause));
    passedOver += 1;
    if (performance.now() - reported < REPORT_MILLIS) return;
    reported = performance.now();
    const id = statements.findLogByKey.get(key)?.['id'];
    const others = passedOver === 1 ? '' : `, and ${passedOver - 1} others`;
    passedOver = 0;
    onError(new HumanloopError(`the viewer cannot find log ${id}${others} by its words (${cause})`, { cause }));
  };

  const addLog = (slice: IndexSlice, key: SqliteValue): void => {
    if (!suspects.has(key)) {
      suspects.add(key);
      slice.add(key);
      suspects.delete(key);
      return;
    }
    turns.runInSavepoint(
      () => slice.add(key),
      (error) => {
        slice.forget(key);
        passOver(key, error);
      },
    );
    suspects.delete(key);
  };

  /** In the order of their keys. */
  const listMarked = (): SqliteRow[] =>
    isOldestDue ? statements.listOldestMarkedLogs.all(sliceLogs) : statements.listMarkedLogs.all(sliceLogs).reverse();

  const runSlice = (): { changed: string[] | null; isDone: boolean; count: number } => {
    const start = performance.now();
    const { sliceMillis, isLate } = pace();
    const isOver = () => performance.now() - start > sliceMillis;
    messages.startSlice(statements.readDataVersion.get()!['data_version']!);
    const slice = new IndexSlice(statements, messages);
    for (const { key } of statements.listDueSessions.all(Date.now())) {
      slice.resetSession(key!);
      if (isOver()) break;
    }
    isOldestDue = isLate && !isOldestDue;
    const marked = isOver() ? [] : listMarked();
    let count = 0;
    for (const { key } of marked) {
      addLog(slice, key!);
      count += 1;
      if (isOver() && slice.characters > MIN_SLICE_CHARACTERS) break;
    }
    if (count > 0) statements.unmarkLogs.run(marked[0]!['key']!, marked[count - 1]!['key']!);
    const changed = slice.write(MAX_NAMED_SESSIONS);
    const isDone = !statements.hasMarkedLogs.get() && !statements.listDueSessions.get(Date.now());
    return { changed, isDone, count };
  };

  /** For as long as a slice. Returns whether it was enough. */
  const tidyWords = (): boolean => {
    const end = performance.now() + pace().sliceMillis;
    do if (!words.tidy()) return true;
    while (performance.now() < end);
    return false;
  };

  const measured = <Result>(work: () => Result): Result => {
    const started = { millis: performance.now(), cpu: process.cpuUsage() };
    const result = work();
    workedMillis += workedSince(started);
    load.addIndexing(performance.now() - started.millis);
    return result;
  };

  const nextSliceLogs = (logs: number, millis: number): number => {
    const fitting = (logs * pace().sliceMillis) / millis;
    return Math.ceil(Math.max(MIN_SLICE_LOGS, Math.min(2 * sliceLogs, MAX_SLICE_LOGS, fitting)));
  };

  const announce = (sessions: readonly string[] | null): void => {
    version += 1;
    const named = sessions !== null && sessions.length <= MAX_NAMED_SESSIONS ? sessions : null;
    for (const listener of listeners) listener({ sessions: named, version });
  };

  const run = async (): Promise<void> => {
    timer = undefined;
    if (holds > 0) return;
    isRunning = true;
    // What is written before the slice was asked for before this. A later write needs another slice.
    hasWrites = false;
    workedMillis = 0;
    try {
      if (!isTidy) isTidy = await turns.run(() => measured(tidyWords));
      const tidiedMillis = workedMillis;
      const { changed, isDone, count: logs } = await turns.run(() => measured(runSlice));
      if (logs > 0) sliceLogs = nextSliceLogs(logs, workedMillis - tidiedMillis);
      messages.keepSlice();
      if (logs > 0) isTidy = !words.isDue();
      isFailing = false;
      isRunning = false;
      if (isDone) behindSince = hasWrites ? performance.now() : undefined;
      if (!isDone || !isTidy) again(PAUSE_MILLIS);
      else if (hasWrites) again(GATHER_MILLIS);
      else if (statements.hasMarkedSessions.get()) again(POSTPONED_MILLIS);
      if (changed?.length !== 0) announce(changed);
    } catch (error) {
      messages.dropSlice();
      isRunning = false;
      if (suspects.size > 0 && reasonOf(error) === 'other') return again(PAUSE_MILLIS);
      // The disk is full, or the file is locked: the index catches up later.
      if (!isFailing && !closed) onError(error);
      isFailing = true;
      again(RETRY_MILLIS);
    }
  };

  /** Slices do not overlap, so that `messages` knows what belongs to which. */
  const again = (millis: number): void => {
    if (closed || timer || isRunning) return;
    wait(millis, performance.now() + pace().breakFactor * workedMillis);
  };

  const wait = (millis: number, latest: number): void => {
    hasWrites = false;
    timer = setTimeout(() => {
      if (hasWrites && performance.now() < latest) wait(PAUSE_MILLIS, latest);
      else void run();
    }, millis);
    timer.unref();
  };

  again(0);
  return {
    schedule: () => {
      behindSince ??= performance.now();
      again(GATHER_MILLIS);
      hasWrites = true;
    },
    version: () => version,
    announce,
    hold: () => {
      holds += 1;
      return () => {
        holds -= 1;
        again(0);
      };
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
      listeners.clear();
    },
  };
}

/** Without the time that other programs took: slices would be too small where the machine is busy. */
function workedSince({ millis, cpu }: Started): number {
  const { user, system } = process.cpuUsage(cpu);
  return Math.max(0.1, Math.min(performance.now() - millis, (user + system) / 1000));
}
