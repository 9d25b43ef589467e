/**
 * Partitions by day, which are made ahead. Any server may do it, since only one at a time gets the lock; each table has a
 * transaction of its own, so that writers wait for a moment only.
 */
import type pg from 'pg';
import { codeOf, isSqlError, type Statement, type Value, withConnection } from './connection.ts';
import { DAY_MILLIS, dayOf, nextDay } from './identifiers.ts';
import { DAILY_TABLES } from './schema.ts';

const LOCK = 0x686c_6f75;
const LOCK_TIMEOUT = '55P03';
const MISSING_TABLE = '42P01';
/** No partition takes the row; the partition that is named is not there. */
const MISSING_PARTITION = ['23514', MISSING_TABLE];
const MAX_ATTEMPTS = 5;
/** What the second of two servers meets that make the same table: the table, its type or its name is there. */
const MADE_MEANWHILE = ['42P07', '42710', '23505'];
/** One for each table, at most. */
const MAX_RACES = 40;
const DAYS_AHEAD = 7;
/** Clocks of servers differ, and a write of midnight is stored under the day before. */
const DAYS_BEHIND = 1;

export function isMissingPartition(error: unknown): boolean {
  return isSqlError(error) && MISSING_PARTITION.includes(codeOf(error)!);
}

const DAY_OF_ROW = /\(day\) = \((\d{4}-\d{2}-\d{2})\)/;
const DAY_OF_TABLE = /_p(\d{4})(\d{2})(\d{2})\b/;

/** Returns the day that such an error names, in whatever language: that of the row, or of the table. */
export function missingDaysOf(error: unknown): string[] {
  const { detail = '', message = '' } = error as { readonly detail?: string; readonly message?: string };
  const [, ofRow] = DAY_OF_ROW.exec(detail) ?? [];
  if (ofRow !== undefined) return [ofRow];
  const ofTable = DAY_OF_TABLE.exec(message);
  return ofTable ? [ofTable.slice(1).join('-')] : [];
}

export function isMissingTable(error: unknown): boolean {
  return isSqlError(error) && codeOf(error) === MISSING_TABLE;
}

/** For the days ahead and those that a write needs. Another server may be at it. */
export async function makeMissingPartitions(pool: pg.Pool, days: readonly string[] = []): Promise<void> {
  await withConnection(pool, async (client) => {
    for (let race = 1; ; race += 1) {
      try {
        await makePartitions(client);
        return await makePartitionsOf(client, days);
      } catch (error) {
        if (!MADE_MEANWHILE.includes(codeOf(error) ?? '') || race === MAX_RACES) throw error;
      }
    }
  });
}

/** For the days ahead. */
export async function makePartitions(client: pg.ClientBase): Promise<void> {
  for (const table of Object.keys(DAILY_TABLES)) await makeMissing(client, table, daysAhead());
}

/** For these days, which a write needs. */
export async function makePartitionsOf(client: pg.ClientBase, days: readonly string[]): Promise<void> {
  for (const table of Object.keys(DAILY_TABLES)) await makeMissing(client, table, days);
}

function daysAhead(): string[] {
  const today = dayOf(Date.now());
  return Array.from({ length: DAYS_BEHIND + 1 + DAYS_AHEAD }, (_, index) => nextDay(today, index - DAYS_BEHIND));
}

/** What is there is not asked for again: to do so would lock the table for all writers. */
async function makeMissing(client: pg.ClientBase, table: string, days: readonly string[]): Promise<void> {
  for (const day of days) {
    const name = partitionName(table, day);
    const { rows } = await client.query('SELECT to_regclass($1) AS found', [name]);
    if (rows[0].found !== null) continue;
    await client.query(
      `CREATE TABLE IF NOT EXISTS ${name} PARTITION OF ${table}
       FOR VALUES FROM ('${day}') TO ('${nextDay(day)}') ${DAILY_TABLES[table]}`,
    );
  }
}

/**
 * The table of that day, where it is there for sure: a statement on it keeps its plan. On the table of all days PostgreSQL
 * would plan it again each time, or lock the tables of all of them.
 */
export function tableOf(table: string, day: string): string {
  return isRecent(day) ? partitionName(table, day) : table;
}

function isRecent(day: string): boolean {
  const today = Date.now();
  return [0, -1, 1].some((days) => dayOf(today + days * DAY_MILLIS) === day);
}

/** A prepared statement in whose text the tables of that day stand as `{logs}`, `{log_words}` and `{feedback}`. */
export function inTables(name: string, text: string, day: string, values: readonly Value[]): Statement {
  // Once for all of them: at midnight, the answer is another one.
  const hasTables = isRecent(day);
  const toTable = (table: string) => (hasTables ? partitionName(table, day) : table);
  const inDay = `${name} in ${toTable('logs')}`;
  let known = ofDays.get(inDay);
  if (known?.template !== text) {
    const tables = Object.keys(DAILY_TABLES);
    const ofDay = tables.reduce((sql, table) => sql.replaceAll(`{${table}}`, toTable(table)), text);
    known = { template: text, text: ofDay };
    if (ofDays.size >= MAX_TEXTS) ofDays.clear();
    ofDays.set(inDay, known);
  }
  return { name: inDay, text: known.text, values };
}

/** By name. To put one together takes a pass over its text for each table. */
const ofDays = new Map<string, { readonly template: string; readonly text: string }>();
const MAX_TEXTS = 100;

function partitionName(table: string, day: string): string {
  return `${table}_p${day.replaceAll('-', '')}`;
}

/** For the days ahead. Resolves to whether it was this server's turn. */
export async function maintainPartitions(client: pg.ClientBase): Promise<boolean> {
  for (const table of Object.keys(DAILY_TABLES)) {
    if (!(await underLock(client, () => makeMissing(client, table, daysAhead())))) return false;
  }
  return true;
}

/** Writers that hold a table make it wait, and it makes others wait: not for long, and then once more later. */
async function underLock(client: pg.ClientBase, step: () => Promise<void>): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await inTransaction(client, async () => {
        const { rows } = await client.query(`SELECT pg_try_advisory_xact_lock(${LOCK}) AS mine`);
        if (rows[0].mine) await step();
        return rows[0].mine as boolean;
      });
    } catch (error) {
      const canRepeat = [LOCK_TIMEOUT, ...MADE_MEANWHILE].includes(codeOf(error) ?? '');
      if (!canRepeat || attempt === MAX_ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500 + 1_000 * Math.random()));
    }
  }
}

async function inTransaction<Result>(client: pg.ClientBase, work: () => Promise<Result>): Promise<Result> {
  await client.query(`BEGIN; SET LOCAL lock_timeout TO '2s'`);
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
