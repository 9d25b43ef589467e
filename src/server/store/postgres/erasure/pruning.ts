/**
 * Retention. Sessions are deleted as a whole, those that changed longest ago first. Days of which nothing is left are
 * dropped, which gives their space back at once. A day that could not be dropped, since a session of it goes on, is
 * written again when a bound of the size has taken all the others.
 */
import type pg from 'pg';
import { CONTENT_COLUMNS } from '../../rows/log-row.ts';
import type { PruneBounds } from '../../store.ts';
import {
  codeOf,
  LONG_MILLIS,
  pipelined,
  type Row,
  readLong,
  toSqlTime,
  type Value,
  withConnection,
} from '../tables/connection.ts';
import { dayOf, nextDay } from '../tables/identifiers.ts';
import { toKeyed, type Uuid } from '../tables/keys.ts';
import { type FoundSession, findCurrentSessions, OF_SESSION, valuesOf } from '../tables/lookups.ts';
import { isMissingTable } from '../tables/partitions.ts';
import { whereKeys } from '../tables/row-keys.ts';
import { DAILY_TABLES } from '../tables/schema.ts';
import { NO_LIMITS, withoutLimits } from '../tables/session-settings.ts';
import type { Deleted } from './deletions.ts';

const LOCK = 0x686c_6f77;
const LOCK_PAUSE_MILLIS = 500;
/** Found by one look through all sessions: an index by their last change would cost every write more than this does. */
const FOUND_AT_ONCE = 10_000;
const PORTION = 100;
/** Below the bound, so that it is not reached again at once. */
const MARGIN = 0.05;
/** Of a log without its texts, with its entries in indexes. */
const LOG_BYTES = 500;
const TEXT_COLUMNS = ['error', 'judgment', 'metadata', ...CONTENT_COLUMNS];
/** Empty ones take next to no space. */
const KEPT_DAYS = 7;
const LOCK_TIMEOUT = '55P03';
const NOTHING: Deleted = { logs: 0, sessions: 0 };

export interface PruningParts {
  readonly reads: pg.Pool;
  readonly writes: pg.Pool;
  readonly removeSession: (session: FoundSession) => Promise<Deleted>;
}

export function createPruning({ reads, writes, removeSession }: PruningParts) {
  /** Those that changed before that time, as long as `goesOn`. */
  const removeOldest = async (
    before: string,
    goesOn: (session: FoundSession) => boolean | Promise<boolean>,
  ): Promise<Deleted> => {
    let [logs, sessions] = [0, 0];
    for (;;) {
      const rows = await readLong(
        reads,
        `SELECT key FROM sessions WHERE merged_into IS NULL AND updated_at < $1::timestamptz
         ORDER BY updated_at LIMIT ${FOUND_AT_ONCE}`,
        [before],
      );
      const all = rows.map((row) => row['key'] as Uuid);
      const gone = logs + sessions;
      for (let at = 0; at < all.length; at += PORTION) {
        // Some have changed since they were found.
        const keys = await keepUnchanged(reads, all.slice(at, at + PORTION), before);
        const found = await findCurrentSessions(reads, keys);
        for (const key of keys) {
          const session = found.get(key);
          if (!session) continue;
          if (!(await goesOn(session))) return { logs, sessions };
          const deleted = await removeSession(session);
          logs += deleted.logs;
          sessions += deleted.sessions;
        }
      }
      // Others have deleted them meanwhile; where nothing goes, nothing would ever end.
      if (logs + sessions === gone) return { logs, sessions };
    }
  };

  const shrink = async (maxBytes: number): Promise<Deleted> => {
    const bytes = await measureLogs(reads);
    if (bytes <= maxBytes) return NOTHING;
    let excess = bytes - maxBytes * (1 - MARGIN);
    const today = dayOf(Date.now());
    const days = new Set<string>();
    let firstLeft = today;
    const deleted = await removeOldest('infinity', async (session) => {
      if (excess <= 0) {
        firstLeft = session.lastDay;
        return false;
      }
      excess -= await measureLogs(reads, session);
      days.add(session.lastDay);
      return true;
    });
    await dropEmptyDays(writes, today);
    for (const day of [...days].sort()) if (day < firstLeft) await rewriteDay(writes, day);
    return deleted;
  };

  return async ({ olderThan, maxBytes }: PruneBounds): Promise<Deleted> => {
    let old = NOTHING;
    if (olderThan !== undefined) {
      old = await removeOldest(toSqlTime(olderThan), () => true);
      await dropEmptyDays(writes, dayOf(Date.parse(olderThan)));
    }
    if (maxBytes === undefined) return old;
    const large = await oneAtATime(reads, () => shrink(maxBytes));
    return { logs: old.logs + large.logs, sessions: old.sessions + large.sessions };
  };
}

/** In their order. */
async function keepUnchanged(pool: pg.Pool, keys: readonly Uuid[], before: string): Promise<Uuid[]> {
  const values: Value[] = [before];
  const { sql } = whereKeys('bucket, key', keys.map(toKeyed), values);
  const { rows } = await pool.query<Row>(
    `SELECT key FROM sessions WHERE ${sql} AND merged_into IS NULL AND updated_at < $1::timestamptz`,
    values,
  );
  const kept = new Set(rows.map((row) => row['key'] as Uuid));
  return keys.filter((key) => kept.has(key));
}

/** Over all servers: two that measure at the same time would each delete what is too much. */
async function oneAtATime<Result>(pool: pg.Pool, work: () => Promise<Result>): Promise<Result> {
  return withConnection(pool, async (client) => {
    await client.query(`BEGIN; SET LOCAL idle_in_transaction_session_timeout TO 0; ${NO_LIMITS}`);
    try {
      // A statement that waits for the lock would keep deleted rows from being vacuumed.
      while (!(await takeLock(client))) await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MILLIS));
      return await work();
    } finally {
      await client.query('COMMIT');
    }
  });
}

async function takeLock(client: pg.ClientBase): Promise<boolean> {
  return (await client.query(`SELECT pg_try_advisory_xact_lock(${LOCK}) AS mine`)).rows[0].mine;
}

/**
 * Resolves to the bytes of all logs, or of those of a session, before they are compressed: what the database needs for
 * them on its disk depends on when it has cleaned up.
 */
async function measureLogs(pool: pg.Pool, session?: FoundSession): Promise<number> {
  const bytes = TEXT_COLUMNS.map((column) => `coalesce(octet_length(${column}), 0)`).join(' + ');
  const [row] = await readLong(
    pool,
    `SELECT coalesce(sum(${LOG_BYTES} + ${bytes}), 0)::float8 AS bytes FROM logs
     ${session ? `WHERE ${OF_SESSION}` : ''}`,
    session ? valuesOf(session) : [],
  );
  return row!['bytes'] as number;
}

/** What is added to logs goes to these: they stay as long as the day has logs. */
const OF_LOGS = ['log_words', 'feedback'];
const WITHOUT_LOGS = `AND to_regclass('logs_p' || right(relname, 8)) IS NULL`;

/** Up to and with that day, but for the last ones, for which writes may still come. */
async function dropEmptyDays(pool: pg.Pool, lastDay: string): Promise<void> {
  const firstKept = nextDay(dayOf(Date.now()), -KEPT_DAYS);
  for (const table of Object.keys(DAILY_TABLES)) {
    const { rows } = await pool.query<Row>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits JOIN pg_class ON oid = inhrelid
       WHERE inhparent = $1::regclass AND right(relname, 8) <= $2 AND right(relname, 8) < $3
         ${OF_LOGS.includes(table) ? WITHOUT_LOGS : ''}`,
      [table, lastDay.replaceAll('-', ''), firstKept.replaceAll('-', '')],
    );
    for (const row of rows) await dropIfEmpty(pool, row['name'] as string);
  }
}

async function dropIfEmpty(pool: pg.Pool, name: string): Promise<void> {
  const isEmpty = async (on: pg.ClientBase | pg.Pool) =>
    (await on.query(`SELECT 1 FROM ${name} LIMIT 1`)).rows.length === 0;
  try {
    if (!(await isEmpty(pool))) return;
  } catch (error) {
    // Another server has dropped it.
    if (isMissingTable(error)) return;
    throw error;
  }
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
    await client.query(`SET lock_timeout TO '2s'`);
    try {
      await withoutLimits(client, async () => {
        for (const table of Object.keys(DAILY_TABLES)) {
          const name = `${table}_p${day.replaceAll('-', '')}`;
          const { rows } = await client.query('SELECT to_regclass($1) AS found', [name]);
          if (rows[0].found === null) continue;
          await pipelined(client, [{ text: `VACUUM (FULL) ${name}`, query_timeout: LONG_MILLIS }]);
        }
      });
    } catch (error) {
      if (codeOf(error) !== LOCK_TIMEOUT) throw error;
    } finally {
      await client.query('RESET lock_timeout');
    }
  });
}
