/**
 * Merges one session into another. The row of the first stays, and says into which; its logs stay where they are, since
 * a row cannot move to another shard, and are found by the `keys` of the second.
 */
import type pg from 'pg';
import { type Row, toSqlTime, type Value } from '../tables/connection.ts';
import { type Key, toKeyed, type Uuid } from '../tables/keys.ts';
import { whereKeys } from '../tables/row-keys.ts';

export interface Merge {
  readonly source: Key;
  readonly target: Key;
}

const READ = `SELECT * FROM sessions WHERE bucket = $1::smallint AND key = $2::uuid`;

/** Both rows are locked already. Resolves to whether it was done: a session that has an id of its own stays. */
export async function mergeSessions(client: pg.ClientBase, { source, target }: Merge): Promise<boolean> {
  const { rows } = await client.query<Row>(READ, [source.bucket, source.key]);
  const row = rows[0]!;
  if (row['id'] !== null || row['merged_into'] !== null) return false;
  await client.query(
    `UPDATE sessions SET merged_into = $3::uuid, logs = 0, errors = 0, running = 0 WHERE bucket = $1 AND key = $2::uuid`,
    [source.bucket, source.key, target.key],
  );
  await redirect(client, row['keys'] as Uuid[], { source, target });
  // The texts compare their ranks; a target without logs has no times of its own.
  await client.query(
    `UPDATE sessions SET keys = keys || $3::uuid[], buckets = buckets || $4::smallint[],
      first_day = least(first_day, $5::date), last_day = greatest(last_day, $6::date),
      started_at = CASE WHEN logs = 0 THEN $12::timestamptz WHEN $7::bigint = 0 THEN started_at
        ELSE least(started_at, $12::timestamptz) END,
      ended_at = CASE WHEN logs = 0 THEN $13::timestamptz WHEN $7::bigint = 0 THEN ended_at
        ELSE greatest(ended_at, $13::timestamptz) END,
      logs = logs + $7::bigint, errors = errors + $8::bigint, running = running + $9::bigint,
      prompt_tokens = coalesce(prompt_tokens + $10::float8, prompt_tokens, $10::float8),
      output_tokens = coalesce(output_tokens + $11::float8, output_tokens, $11::float8),
      cost = coalesce(cost + $14::float8, cost, $14::float8),
      log_id = coalesce(log_id, $15::text),
      first_input = CASE WHEN first_input_rank <= $17::text THEN first_input ELSE coalesce($16::text, first_input) END,
      first_input_rank = least(first_input_rank, $17::text),
      last_output = CASE WHEN last_output_rank > $19::text THEN last_output ELSE coalesce($18::text, last_output) END,
      last_is_error = CASE WHEN last_output_rank > $19::text THEN last_is_error
        ELSE coalesce($20::boolean, last_is_error) END,
      last_output_rank = greatest(last_output_rank, $19::text)
     WHERE bucket = $1 AND key = $2::uuid`,
    [
      ...[target.bucket, target.key, row['keys'], row['buckets'], row['first_day'], row['last_day'], row['logs']],
      ...[
        row['errors'],
        row['running'],
        row['prompt_tokens'],
        row['output_tokens'],
        toSqlTime(row['started_at'] as string),
        toSqlTime(row['ended_at'] as string),
      ],
      ...[row['cost'], row['log_id'], row['first_input'], row['first_input_rank'], row['last_output']],
      ...[row['last_output_rank'], row['last_is_error']],
    ],
  );
  return true;
}

/** What was merged into the source leads to the target at once: a chain would be followed step by step, and be endless. */
async function redirect(client: pg.ClientBase, keys: readonly Uuid[], { source, target }: Merge): Promise<void> {
  const others = keys.filter((key) => key !== source.key);
  if (others.length === 0) return;
  const values: Value[] = [target.key];
  const { sql } = whereKeys('bucket, key', others.map(toKeyed), values);
  await client.query(`UPDATE sessions SET merged_into = $1::uuid WHERE ${sql} AND merged_into IS NOT NULL`, values);
}

/** Resolves to the facets and projects of the source, which the target gets. */
export async function readParts(client: pg.ClientBase, { bucket, key }: Key) {
  const facets = await client.query<Row>(
    'SELECT kind, value FROM session_facets WHERE bucket = $1::smallint AND session = $2::uuid',
    [bucket, key],
  );
  const projects = await client.query<Row>(
    'SELECT project, created_at FROM session_projects WHERE bucket = $1::smallint AND session = $2::uuid',
    [bucket, key],
  );
  await client.query('DELETE FROM session_projects WHERE bucket = $1::smallint AND session = $2::uuid', [bucket, key]);
  await client.query('DELETE FROM session_facets WHERE bucket = $1::smallint AND session = $2::uuid', [bucket, key]);
  return { facets: facets.rows as { kind: number; value: string }[], projects: projects.rows as { project: number }[] };
}
