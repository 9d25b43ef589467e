/**
 * Group commit. Waiting for the disk costs far more than the statements do, so all writes that arrive in one turn of
 * the event loop, or while the disk works, share one transaction, and are answered once its commit is on disk
 * (log-sync.ts). One that throws undoes only itself.
 *
 * A savepoint would do for that, but makes the engine copy each page that is changed. So there is none where nothing
 * was written before in the transaction, or only works that can be repeated: then all is rolled back, and these are
 * done again.
 *
 * A turn takes about `TURN_MILLIS`; what is left runs in the next one. A long work is a generator, and is interrupted
 * where it yields. The transaction stays open as long as each turn of the event loop brings more writes, but not for
 * long: under load, many requests wait for the disk together. Reads therefore need another connection.
 *
 * Another process may write to the same file (write-lock.ts). Its lock is waited for between turns of the event loop,
 * not within one.
 */
import { explainSqliteError, type SqliteDatabase } from '../../../../sqlite/open.ts';
import { overtake } from '../../heavy-turns.ts';
import { toSteps, type Work } from '../../steps.ts';
import type { LogSync } from '../file/log-sync.ts';
import { createAnswers, type Done, type Job } from './answers.ts';
import { explainEngineError } from './engine-error.ts';
import { createSavepoint } from './savepoint.ts';
import { createLends } from './write-lends.ts';
import { createWriteLock, rollback } from './write-lock.ts';

const TURN_MILLIS = 25;
/** A transaction that is older is committed when no write is half done. */
const GROUP_MILLIS = 60;
/** The same while another connection of this process urgently waits for the lock. */
const SHARED_GROUP_MILLIS = 40;
/** Between two looks at a lock that another process has. */
const LOCK_POLL_MILLIS = 1;
const DEFAULT_LOCK_TIMEOUT_MILLIS = 10_000;
/**
 * So long after works had to be repeated, none has to be: whoever sends bad requests does not hold up the good ones.
 */
const CAREFUL_MILLIS = 10_000;

/** A job that is being done. */
interface Run {
  readonly job: Job;
  readonly steps: Generator<void, unknown>;
  readonly hasSavepoint: boolean;
}

/** `undone`: the job has failed, and there is no transaction any more. */
type Progress = 'interrupted' | 'done' | 'undone';

export interface WriteTurns {
  /**
   * Runs `work` in the next turn. Resolves with its result once that is on disk, rejects with what it threw. Calls
   * `onWritten` before the commit, when the work is done. Works are done in the order of these calls.
   */
  run<Result>(work: Work<Result>, onWritten?: () => void): Promise<Result>;
  /** The same for `work` that may be called again after it was undone: it changes nothing but the database. */
  runRepeatable<Result>(work: Work<Result>): Promise<Result>;
  /** Runs a part of such a `work`. If that throws, what it has written is undone, and `failed` makes the result. */
  runInSavepoint<Result>(work: () => Result, failed: (error: unknown) => Result): Result;
  /**
   * Lets another connection of this process write, as one transaction, while there is none here and none begins. Calls
   * `write` again if another process was quicker. Resolves or rejects as it does. Where it does neither for long, works
   * go on; as long as it has the file's lock, they fail as they do when another process has it. Where it `isUrgent`, the
   * transaction that is open is a shorter one.
   */
  lend<Result>(write: () => Promise<Result>, isUrgent?: boolean): Promise<Result>;
  /** Returns how many works wait or are under way. */
  depth(): number;
  /** Whether works wait or are under way, or have been done and wait for their commit. */
  isBusy(): boolean;
  /** Runs everything that waits, now. */
  drain(): void;
  /** Does the same. Resolves when all of it is answered. */
  close(): Promise<void>;
}

export interface WriteTurnsOptions {
  readonly file: string;
  /** False where reads use the same connection: they must not see half a transaction. */
  readonly canInterrupt: boolean;
  /** How long writes wait for the lock of another process before they fail. */
  readonly lockTimeoutMillis?: number | undefined;
  /** How long they wait for another connection of this process. */
  readonly lendMillis?: number | undefined;
  /** Called before each commit. If it throws, the transaction is undone, and all of its writes fail. */
  readonly beforeCommit?: () => void;
  /** Called after each commit. Returns what the next transaction has to wait for; it must not reject. */
  readonly afterCommit?: () => Promise<void> | undefined;
  /** Waits for the disk after a commit. Without it, the engine does so within the commit. */
  readonly sync?: LogSync | undefined;
}

export function createWriteTurns(database: SqliteDatabase, options: WriteTurnsOptions): WriteTurns {
  const { file, canInterrupt, lockTimeoutMillis = DEFAULT_LOCK_TIMEOUT_MILLIS, lendMillis } = options;
  const { beforeCommit = () => {}, afterCommit = () => undefined, sync } = options;
  const lock = createWriteLock(database, { file, timeoutMillis: lockTimeoutMillis });
  const commit = database.prepare('COMMIT');
  const savepoint = createSavepoint(database);
  let queue: Job[] = [];
  let done: Done[] = [];
  let current: Run | undefined;
  let openedAt: number | undefined;
  let isCommitDue = false;
  let isScheduled = false;
  /** What the next transaction waits for. */
  let pauses = 0;
  /** Whether works come first, since another connection has just written. */
  let hasLent = false;
  /** No turn before this time. */
  let resumeAt = 0;
  let carefulUntil = 0;

  const begin = (job: Job): Run => {
    const isAlone = done.length === 0;
    const canRepeat = performance.now() >= carefulUntil && done.every((before) => before.job.isRepeatable);
    const hasSavepoint = !isAlone && !canRepeat;
    if (hasSavepoint) savepoint.begin();
    return { job, steps: toSteps(job.work), hasSavepoint };
  };

  /** Undoes the current job, and all before it, which are done again. */
  const undoAll = (): void => {
    rollback(database);
    if (done.length > 0) carefulUntil = performance.now() + CAREFUL_MILLIS;
    queue = [...done.map(({ job }) => job), ...queue];
    [done, openedAt] = [[], undefined];
  };

  /** Works on the current job, or begins the next one. */
  const advance = (end: number): Progress => {
    if (!current) {
      current = begin(queue[0]!);
      queue.shift();
    }
    const { job, steps, hasSavepoint } = current;
    try {
      for (;;) {
        const step = steps.next();
        if (step.done) {
          if (hasSavepoint) savepoint.release();
          job.onWritten?.();
          done.push({ job, answer: () => job.resolve(step.value) });
          break;
        }
        if (canInterrupt && performance.now() >= end) return 'interrupted';
      }
    } catch (error) {
      const reason = explainEngineError(error, file);
      if (!hasSavepoint) {
        current = undefined;
        undoAll();
        job.reject(reason);
        return 'undone';
      }
      // A full disk or a failing one has rolled back everything: then the whole turn fails.
      savepoint.undo(error);
      done.push({ job, answer: () => job.reject(reason) });
    }
    current = undefined;
    return 'done';
  };

  const failAll = (error: unknown): void => {
    const reason = explainSqliteError(error, file);
    const failed = [...done.map(({ job }) => job), ...(current ? [current.job] : []), ...queue];
    [queue, done, current, openedAt, isCommitDue] = [[], [], undefined, undefined, false];
    for (const job of failed) job.reject(reason);
  };

  const isOld = (now: number): boolean => now - openedAt! >= (lends.isUrgent() ? SHARED_GROUP_MILLIS : GROUP_MILLIS);

  /** Works until `end`. Commits if that is asked for, or everything is done and the transaction is old. */
  const runTurn = (end: number, isLast: boolean): void => {
    try {
      if (openedAt === undefined) {
        if (!lock.tryBegin(end === Number.POSITIVE_INFINITY)) {
          resumeAt = performance.now() + LOCK_POLL_MILLIS;
          return;
        }
        openedAt = performance.now();
      }
      while (hasWork() && !isCommitDue) {
        if (advance(end) !== 'done') return;
        const now = performance.now();
        // Nothing is half done: the next write, which may be long, is not begun in an old transaction.
        if (now >= end || isOld(now)) break;
      }
      if (!isLast && canInterrupt && !isCommitDue) {
        if (!isOld(performance.now())) return;
        // Much to write is much to commit: after a full turn, the commit has one of its own.
        isCommitDue = performance.now() >= end;
        if (isCommitDue) return;
      }
      sync?.check();
      beforeCommit();
      commit.run();
      lock.afterCommit();
    } catch (error) {
      rollback(database);
      failAll(error);
      return;
    }
    const answers = done;
    [done, openedAt, isCommitDue] = [[], undefined, false];
    pauseUntil(afterCommit());
    answer(answers, end === Number.POSITIVE_INFINITY);
  };

  const pauseUntil = (event: Promise<void> | undefined): void => {
    if (!event) return;
    pauses += 1;
    void event.then(() => {
      pauses -= 1;
      if (hasWork() || lends.isWaiting()) schedule();
    });
  };

  const tryToLend = (): void => {
    try {
      if (!lock.tryBegin(false)) {
        resumeAt = performance.now() + LOCK_POLL_MILLIS;
        return;
      }
      rollback(database);
      hasLent = true;
      pauseUntil(lends.start());
    } catch (error) {
      lends.rejectNext(error);
      failAll(error);
    }
  };

  const hasWork = (): boolean => current !== undefined || queue.length > 0;

  /**
   * What arrives while the disk works is answered after the next wait at the earliest, however soon it is committed: it
   * shares one transaction, and until then the lock is free for the other connection.
   */
  const waitsForDisk = (): boolean => openedAt === undefined && sync?.running !== undefined;

  const onTurn = (): void => {
    isScheduled = false;
    const isIdle = !hasWork() && openedAt === undefined;
    if (lends.isWaiting() && openedAt === undefined && (isIdle || !hasLent)) {
      tryToLend();
      if (hasWork() || lends.isWaiting()) schedule();
      return;
    }
    if (isIdle || waitsForDisk()) return;
    hasLent = false;
    // The first turn of the event loop that brings nothing is the last one of the transaction.
    runTurn(performance.now() + TURN_MILLIS, !hasWork());
    if ((hasWork() && !waitsForDisk()) || openedAt !== undefined || lends.isWaiting()) schedule();
  };

  const lends = createLends({
    ...{ file, lendMillis, schedule: () => schedule() },
    onReturn: () => {
      lock.afterCommit();
      pauseUntil(afterCommit());
    },
  });
  const answer = createAnswers(sync, () => hasWork() && schedule());

  const schedule = (): void => {
    if (isScheduled || pauses > 0) return;
    isScheduled = true;
    const millis = resumeAt - performance.now();
    if (millis > 0) setTimeout(() => overtake(onTurn), millis);
    else overtake(onTurn);
  };

  const add = <Result>(work: Work<Result>, isRepeatable: boolean, onWritten?: () => void): Promise<Result> =>
    new Promise<Result>((resolve, reject) => {
      queue.push({ work, resolve: resolve as (value: unknown) => void, reject, onWritten, isRepeatable });
      schedule();
    });

  const drain = (): void => {
    while (hasWork() || openedAt !== undefined) runTurn(Number.POSITIVE_INFINITY, true);
  };

  return {
    depth: () => queue.length + (current ? 1 : 0),
    isBusy: () => hasWork() || openedAt !== undefined || sync?.running !== undefined,
    run: (work, onWritten) => add(work, false, onWritten),
    runRepeatable: (work) => add(work, true),
    runInSavepoint: savepoint.run,
    lend: lends.add,
    drain,
    close: async () => {
      drain();
      await sync?.close();
    },
  };
}
