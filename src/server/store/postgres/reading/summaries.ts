/** Rows of sessions as the viewer's list has them. */
import type pg from 'pg';
import { toSummary } from '../../viewer-rows.ts';
import type { SessionSummary } from '../../viewer-store.ts';
import { pipelined, type Row, type Statement, type Value, withConnection } from '../tables/connection.ts';
import { toKeyed, toOrder, type Uuid } from '../tables/keys.ts';
import { FACETS } from '../tables/log-facts.ts';
import { type FoundSession, findSessions } from '../tables/lookups.ts';
import { whereKeys } from '../tables/row-keys.ts';

const NAME_CHARACTERS = 500;
const MAX_PROJECTS = 50;
const MAX_LABELS = 100;
/** Of a session whose first log is looked for together with those of others. */
const MAX_LOGS_TOGETHER = 200;

/** A session that is shown: not merged into another one, and not empty. */
export const IS_SHOWN = 'session.merged_into IS NULL AND session.logs > 0';

/** In the order of the keys. */
export async function readSummaries(pool: pg.Pool, keys: readonly Uuid[]): Promise<Map<Uuid, SessionSummary>> {
  if (keys.length === 0) return new Map();
  const values: Value[] = [];
  const { sql: where, name } = whereKeys('part.bucket, part.session', keys.map(toKeyed), values);
  const [sessions, projects, labels] = await Promise.all([
    pool.query<Row>({
      name: `summaries ${name}`,
      text: `SELECT session.key, coalesce(session.id, session.log_id) AS id,
          left(session.reference_id, ${NAME_CHARACTERS}) AS reference_id,
          logs AS logs_count, errors AS errors_count, running AS running_count, prompt_tokens, output_tokens, cost,
          started_at, extract(epoch FROM ended_at)::float8 AS ended_at,
          extract(epoch FROM ended_at - started_at)::float8 AS duration, session.updated_at, first_input, last_output,
          last_is_error
        FROM sessions AS session
        WHERE ${where.replace('part.bucket, part.session', 'session.bucket, session.key')} AND ${IS_SHOWN}`,
      values,
    }),
    pool.query<Row>({
      name: `projects of summaries ${name}`,
      text: `SELECT part.session, left(projects.name, ${NAME_CHARACTERS}) AS name FROM session_projects AS part
        JOIN projects ON projects.key = part.project WHERE ${where} ORDER BY projects.key`,
      values,
    }),
    pool.query<Row>({
      name: `labels of summaries ${name}`,
      text: `SELECT part.session, part.kind, part.value FROM session_facets AS part WHERE ${where}
        AND part.kind = ANY('{${FACETS.model},${FACETS.user},${FACETS.feedback}}'::smallint[])`,
      values,
    }),
  ]);
  const firstLogs = await findFirstLogs(
    pool,
    sessions.rows.flatMap((row) => (row['id'] === null ? [row['key'] as Uuid] : [])),
  );
  const namesOf = groupBy(projects.rows);
  const labelsOf = groupBy(labels.rows);
  const kinds: Record<number, string> = {
    [FACETS.model]: 'model',
    [FACETS.user]: 'user',
    [FACETS.feedback]: 'feedback',
  };
  const byKey = new Map<Uuid, SessionSummary>();
  for (const row of sessions.rows) {
    const key = row['key'] as Uuid;
    const id = row['id'] ?? firstLogs.get(key);
    if (id === undefined) continue;
    const names = (namesOf.get(key) ?? []).slice(0, MAX_PROJECTS).map(({ name }) => name);
    const own = (labelsOf.get(key) ?? []).slice(0, MAX_LABELS);
    const summary = toSummary(
      {
        ...row,
        ...{ id, key: toOrder(key), projects: JSON.stringify(names), last_is_error: row['last_is_error'] ? 1 : 0 },
      } as never,
      own.map((label) => ({ kind: kinds[label['kind'] as number]!, value: label['value'] as string })),
    );
    byKey.set(key, summary);
  }
  return byKey;
}

/**
 * Where no log at the top has come yet, the first log of their first day stands for them all. In the statement that reads
 * the sessions, it would be planned for the tables of all days. Leaves out those whose logs went meanwhile.
 */
async function findFirstLogs(pool: pg.Pool, keys: readonly Uuid[]): Promise<Map<Uuid, string>> {
  const sessions = [...(await findSessions(pool, keys)).values()];
  const found = await readFirstLogs(pool, sessions, ({ firstDay }) => [firstDay, firstDay]);
  // They were moved or deleted, and the day was not counted again.
  const others = sessions.filter(({ key }) => !found.has(key));
  const later = await readFirstLogs(pool, others, ({ firstDay, lastDay }) => [firstDay, lastDay]);
  return new Map([...found, ...later]);
}

type DaysOf = (session: FoundSession) => readonly [first: string, last: string];

async function readFirstLogs(
  pool: pg.Pool,
  sessions: readonly FoundSession[],
  daysOf: DaysOf,
): Promise<Map<Uuid, string>> {
  const groups = new Map<string, FoundSession[]>();
  for (const session of sessions) {
    const isSmall = session.keys.length === 1 && session.logs <= MAX_LOGS_TOGETHER;
    const name = isSmall ? daysOf(session).join(' ') : session.key;
    groups.set(name, [...(groups.get(name) ?? []), session]);
  }
  const statements = [...groups.values()].map((group) => toFirstLogs(group, daysOf(group[0]!)));
  if (statements.length === 0) return new Map();
  const results = await withConnection(pool, (client) => pipelined(client, statements));
  const shown = new Map(sessions.flatMap(({ key, keys: own }) => own.map((each) => [each, key] as const)));
  return new Map(
    results.flatMap(({ rows }) =>
      rows.map((row) => [shown.get(row['session'] as Uuid)!, row['id'] as string] as const),
    ),
  );
}

/** Of sessions of the same days: to plan a statement for each of them takes longer than to read all of their logs. */
function toFirstLogs(sessions: readonly FoundSession[], [first, last]: readonly [string, string]): Statement {
  const [{ keys, buckets }] = sessions as [FoundSession];
  const values: Value[] = [first, last];
  const ofDays = 'day BETWEEN $1::date AND $2::date';
  if (sessions.length === 1) {
    values.push([...new Set(buckets)], keys);
    return {
      text: `SELECT session, id FROM logs WHERE bucket = ANY($3::smallint[]) AND session = ANY($4::uuid[]) AND ${ofDays}
        ORDER BY created_at, id LIMIT 1`,
      values,
    };
  }
  const pairs = sessions.flatMap(({ keys: [key], buckets: own }) =>
    [...new Set(own)].map((bucket) => ({ bucket, key: key! })),
  );
  const { sql } = whereKeys('bucket, session', pairs, values);
  return {
    text: `SELECT DISTINCT ON (session) session, id FROM logs WHERE ${sql} AND ${ofDays}
      ORDER BY session, created_at, id`,
    values,
  };
}

function groupBy(rows: readonly Row[]): Map<Uuid, Row[]> {
  const groups = new Map<Uuid, Row[]>();
  for (const row of rows) {
    const group = groups.get(row['session'] as Uuid);
    if (group) group.push(row);
    else groups.set(row['session'] as Uuid, [row]);
  }
  return groups;
}

/** Resolves to the version that a page is up to date with: changes are seen `OVERLAP_MILLIS` later at most. */
export const OVERLAP_MILLIS = 5_000;

export async function readClock(pool: pg.Pool): Promise<{ version: number; asOf: string }> {
  const [result] = await pipelined(pool, [
    {
      name: 'clock',
      text: `SELECT clock_timestamp() - interval '${OVERLAP_MILLIS} milliseconds' AS as_of,
        floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint - ${OVERLAP_MILLIS * 1000} AS version`,
    },
  ]);
  const { version, as_of: asOf } = result!.rows[0]!;
  return { version: version as number, asOf: asOf as string };
}
