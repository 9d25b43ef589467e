/**
 * Group commit. Waiting for the disk costs far more than the statements do, so all writes that arrive in one turn of
 * the event loop share one transaction, and are answered after its commit. Each runs in a savepoint of its own: one
 * that throws rolls back only itself. A turn is cut after `TURN_MILLIS`; the rest runs in the next one.
 */
import { explainSqliteError, type SqliteDatabase } from '../../../sqlite/open.ts';

const TURN_MILLIS = 25;

interface Job {
  readonly work: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export interface WriteTurns {
  /** Runs `work` in the next turn. Resolves with its result once that is on disk, rejects with what it threw. */
  run<Result>(work: () => Result): Promise<Result>;
  /** Runs a part of such a `work`. If that throws, what it has written is undone, and `failed` makes the result. */
  runInSavepoint<Result>(work: () => Result, failed: (error: unknown) => Result): Result;
  /** Runs everything that waits, now. */
  drain(): void;
}

export function createWriteTurns(database: SqliteDatabase, file: string): WriteTurns {
  const begin = database.prepare('BEGIN IMMEDIATE');
  const commit = database.prepare('COMMIT');
  const savepoint = database.prepare('SAVEPOINT item');
  const release = database.prepare('RELEASE item');
  const undo = database.prepare('ROLLBACK TO item');
  let queue: Job[] = [];

  /** `failed` makes a result of what `work` threw. Savepoints nest: the statements mean the innermost. */
  const runInSavepoint = <Result>(work: () => Result, failed: (error: unknown) => Result): Result => {
    savepoint.run();
    try {
      const result = work();
      release.run();
      return result;
    } catch (error) {
      // Throws where SQLite has already rolled back everything (disk full, I/O error): then the whole turn fails.
      undo.run();
      release.run();
      return failed(error);
    }
  };

  const runOne = (job: Job): (() => void) =>
    runInSavepoint(
      () => {
        const result = job.work();
        return () => job.resolve(result);
      },
      (error) => () => job.reject(explainEngineError(error, file)),
    );

  const runTurn = (): void => {
    const jobs = queue;
    queue = [];
    const answers: (() => void)[] = [];
    const end = performance.now() + TURN_MILLIS;
    let taken = 0;
    try {
      begin.run();
      do {
        answers.push(runOne(jobs[taken]!));
        taken += 1;
      } while (taken < jobs.length && performance.now() < end);
      commit.run();
    } catch (error) {
      rollback(database);
      const reason = explainSqliteError(error, file);
      for (const job of jobs) job.reject(reason);
      return;
    }
    queue = jobs.slice(taken);
    for (const answer of answers) answer();
  };

  const onTurn = (): void => {
    if (queue.length > 0) runTurn();
    if (queue.length > 0) setImmediate(onTurn);
  };

  return {
    run: <Result>(work: () => Result) =>
      new Promise<Result>((resolve, reject) => {
        if (queue.length === 0) setImmediate(onTurn);
        queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
      }),
    runInSavepoint,
    drain: () => {
      while (queue.length > 0) runTurn();
    },
  };
}

function rollback(database: SqliteDatabase): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // No transaction is open: the failure has already ended it.
  }
}

/** Explains an error of the engine; returns an error of the work itself as it is. */
function explainEngineError(error: unknown, file: string): unknown {
  return typeof (error as { errcode?: unknown }).errcode === 'number' ? explainSqliteError(error, file) : error;
}
