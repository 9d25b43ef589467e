/** Makes the row of a session again from its logs, after something was taken away: sums, texts, facets and projects. */
import type pg from 'pg';
import { parseJson } from '../../../../wire/json.ts';
import { MAX_METADATA_CHARACTERS } from '../../rows/log-labels.ts';
import { pipelined, type Row, toSqlTime, type Value } from '../tables/connection.ts';
import { nextTimestamp } from '../tables/identifiers.ts';
import { type Insertion, inLockOrder, insertRows } from '../tables/insert-rows.ts';
import { type Key, randomKey, sessionKey, toKeyed } from '../tables/keys.ts';
import type { Layout } from '../tables/layout.ts';
import {
  type ConfigFacts,
  type Facet,
  facetsOf,
  type LogColumns,
  type RankedTexts,
  rankedTexts,
  toTexts,
} from '../tables/log-facts.ts';

/** Logs whose facets are read again; further ones keep none. */
const MAX_LOGS = 20_000;
/** So many logs are looked at for a text. */
const MAX_TEXTS = 20;

/** Without the days, the tables of all of them are asked. */
const OF_SESSION = `logs.bucket = ANY($1::smallint[]) AND logs.session = ANY($2::uuid[])
  AND logs.day BETWEEN $3::date AND $4::date`;

const SUMS = `SELECT count(*) AS logs, count(error) AS errors,
    count(*) FILTER (WHERE duration IS NULL AND output IS NULL AND error IS NULL) AS running,
    sum(prompt_tokens) AS prompt_tokens, sum(output_tokens) AS output_tokens,
    sum(coalesce(prompt_cost + output_cost, prompt_cost, output_cost)) AS cost, min(created_at) AS started_at,
    max(created_at + least(greatest(coalesce(duration, 0), 0), 1e9) * interval '1 second') AS ended_at,
    min(day) AS first_day, max(day) AS last_day, bool_or(id = $5::text) AS has_named
  FROM logs WHERE ${OF_SESSION}`;

const FACTS = `SELECT id, config, project, environment, trace, error IS NOT NULL AS has_error,
    CASE WHEN octet_length(metadata) < ${MAX_METADATA_CHARACTERS} THEN metadata END AS metadata
  FROM logs WHERE ${OF_SESSION} LIMIT ${MAX_LOGS}`;

const TEXT_COLUMNS = 'id, created_at, parent_id IS NULL AND parent_reference_id IS NULL AS is_top';
const FIRST = `SELECT ${TEXT_COLUMNS}, inputs, messages FROM logs
  WHERE ${OF_SESSION} AND (inputs IS NOT NULL OR messages IS NOT NULL) ORDER BY created_at, id LIMIT ${MAX_TEXTS}`;
const LAST = `SELECT ${TEXT_COLUMNS}, output, output_message, error FROM logs
  WHERE ${OF_SESSION} AND (output IS NOT NULL OR output_message IS NOT NULL OR error IS NOT NULL)
  ORDER BY (parent_id IS NULL AND parent_reference_id IS NULL) DESC, created_at DESC, id DESC LIMIT ${MAX_TEXTS}`;

const FACETS: Insertion = {
  table: 'session_facets',
  columns: ['bucket::smallint', 'session::uuid', 'kind::smallint', 'value::text'],
  rest: 'ON CONFLICT DO NOTHING',
};

interface LockedSession {
  readonly keys: string[];
  readonly buckets: number[];
  readonly first_day: string;
  readonly last_day: string;
  readonly reference_id: string | null;
  readonly log_id: string | null;
}

/**
 * Resolves to false if no log is left; the session is then gone. Its row must be locked. Its reference then names another
 * session if it is used again, or, where nothing of it stays (`forgets`), one with the same id.
 */
export async function recountSession(
  client: pg.ClientBase,
  layout: Layout,
  { bucket, key }: Key,
  forgets = true,
): Promise<boolean> {
  const { rows } = await client.query<Row>(
    `SELECT keys, buckets, first_day, last_day, reference_id, log_id FROM sessions
     WHERE bucket = $1::smallint AND key = $2::uuid FOR UPDATE`,
    [bucket, key],
  );
  if (!rows[0]) return false;
  const { keys, buckets, reference_id: reference, log_id: logId, ...found } = rows[0] as unknown as LockedSession;
  const days = [found.first_day, found.last_day] as const;
  const values = [[...new Set(buckets)], keys, ...days];
  const [sums, facts, first, last] = await pipelined(client, [
    { text: SUMS, values: [...values, logId] },
    ...[FACTS, FIRST, LAST].map((text) => ({ text, values })),
  ]);
  const sum = sums!.rows[0]!;
  if (sum['logs'] === 0) {
    await deleteSession(client, { bucket, key });
    if (reference !== null && !forgets) await redirectReference(client, { bucket, key }, reference);
    for (const merged of keys) if (merged !== key) await deleteSession(client, toKeyed(merged));
    return false;
  }
  const configs = await readConfigs(client, facts!.rows);
  const feedback = await readFeedback(client, facts!.rows, days);
  const [input, output] = [bestText(first!.rows, 'firstInput'), bestText(last!.rows, 'lastOutput')];
  const facets = new Map<string, Facet>();
  for (const row of facts!.rows) {
    const columns = { ...row, error: row['has_error'] ? '' : null } as LogColumns;
    const config = configs.get(row['config'] as string);
    for (const facet of facetsOf(columns, config, feedback.get(row['id'] as string) ?? [])) {
      facets.set(facet.join(' '), facet);
    }
  }
  await pipelined(client, [
    { text: 'DELETE FROM session_facets WHERE bucket = $1::smallint AND session = $2::uuid', values: [bucket, key] },
    {
      text: 'DELETE FROM session_projects WHERE bucket = $1::smallint AND session = $2::uuid AND NOT project = ANY($3)',
      values: [bucket, key, [...new Set(facts!.rows.map((row) => row['project'] as number))]],
    },
    ...insertRows(
      FACETS,
      inLockOrder(facets.values(), layout, ([kind, value]) => ({ bucket, key: `${kind} ${value}` })).map(
        ([kind, value]): Value[] => [bucket, key, kind, value],
      ),
      layout,
    ),
    {
      text: `UPDATE sessions SET logs = $3, errors = $4, running = $5, prompt_tokens = $6, output_tokens = $7, cost = $8,
          started_at = $9, ended_at = $10, first_day = $11, last_day = $12, first_input = $13, first_input_rank = $14,
          last_output = $15, last_output_rank = $16, last_is_error = $17, log_id = $18
        WHERE bucket = $1::smallint AND key = $2::uuid`,
      values: [
        ...[bucket, key, sum['logs'], sum['errors'], sum['running'], sum['prompt_tokens'], sum['output_tokens']],
        ...[sum['cost'], toSqlTime(sum['started_at'] as string), toSqlTime(sum['ended_at'] as string)],
        ...[sum['first_day'], sum['last_day']],
        ...[input?.firstInput ?? null, input?.firstInputRank ?? null],
        ...[output?.lastOutput ?? null, output?.lastOutputRank ?? null, output?.lastIsError ?? null],
        // Without the log at their top, the first one stands for them all.
        sum['has_named'] ? logId : null,
      ] as Value[],
    },
  ]);
  return true;
}

/**
 * The key of a session is made of its reference, so that a row has to say that this reference now means another key: as
 * if it were merged into a session that is not there yet. It has nothing of what was deleted, and is never removed.
 */
async function redirectReference(client: pg.ClientBase, gone: Key, reference: string): Promise<void> {
  const next = randomKey();
  const now = nextTimestamp();
  const first = sessionKey(reference);
  // Other servers may still take the session that is gone for the one of the reference.
  const redirected = first.key === gone.key ? [gone] : [first, gone];
  await pipelined(
    client,
    redirected.map(({ bucket, key }) => ({
      text: `INSERT INTO sessions (bucket, key, keys, buckets, merged_into, first_day, last_day, created_at, updated_at,
          changed_at, logs, errors, running, started_at, ended_at)
        VALUES ($1::smallint, $2::uuid, '{}', '{}', $3::uuid, 'infinity', 'infinity', $4, $4, clock_timestamp(), 0, 0, 0,
          $4, $4)
        ON CONFLICT (bucket, key) DO UPDATE SET merged_into = excluded.merged_into`,
      values: [bucket, key, next.key, now],
    })),
  );
}

async function deleteSession(client: pg.ClientBase, { bucket, key }: Key): Promise<void> {
  const values = [bucket, key];
  await pipelined(client, [
    { text: 'DELETE FROM session_facets WHERE bucket = $1::smallint AND session = $2::uuid', values },
    { text: 'DELETE FROM session_projects WHERE bucket = $1::smallint AND session = $2::uuid', values },
    { text: 'DELETE FROM sessions WHERE bucket = $1::smallint AND key = $2::uuid', values },
  ]);
}

async function readConfigs(client: pg.ClientBase, facts: readonly Row[]): Promise<Map<string, ConfigFacts>> {
  const keys = [...new Set(facts.flatMap((row) => (row['config'] as string | null) ?? []))];
  const { rows } = await client.query<Row>('SELECT key, type, model, label FROM configs WHERE key = ANY($1::uuid[])', [
    keys,
  ]);
  return new Map(rows.map((row) => [row['key'] as string, row as unknown as ConfigFacts]));
}

async function readFeedback(client: pg.ClientBase, facts: readonly Row[], days: readonly [string, string]) {
  const found = new Map<string, { type: string; value: unknown }[]>();
  const ids = facts.map((row) => row['id'] as string);
  const { rows } = await client.query<Row>(
    `SELECT log_id, type, value FROM feedback WHERE log_id = ANY($1::text[]) AND day BETWEEN $2::date AND $3::date`,
    [ids, ...days],
  );
  for (const row of rows) {
    const id = row['log_id'] as string;
    const entry = { type: row['type'] as string, value: parseJson(row['value'] as string) };
    found.set(id, [...(found.get(id) ?? []), entry]);
  }
  return found;
}

/** The rows come best first. */
function bestText(rows: readonly Row[], wanted: 'firstInput' | 'lastOutput'): RankedTexts | undefined {
  for (const row of rows) {
    const log = { id: row['id'] as string, createdAt: row['created_at'] as string, isTop: row['is_top'] as boolean };
    const texts = rankedTexts(toTexts(row as LogColumns), log);
    if (texts[wanted] !== undefined) return texts;
  }
  return undefined;
}
