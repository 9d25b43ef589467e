/**
 * Retention. Sessions are deleted as a whole, those that changed longest ago first. Days of which nothing is left are
 * dropped, which gives their space back at once. For a bound of the size, the days before today are looked at one after
 * the other: of one that could not be dropped, since a session goes on, what is left is written again.
 */
import type pg from 'pg';
import { HumanloopError } from '../../../errors.ts';
import type { PruneBounds } from '../store.ts';
import { codeOf, type Row, toSqlTime, withConnection } from './connection.ts';
import type { Deleted } from './deletions.ts';
import { dayOf, nextDay } from './identifiers.ts';
import type { Uuid } from './keys.ts';
import { type FoundSession, findCurrentSessions } from './lookups.ts';
import { DAILY_TABLES } from './schema.ts';

const PORTION = 100;
/** Empty ones take next to no space. */
const KEPT_DAYS = 7;
const LOCK_TIMEOUT = '55P03';
/** The driver would give up the connection, see `SILENCE_MILLIS`. */
const PATIENT = { query_timeout: 24 * 60 * 60 * 1000 };

export interface PruningParts {
  readonly reads: pg.Pool;
  readonly writes: pg.Pool;
  readonly removeSession: (session: FoundSession) => Promise<Deleted>;
}

export function createPruning({ reads, writes, removeSession }: PruningParts) {
  /** Until no session meets the condition. */
  const removeWhere = async (condition: string, value: string): Promise<Deleted> => {
    let [logs, sessions] = [0, 0];
    for (;;) {
      const { rows } = await reads.query<Row>(
        `SELECT key FROM sessions WHERE merged_into IS NULL AND ${condition} ORDER BY updated_at LIMIT ${PORTION}`,
        [value],
      );
      const keys = rows.map((row) => row['key'] as Uuid);
      const before = logs + sessions;
      for (const session of (await findCurrentSessions(reads, keys)).values()) {
        const deleted = await removeSession(session);
        logs += deleted.logs;
        sessions += deleted.sessions;
      }
      // Others have deleted them meanwhile; where nothing goes, nothing would ever end.
      if (logs + sessions === before) return { logs, sessions };
    }
  };

  const shrink = async (maxBytes: number): Promise<Deleted> => {
    let counts = NOTHING;
    const today = dayOf(Date.now());
    for (let day = ''; (await measure(reads)) > maxBytes; ) {
      const next = (await listDays(reads)).find((each) => each > day);
      if (next === undefined || next >= today) {
        throw new HumanloopError(
          'the database is larger than its bound, and all logs are of today: a bound of the size holds whole days',
        );
      }
      day = next;
      counts = plus(counts, await removeWhere('last_day <= $1::date', day));
      await dropEmptyDays(writes, day);
      await rewriteDay(writes, day);
    }
    return counts;
  };

  return async ({ olderThan, maxBytes }: PruneBounds): Promise<Deleted> => {
    let counts = NOTHING;
    if (olderThan !== undefined) {
      counts = await removeWhere('updated_at < $1::timestamptz', toSqlTime(olderThan));
      await dropEmptyDays(writes, dayOf(Date.parse(olderThan)));
    }
    return maxBytes === undefined ? counts : plus(counts, await shrink(maxBytes));
  };
}

const NOTHING: Deleted = { logs: 0, sessions: 0 };

function plus(left: Deleted, right: Deleted): Deleted {
  return { logs: left.logs + right.logs, sessions: left.sessions + right.sessions };
}

/** Of all tables, with their indexes. */
async function measure(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<Row>(
    `SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint AS bytes FROM pg_class
     WHERE relkind = 'r' AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'meta'::regclass)`,
  );
  return rows[0]!['bytes'] as number;
}

/** That have a partition for logs, oldest first. */
async function listDays(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<Row>(
    `SELECT right(relname, 8) AS day FROM pg_inherits JOIN pg_class ON oid = inhrelid
     WHERE inhparent = 'logs'::regclass ORDER BY 1`,
  );
  return rows.map((row) => (row['day'] as string).replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3'));
}

/** Up to and with that day, but for the last ones, for which writes may still come. */
async function dropEmptyDays(pool: pg.Pool, lastDay: string): Promise<void> {
  const firstKept = nextDay(dayOf(Date.now()), -KEPT_DAYS);
  for (const table of Object.keys(DAILY_TABLES)) {
    const { rows } = await pool.query<Row>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits JOIN pg_class ON oid = inhrelid
       WHERE inhparent = $1::regclass AND right(relname, 8) <= $2 AND right(relname, 8) < $3`,
      [table, lastDay.replaceAll('-', ''), firstKept.replaceAll('-', '')],
    );
    for (const row of rows) await dropIfEmpty(pool, row['name'] as string);
  }
}

async function dropIfEmpty(pool: pg.Pool, name: string): Promise<void> {
  const isEmpty = async (on: pg.ClientBase | pg.Pool) =>
    (await on.query(`SELECT 1 FROM ${name} LIMIT 1`)).rows.length === 0;
  if (!(await isEmpty(pool))) return;
  await withConnection(pool, async (client) => {
    try {
      await client.query(`BEGIN; SET LOCAL lock_timeout TO '2s'; LOCK TABLE ${name} IN ACCESS EXCLUSIVE MODE`);
      if (await isEmpty(client)) await client.query(`DROP TABLE ${name}`);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK');
      // It is used: the next time. Or another server was faster.
      if (![LOCK_TIMEOUT, '42P01', '40P01'].includes(codeOf(error) ?? '')) throw error;
    }
  });
}

/** Locks the tables of that day for as long as it takes to write what is left of them. */
async function rewriteDay(pool: pg.Pool, day: string): Promise<void> {
  await withConnection(pool, async (client) => {
    await client.query(`SET statement_timeout TO 0; SET lock_timeout TO '2s'`);
    try {
      for (const table of Object.keys(DAILY_TABLES)) {
        const name = `${table}_p${day.replaceAll('-', '')}`;
        const { rows } = await client.query('SELECT to_regclass($1) AS found', [name]);
        if (rows[0].found !== null) await client.query({ text: `VACUUM (FULL) ${name}`, ...PATIENT });
      }
    } catch (error) {
      if (codeOf(error) !== LOCK_TIMEOUT) throw error;
    } finally {
      await client.query('SET statement_timeout TO DEFAULT; RESET lock_timeout');
    }
  });
}
