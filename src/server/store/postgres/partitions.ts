/**
 * Partitions by day: made ahead, and dropped when they are older than the logs are kept. Any server may do it, since
 * only one at a time gets the lock; each table has a transaction of its own, so that writers wait for a moment only.
 */
import type pg from 'pg';
import { dayOf, nextDay } from './identifiers.ts';
import { DAILY_TABLES } from './schema.ts';

const LOCK = 0x686c_6f75;
const DAYS_AHEAD = 7;
/** Clocks of servers differ, and a write of midnight is stored under the day before. */
const DAYS_BEHIND = 1;

/** @param lastDay at least up to this day. */
export async function makePartitions(client: pg.ClientBase, lastDay?: string): Promise<void> {
  const today = dayOf(Date.now());
  const last = [nextDay(today, DAYS_AHEAD), lastDay ?? ''].sort().at(-1)!;
  for (const [table, options] of Object.entries(DAILY_TABLES)) {
    for (let day = nextDay(today, -DAYS_BEHIND); day <= last; day = nextDay(day)) {
      await client.query(
        `CREATE TABLE IF NOT EXISTS ${partitionName(table, day)} PARTITION OF ${table}
         FOR VALUES FROM ('${day}') TO ('${nextDay(day)}') ${options}`,
      );
    }
  }
}

export async function makePartitionsOf(client: pg.ClientBase, days: readonly string[]): Promise<void> {
  for (const day of days) {
    for (const [table, options] of Object.entries(DAILY_TABLES)) {
      await client.query(
        `CREATE TABLE IF NOT EXISTS ${partitionName(table, day)} PARTITION OF ${table}
         FOR VALUES FROM ('${day}') TO ('${nextDay(day)}') ${options}`,
      );
    }
  }
}

function partitionName(table: string, day: string): string {
  return `${table}_p${day.replaceAll('-', '')}`;
}

export interface PartitionJob {
  /** Days before today for which logs are kept; `undefined` keeps all. */
  readonly retentionDays?: number;
}

/** Resolves to whether it was this server's turn. */
export async function maintainPartitions(client: pg.ClientBase, { retentionDays }: PartitionJob): Promise<boolean> {
  return inTransaction(client, async () => {
    const { rows } = await client.query(`SELECT pg_try_advisory_xact_lock(${LOCK}) AS mine`);
    if (!rows[0].mine) return false;
    await makePartitions(client);
    if (retentionDays !== undefined) {
      const first = nextDay(dayOf(Date.now()), -retentionDays);
      for (const table of Object.keys(DAILY_TABLES)) await dropBefore(client, table, first);
      await forgetBefore(client, first);
    }
    return true;
  });
}

async function dropBefore(client: pg.ClientBase, table: string, firstKept: string): Promise<void> {
  const { rows } = await client.query(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass
     AND right(inhrelid::regclass::text, 8) < $2`,
    [table, firstKept.replaceAll('-', '')],
  );
  for (const { name } of rows) await client.query(`DROP TABLE IF EXISTS ${name}`);
}

/** What belongs to days that are gone, in slices. */
async function forgetBefore(client: pg.ClientBase, firstKept: string): Promise<void> {
  for (const table of ['session_projects', 'session_facets']) {
    await client.query(
      `DELETE FROM ${table} AS part USING sessions
       WHERE sessions.bucket = part.bucket AND sessions.key = part.session AND sessions.last_day < $1::date`,
      [firstKept],
    );
  }
  await client.query('DELETE FROM sessions WHERE last_day < $1::date', [firstKept]);
  await client.query('DELETE FROM traces WHERE seen_on < $1::date', [firstKept]);
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
