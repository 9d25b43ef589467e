/**
 * Keeps the search index and the filters of the viewer up to date: when its slices come.
 *
 * New and changed logs and sessions are marked (viewer-schema.ts). The marks are worked off newest logs first: after a
 * start with a large unindexed file, new logs are found at once. When the index is late, the oldest ones come in every
 * second slice. How much of the time it takes says index-pace.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { HumanloopError } from '../../../../errors.ts';
import { reasonOf } from '../../../../sqlite/open.ts';
import { ThreadEndedError } from '../../../../sqlite/thread.ts';
import type { SessionChange } from '../../viewer-store.ts';
import { createIndexCalls, type IndexCallsParts } from './index-calls.ts';
import type { PassedOver } from './index-contract.ts';
import { type IndexPace, paceAt } from './index-pace.ts';
import { createThreadLoad, type ThreadLoad } from './thread-load.ts';

/** Writes that come close together are indexed together. */
const GATHER_MILLIS = 40;
/** Between two slices, so that no request waits for more than one. */
const PAUSE_MILLIS = 5;
/** Sessions whose logs are being deleted are looked at when that is done. */
const POSTPONED_MILLIS = 200;
const RETRY_MILLIS = 1_000;
const LOOK_MILLIS = 20;
const MAX_NAMED_SESSIONS = 50;
/** What is not indexed stays marked. */
const CLOSE_MILLIS = 5_000;

/** Between two reports of the same kind of failure. */
const REPORT_MILLIS = 60_000;

export interface ViewerIndex {
  /** Throws a `SqliteError` once the disk has not stored what was written. */
  checkDisk(): void;
  /** Must be called after each write. */
  schedule(): void;
  /** Returns the version of the last change that the listeners were called with. */
  version(): number;
  /** Must be called when another connection may have written to the file. */
  noticeOthers(): void;
  /** Calls the listeners where no indexing does: sessions are gone. */
  announce(sessions: readonly string[] | null): void;
  /**
   * Resolves when all words are out of the files that were out of the index before the call, to how long that was worked
   * on; never, where it is closed before.
   */
  eraseWords(): Promise<number>;
  /**
   * Resolves when another process has had the file of the words for so long that a close does not wait for it, or this is
   * closed.
   */
  untilHeldUp(): Promise<void>;
  /** Lets the marks wait. Returns a function that ends this, to be called once. */
  hold(): () => void;
  onChange(listener: (change: SessionChange) => void): () => void;
  /** Resolves when the slice that it is in the middle of is written, for which it waits 5 s. */
  close(): Promise<void>;
}

export interface ViewerIndexParts
  extends Omit<IndexCallsParts, 'onRead' | 'onWords' | 'onWritten' | 'onLent' | 'onUnusable' | 'isClosing'> {
  /** Called with what the operator should know, once a minute for logs that are passed over. */
  readonly onError: (error: unknown) => void;
  readonly load?: ThreadLoad;
}

const NOTHING = { outcome: 'written', changed: [], passedOver: [] } as const;

/** Of the words of deleted logs. */
interface Erasure {
  readonly done: Promise<number>;
  readonly resolve: (millis: number) => void;
  hasBegun: boolean;
  millis: number;
}

function newErasure(): Erasure {
  let resolve!: Erasure['resolve'];
  const done = new Promise<number>((resolved) => {
    resolve = resolved;
  });
  return { done, resolve, hasBegun: false, millis: 0 };
}

export function createViewerIndex({ onError, load = createThreadLoad(), ...parts }: ViewerIndexParts): ViewerIndex {
  const { statements, turns } = parts;
  const listeners = new Set<(change: SessionChange) => void>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let version = Date.now();
  let isFailing = false;
  let holds = 0;
  let erasure: Erasure | undefined;
  let passedOver = 0;
  let reported = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;
  /** Whether the words of all slices so far are merged. */
  let isTidy = true;
  /** Whether so much is left to merge that it comes before the next slice. */
  let isOverdue = false;
  /** Since the last look, or the last slice. */
  let hasWrites = false;
  /** Since when there have always been logs that are not indexed. */
  let behindSince: number | undefined = performance.now();
  /** What the last slice took, with the merges before it: of this thread, and of the time in which others can write. */
  let workedMillis = 0;
  /** What it took another thread to read the last slice. */
  let readMillis = 0;
  /** What it took another thread to write words. */
  let wordsMillis = 0;
  /** How long it has waited for others before it could write, since the last break. */
  let waitedMillis = 0;
  const addWork = (millis: number): void => {
    workedMillis += millis;
    load.addIndexing(millis);
  };
  const calls = createIndexCalls({
    ...parts,
    onRead: (millis, isHere) => {
      if (isHere) addWork(millis);
      else readMillis += millis;
    },
    onWords: (millis, isHere) => {
      if (isHere) addWork(millis);
      else wordsMillis += millis;
    },
    onWritten: (millis) => {
      workedMillis += millis;
    },
    onLent: (millis) => {
      waitedMillis += millis;
      return load.leaveOut();
    },
    onUnusable: () =>
      onError(new HumanloopError('the index of the viewer works on the main thread: no other one begins, for now')),
    isClosing: () => closed,
  });

  const pace = (): IndexPace =>
    paceAt(behindSince === undefined ? 0 : performance.now() - behindSince, load.isSaturated());

  const report = (left: readonly PassedOver[]): void => {
    passedOver += left.length;
    if (left.length === 0 || performance.now() - reported < REPORT_MILLIS) return;
    reported = performance.now();
    const { key, cause } = left[0]!;
    const id = statements.findLogByKey.get(key)?.['id'];
    const others = passedOver === 1 ? '' : `, and ${passedOver - 1} others`;
    passedOver = 0;
    onError(new HumanloopError(`the viewer cannot find log ${id}${others} by its words (${cause})`, { cause }));
  };

  const announce = (sessions: readonly string[] | null): void => {
    version += 1;
    const named = sessions !== null && sessions.length <= MAX_NAMED_SESSIONS ? sessions : null;
    for (const listener of listeners) listener({ sessions: named, version });
  };

  const hasMarks = (): boolean =>
    statements.hasMarkedLogs.get() !== undefined || statements.listDueSessions.get(Date.now()) !== undefined;

  /** Does the next part of an erasure of words. */
  const eraseNext = async (): Promise<void> => {
    if (!erasure) return;
    const isFirst = !erasure.hasBegun;
    erasure.hasBegun = true;
    const { isDone, millis } = await calls.eraseWords(pace(), isFirst);
    erasure.millis += millis;
    if (!isDone || !erasure.hasBegun) return;
    erasure.resolve(erasure.millis);
    erasure = undefined;
  };

  const run = async (): Promise<void> => {
    calls.check();
    // A write that is committed from here on needs another slice.
    hasWrites = false;
    [workedMillis, readMillis, wordsMillis, waitedMillis] = [0, 0, 0, 0];
    if (statements.hasForgotten.get()) await calls.forgetLogs(pace());
    await eraseNext();
    const isDue = hasMarks();
    // Slices merge what they owe. The rest waits until there are none, if it is not too much.
    if (!isTidy && (!isDue || isOverdue)) ({ isTidy, isOverdue } = await calls.tidy(pace()));
    const isNext = isDue && !isOverdue;
    const slice = await (isNext ? calls.runSlice(pace()) : NOTHING);
    const { outcome, changed, passedOver: left } = slice;
    if ('words' in slice && slice.words) [isTidy, isOverdue] = [isTidy && slice.words.isTidy, slice.words.isOverdue];
    isFailing = false;
    const isDone = !hasMarks();
    if (isDone) behindSince = hasWrites ? performance.now() : undefined;
    running = undefined;
    if (!isDone || !isTidy || erasure || statements.hasForgotten.get()) again(PAUSE_MILLIS);
    else if (hasWrites) again(GATHER_MILLIS);
    else if (statements.hasMarkedSessions.get()) again(POSTPONED_MILLIS);
    // It is tried again at once, with the others that it had.
    if (outcome !== 'failed' && changed?.length !== 0) announce(changed);
    report(left);
  };

  const start = (): void => {
    timer = undefined;
    if (holds > 0) return;
    const wasFailing = isFailing;
    const wasSearching = calls.isSearching();
    running = run().catch((error: unknown) => {
      running = undefined;
      // The disk is full, or the file is locked: the index catches up later.
      const isTold = wasFailing || (wasSearching && error instanceof ThreadEndedError);
      if (!isTold && !closed) onError(error);
      // A thread that has ended may have written before.
      if (!isFailing && reasonOf(error) === 'other') announce(null);
      isFailing = true;
      again(RETRY_MILLIS);
    });
  };

  /** Slices do not overlap: each builds on what the one before has written. */
  const again = (millis: number): void => {
    if (closed || timer || running) return;
    wait(millis, performance.now());
  };

  const wait = (millis: number, since: number): void => {
    hasWrites = false;
    timer = setTimeout(() => {
      // Between two commits, nothing is reported for a while though a peak goes on.
      const isQuiet = !hasWrites && !turns.isBusy();
      // Asked at each look: after a log that took a second, it would rest for twelve, and be late long before.
      const { breakFactor, wordsFactor, readFactor } = pace();
      const ofWork = breakFactor * workedMillis + wordsFactor * wordsMillis + readFactor * readMillis;
      // Others have written while it waited for them, and will again: that is a part of the break.
      const breakMillis = ofWork - waitedMillis;
      const isOver = performance.now() >= since + breakMillis;
      if (isQuiet || isOver) start();
      else wait(PAUSE_MILLIS, since);
    }, millis);
    timer.unref();
  };

  const schedule = (): void => {
    behindSince ??= performance.now();
    again(GATHER_MILLIS);
    hasWrites = true;
  };

  again(0);
  return {
    checkDisk: calls.checkDisk,
    schedule,
    noticeOthers: () => {
      schedule();
      if (calls.haveOthersWritten()) announce(null);
    },
    version: () => version,
    announce,
    eraseWords: () => {
      erasure ??= newErasure();
      // More may have been deleted since.
      erasure.hasBegun = false;
      again(0);
      return erasure.done;
    },
    untilHeldUp: async () => {
      while (!closed && !calls.isHeldUp()) await delay(LOOK_MILLIS, undefined, { ref: false });
    },
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
    close: async () => {
      closed = true;
      clearTimeout(timer);
      listeners.clear();
      // Without this, a thread that the disk holds up would keep the process from ending.
      const patience = new AbortController();
      const over = delay(CLOSE_MILLIS, undefined, { signal: patience.signal }).catch(() => {});
      await Promise.race([running, over]);
      patience.abort();
      await calls.close();
    },
  };
}
