/** Rows of sessions as the viewer's list has them. */
import type pg from 'pg';
import { toSummary } from '../../viewer-rows.ts';
import type { SessionSummary } from '../../viewer-store.ts';
import { pipelined, type Row, type Value, withConnection } from '../tables/connection.ts';
import { toKeyed, toNumber, type Uuid } from '../tables/keys.ts';
import { FACETS } from '../tables/log-facts.ts';
import { findSessions } from '../tables/lookups.ts';
import { whereKeys } from '../tables/row-keys.ts';

const NAME_CHARACTERS = 500;
const MAX_PROJECTS = 50;
const MAX_LABELS = 100;

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
      text: `SELECT session.key, coalesce(session.id, session.log_id) AS id, left(session.reference_id, ${NAME_CHARACTERS}) AS reference_id,
          logs AS logs_count, errors AS errors_count, running AS running_count, prompt_tokens, output_tokens, cost,
          started_at, extract(epoch FROM ended_at)::float8 AS ended_at, session.updated_at, first_input, last_output,
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
    const names = (namesOf.get(key) ?? []).slice(0, MAX_PROJECTS).map(({ name }) => name);
    const own = (labelsOf.get(key) ?? []).slice(0, MAX_LABELS);
    const summary = toSummary(
      {
        ...row,
        ...{
          id: row['id'] ?? firstLogs.get(key) ?? null,
          key: toNumber(key),
          projects: JSON.stringify(names),
          last_is_error: row['last_is_error'] ? 1 : 0,
        },
      } as never,
      own.map((label) => ({ kind: kinds[label['kind'] as number]!, value: label['value'] as string })),
    );
    byKey.set(key, summary);
  }
  return byKey;
}

/**
 * Where no log at the top has come yet, the first log stands for them all. Sessions without one are few: in the statement
 * that reads all sessions, it would be planned for the tables of all days.
 */
async function findFirstLogs(pool: pg.Pool, keys: readonly Uuid[]): Promise<Map<Uuid, string>> {
  if (keys.length === 0) return new Map();
  const sessions = [...(await findSessions(pool, keys)).values()];
  const statements = sessions.map(({ keys: own, buckets, firstDay, lastDay }) => ({
    text: `SELECT id FROM logs WHERE bucket = ANY($1::smallint[]) AND session = ANY($2::uuid[])
        AND day BETWEEN $3::date AND $4::date ORDER BY created_at, id LIMIT 1`,
    values: [[...new Set(buckets)], own, firstDay, lastDay],
  }));
  const results = await withConnection(pool, (client) => pipelined(client, statements));
  return new Map(
    sessions.flatMap(({ key }, index) => {
      const id = results[index]!.rows[0]?.['id'] as string | undefined;
      return id === undefined ? [] : [[key, id] as const];
    }),
  );
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
