/**
 * Statements that are written together, on whichever connection: that of this thread, or one on another thread. What
 * was read before to make them may have changed since. So a batch begins with what must still be true, and each of its
 * rows may depend on claims, of which it is found in the transaction whether they still hold.
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
  /** Has to change a row: otherwise nothing is written. */
  readonly gate?: { readonly sql: string; readonly parameters: readonly SqliteValue[] };
  /** Each holds if it changes a row. */
  readonly claims?: BatchRun;
  /** In this order. */
  readonly steps?: readonly BatchStep[];
  /** Run until it changes no more than the row of the statement itself, or the time is over. */
  readonly repeat?: {
    readonly sql: string;
    readonly parameters: readonly SqliteValue[];
    readonly maxMillis: number;
  };
  /** Nothing is committed by which the file would become longer. */
  readonly maxPages?: number;
}

export interface BatchResult {
  /** False if nothing was written, because of the gate. */
  readonly isOpen: boolean;
  readonly claimed: readonly boolean[];
  /** Whether `repeat` has nothing left to do. */
  readonly isDone: boolean;
  /** How long the transaction took, without the time that other programs had the processor. */
  readonly millis: number;
}

/** What an error has of the batch that it was thrown in: the place of the claim that the failing row depends on. */
export interface BatchFault {
  readonly claim?: number | undefined;
}

/** SQLite's code for a disk that is full. */
const FULL = 13;

/** Returns a function that writes a batch as one transaction, or throws and writes nothing. */
export function createBatchWriter(database: SqliteDatabase, prepare: Prepare): (batch: SqliteBatch) => BatchResult {
  return new Function('database', 'prepare', WRITER)(database, prepare);
}

/** As a text, so that threads have the same: they load no modules. */
export const WRITER = `
  const workedSince = ({ millis, cpu }) => {
    const { user, system } = process.cpuUsage(cpu);
    return Math.min(performance.now() - millis, (user + system) / 1000);
  };
  const commit = (maxPages) => {
    if (maxPages !== undefined && prepare('PRAGMA page_count').get().page_count > maxPages) {
      throw Object.assign(new Error('the file would need more space than there is'), { errcode: ${FULL} });
    }
    database.exec('COMMIT');
  };
  const runStep = ({ sql, rows, needs }, claimed, at) => {
    const statement = prepare(sql);
    for (const [index, row] of rows.entries()) {
      const claim = needs && needs[index].find((place) => claimed[place]);
      if (needs && claim === undefined) continue;
      at.claim = claim;
      statement.run(...row);
    }
    at.claim = undefined;
  };
  const repeatUntil = ({ sql, parameters, maxMillis }) => {
    const count = () => Number(prepare('SELECT total_changes() AS count').get().count);
    const end = performance.now() + maxMillis;
    do {
      const before = count();
      prepare(sql).run(...parameters);
      if (count() - before < 2) return true;
    } while (performance.now() < end);
    return false;
  };
  return ({ gate, claims, steps = [], repeat, maxPages }) => {
    const at = { claim: undefined };
    database.exec('BEGIN IMMEDIATE');
    const start = { millis: performance.now(), cpu: process.cpuUsage() };
    try {
      const isOpen = !gate || Number(prepare(gate.sql).run(...gate.parameters).changes) > 0;
      const claim = claims && prepare(claims.sql);
      const claimed = isOpen && claim ? claims.rows.map((row) => Number(claim.run(...row).changes) > 0) : [];
      if (isOpen) for (const step of steps) runStep(step, claimed, at);
      const isDone = isOpen && repeat ? repeatUntil(repeat) : true;
      commit(maxPages);
      return { isOpen, claimed, isDone, millis: workedSince(start) };
    } catch (error) {
      try {
        database.exec('ROLLBACK');
      } catch {}
      throw Object.assign(error, { claim: at.claim });
    }
  };`;
