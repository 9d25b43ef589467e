/**
 * Statements that are written together. What was read before to make them may have changed since. So a batch begins with
 * what must still be true, and each of its rows may depend on claims, of which it is found in the transaction whether
 * they still hold.
 */
import type { SqliteDatabase, SqliteValue } from './open.ts';
import type { Prepare } from './statement-cache.ts';

export interface BatchRun {
  readonly sql: string;
  /** The parameters of each time that it is run. */
  readonly rows: readonly (readonly SqliteValue[])[];
}

export interface BatchStep extends BatchRun {
  /** For each row the claims of which at least one must hold, by their places. Without them, it is always run. */
  readonly needs?: readonly (readonly number[])[];
}

export interface SqliteBatch {
  /** Each has to return a row: otherwise nothing is written. Without them, the first of what follows takes the lock. */
  readonly gates?: readonly { readonly sql: string; readonly parameters: readonly SqliteValue[] }[];
  /** Each holds if it returns a row. */
  readonly claims?: BatchRun;
  /** In this order. */
  readonly steps?: readonly BatchStep[];
  /** Run until it changes no more than the row of the statement itself, or the time is over, or so many times. */
  readonly repeat?: {
    readonly sql: string;
    readonly parameters: readonly SqliteValue[];
    readonly maxMillis: number;
    readonly maxTimes?: number;
  };
  /** Nothing is committed by which the file would become longer. */
  readonly maxPages?: number;
}

export interface BatchResult {
  /** False if nothing was written, because of a gate. */
  readonly isOpen: boolean;
  readonly claimed: readonly boolean[];
  /** Whether `repeat` has nothing left to do. */
  readonly isDone: boolean;
  /** How many times it was run. */
  readonly repeats: number;
  /** How long the transaction took, without the time that other programs had the processor. */
  readonly millis: number;
}

type Repeated = Pick<BatchResult, 'isDone' | 'repeats'>;

const NOT_REPEATED: Repeated = { isDone: true, repeats: 0 };

/** What an error has of the batch that it was thrown in: the place of the claim that the failing row depends on. */
export interface BatchFault {
  readonly claim?: number | undefined;
}

/** SQLite's code for a disk that is full. */
const FULL = 13;

export type Transaction = <Result>(work: () => Result, maxPages?: number) => { result: Result; millis: number };

export interface TransactionOptions {
  /** The file that is written: `main`, or an attached one. Default: `main`. */
  readonly name?: string;
  /** Called when all is written but not committed. If it throws, nothing is written. */
  readonly beforeCommit?: () => void;
}

/**
 * Returns a function that runs `work` in a transaction, and says how long that took, without the time that other
 * programs had the processor. If it throws, nothing is written; so it does for a file that becomes longer than
 * `maxPages`.
 *
 * The first statement of `work` must write to the file, by which the transaction has its lock: `BEGIN IMMEDIATE` would
 * take those of all files that are attached.
 */
export function createTransaction(
  database: SqliteDatabase,
  prepare: Prepare,
  { name = 'main', beforeCommit = () => {} }: TransactionOptions = {},
): Transaction {
  const pageCount = () => Number(prepare(`PRAGMA ${name}.page_count`).get()!['page_count']);
  return (work, maxPages) => {
    database.exec('BEGIN');
    const start = startClock();
    try {
      const result = work();
      if (maxPages !== undefined && pageCount() > maxPages) {
        throw Object.assign(new Error('the file would need more space than there is'), { errcode: FULL });
      }
      beforeCommit();
      database.exec('COMMIT');
      return { result, millis: workedSince(start) };
    } catch (error) {
      try {
        database.exec('ROLLBACK');
      } catch {
        // The failure has already ended the transaction.
      }
      throw error;
    }
  };
}

/** Returns a function that writes a batch as one transaction, or throws and writes nothing. */
export function createBatchWriter(
  database: SqliteDatabase,
  prepare: Prepare,
  options?: TransactionOptions,
): (batch: SqliteBatch) => BatchResult {
  const transact = createTransaction(database, prepare, options);
  const countChanges = () => Number(prepare('SELECT total_changes() AS count').get()!['count']);

  const runStep = ({ sql, rows, needs }: BatchStep, claimed: readonly boolean[]): void => {
    const statement = prepare(sql);
    for (const [index, row] of rows.entries()) {
      const claim = needs && needs[index]!.find((place) => claimed[place]);
      if (needs && claim === undefined) continue;
      try {
        statement.run(...row);
      } catch (error) {
        throw Object.assign(error as Error, { claim });
      }
    }
  };

  const repeatUntil = (repeat: NonNullable<SqliteBatch['repeat']>): Repeated => {
    const { sql, parameters, maxMillis, maxTimes = Number.POSITIVE_INFINITY } = repeat;
    const end = performance.now() + maxMillis;
    let repeats = 0;
    let isDone: boolean;
    do {
      const before = countChanges();
      prepare(sql).run(...parameters);
      repeats += 1;
      isDone = countChanges() - before < 2;
    } while (!isDone && performance.now() < end && repeats < maxTimes);
    return { isDone, repeats };
  };

  return ({ gates = [], claims, steps = [], repeat, maxPages }) => {
    const { result, millis } = transact(() => {
      const isOpen = gates.every(({ sql, parameters }) => prepare(sql).get(...parameters) !== undefined);
      const claim = claims && prepare(claims.sql);
      const claimed = isOpen && claim ? claims.rows.map((row) => claim.get(...row) !== undefined) : [];
      if (isOpen) for (const step of steps) runStep(step, claimed);
      return { isOpen, claimed, ...(isOpen && repeat ? repeatUntil(repeat) : NOT_REPEATED) };
    }, maxPages);
    return { ...result, millis };
  };
}

interface Start {
  readonly millis: number;
  readonly cpu: NodeJS.CpuUsage;
}

function startClock(): Start {
  return { millis: performance.now(), cpu: process.cpuUsage() };
}

/** Milliseconds, without the time that other programs had the processor. */
function workedSince({ millis, cpu }: Start): number {
  const { user, system } = process.cpuUsage(cpu);
  return Math.min(performance.now() - millis, (user + system) / 1000);
}
