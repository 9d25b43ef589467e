/** One session as the viewer shows it: its logs in portions, and their export. */
import type pg from 'pg';
import type { LogResponse } from '../../../../wire/v4.ts';
import { countCharacters } from '../../rows/row-size.ts';
import { toTimestamp } from '../../timestamps.ts';
import { toConfigLabel, toSessionLog } from '../../viewer-rows.ts';
import type { SessionExport, SessionLog, SessionLogs, SessionPortion } from '../../viewer-store.ts';
import { type Row, toSqlTime } from '../tables/connection.ts';
import { orderOf } from '../tables/identifiers.ts';
import { fromId, toNumber, type Uuid } from '../tables/keys.ts';
import { type FoundSession, findCurrentSessions, findLogs } from '../tables/lookups.ts';
import type { LogReads } from './log-reads.ts';
import { findParents, toChild } from './parents.ts';
import { readClock, readSummaries } from './summaries.ts';

const PORTION = 600;
const MAX_PORTION_CHARACTERS = 512 * 1024;
const MAX_EXPORT_LOGS = 200;
const MAX_EXPORT_CHARACTERS = 4 * 1024 * 1024;
const NAME_CHARACTERS = 500;
/** A list shows the newest feedback of a log, without long comments. */
const MAX_FEEDBACK = 200;

const LOG_COLUMNS = `id, parent_id, left(parent_reference_id, ${NAME_CHARACTERS}) AS parent_reference_id, parent_cut,
  left(reference_id, 50) AS reference_id, logs.created_at, logs.updated_at, left(output, 160) AS output,
  left(error, 300) AS error, duration, (duration IS NULL AND output IS NULL AND error IS NULL) AS is_running,
  prompt_tokens, output_tokens, coalesce(prompt_cost + output_cost, prompt_cost, output_cost) AS cost, config, trace,
  CASE WHEN output IS NULL THEN called END AS calls,
  (SELECT left(name, ${NAME_CHARACTERS}) FROM projects WHERE projects.key = logs.project) AS project`;

const OF_SESSION = `bucket = ANY($1::smallint[]) AND session = ANY($2::uuid[])
  AND day BETWEEN $3::date AND $4::date AND (logs.created_at, id) > ($5::timestamptz, $6::text)`;
const FIRST_TIME = '-infinity';

/** Finds a session by its own id, or by that of a log that is in none. */
export async function findShown(pool: pg.Pool, id: string): Promise<FoundSession | undefined> {
  const own = fromId('sesh', id);
  const key = own ?? (await findLogs(pool, [id])).get(id)?.session;
  const session = key === undefined ? undefined : (await findCurrentSessions(pool, [key])).get(key);
  return own !== undefined && session?.id === null ? undefined : session;
}

export async function readSessionLogs(
  pool: pg.Pool,
  reads: LogReads,
  id: string,
  { changedSince, cursor }: SessionPortion,
): Promise<SessionLogs | undefined> {
  const session = await findShown(pool, id);
  if (!session) return undefined;
  // Read first: all changes up to its time are in the logs that are read after it.
  const { version, asOf } = await readClock(pool);
  const { rows } = await pool.query<Row>({
    name: 'logs of session',
    text: `SELECT ${LOG_COLUMNS} FROM logs WHERE ${OF_SESSION} AND ($7::timestamptz IS NULL OR logs.updated_at >= $7
        OR EXISTS (SELECT 1 FROM feedback WHERE feedback.day = logs.day AND feedback.bucket = logs.bucket
          AND feedback.log_id = logs.id))
      ORDER BY logs.created_at, id LIMIT ${PORTION}`,
    values: [...placeOf(session, cursor), changedSince ? toSqlTime(changedSince) : null],
  });
  const within: Row[] = [];
  let characters = 0;
  for (const row of rows) {
    characters += countCharacters(row as never);
    if (characters > MAX_PORTION_CHARACTERS && within.length > 0) break;
    within.push(row);
  }
  const isLast = within.length === rows.length && rows.length < PORTION;
  const logs = await toSessionLogs(pool, reads, within);
  const configs = await readLabels(
    pool,
    within.flatMap((row) => (row['config'] as Uuid | null) ?? []),
  );
  // Read last, so that its sums include the logs.
  const summary = (await readSummaries(pool, [session.key])).get(session.key);
  if (!summary) return undefined;
  const last = within.at(-1);
  return {
    ...{ session: summary, total: summary.logs, logs, configs },
    next: isLast ? null : `${last!['created_at']} ${last!['id']}`,
    ...{ as_of: asOf, version },
  };
}

/** A time that no store has made is the beginning. */
function placeOf({ buckets, keys, firstDay, lastDay }: FoundSession, cursor = ''): unknown[] {
  const [time = '', id = ''] = cursor.split(' ');
  return [
    [...new Set(buckets)],
    keys,
    firstDay,
    lastDay,
    toTimestamp(time) === time ? toSqlTime(time) : FIRST_TIME,
    id,
  ];
}

async function toSessionLogs(pool: pg.Pool, reads: LogReads, rows: readonly Row[]): Promise<SessionLog[]> {
  const [feedback, parents] = await Promise.all([
    reads.readFeedback(
      rows.map((row) => row['id'] as string),
      NAME_CHARACTERS,
    ),
    findParents(pool, rows.map(toChild)),
  ]);
  return rows.map((row) => {
    const id = row['id'] as string;
    const parent = parents.get(id);
    const config = row['config'] as Uuid | null;
    return toSessionLog({
      ...row,
      ...{ key: orderOf(id), parent_key: parent ? orderOf(parent.id) : null },
      ...{ config_key: config === null ? null : toNumber(config), is_running: row['is_running'] ? 1 : 0 },
      feedback: JSON.stringify((feedback.get(id) ?? []).slice(-MAX_FEEDBACK).map(toListed)),
    } as never);
  });
}

function toListed(entry: object): object {
  const { type, value } = entry as { type: string; value: unknown };
  return { type, value };
}

async function readLabels(pool: pg.Pool, keys: readonly Uuid[]): Promise<SessionLogs['configs']> {
  const wanted = [...new Set(keys)];
  if (wanted.length === 0) return {};
  const { rows } = await pool.query<Row>({
    name: 'labels of configs',
    text: `SELECT key, type, left(model, ${NAME_CHARACTERS}) AS model, label FROM configs WHERE key = ANY($1::uuid[])`,
    values: [wanted],
  });
  return Object.fromEntries(rows.map((row) => [toNumber(row['key'] as Uuid), toConfigLabel(row as never)]));
}

export async function exportSession(
  pool: pg.Pool,
  reads: LogReads,
  id: string,
  cursor: string | undefined,
): Promise<SessionExport | undefined> {
  const session = await findShown(pool, id);
  if (!session) return undefined;
  const { rows } = await pool.query<Row>({
    name: 'ids of session',
    text: `SELECT id, logs.created_at FROM logs WHERE ${OF_SESSION} ORDER BY logs.created_at, id
      LIMIT ${MAX_EXPORT_LOGS + 1}`,
    values: placeOf(session, cursor),
  });
  const page = rows.slice(0, MAX_EXPORT_LOGS);
  const records: LogResponse[] = await reads.read(
    page.map((row) => row['id'] as string),
    MAX_EXPORT_CHARACTERS,
  );
  const lastId = records.at(-1)?.['id'];
  const last = page.find((row) => row['id'] === lastId);
  const isLast = !last || last === rows.at(-1);
  return { records, next: isLast ? null : `${last['created_at']} ${last['id']}` };
}
