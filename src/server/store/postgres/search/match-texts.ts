/** Reads the texts of logs as a search has them: to verify what was found, and to show the words around a match. */
import type pg from 'pg';
import { parseJson } from '../../../../wire/json.ts';
import { createPauses } from '../../heavy-turns.ts';
import { MAX_METADATA_CHARACTERS } from '../../rows/log-labels.ts';
import { MAX_SEARCHED_CHARACTERS, plainText } from '../../rows/log-text.ts';
import type { Row } from '../tables/connection.ts';
import type { Uuid } from '../tables/keys.ts';
import { type ConfigFacts, type LogColumns, labelsOf, toTexts } from '../tables/log-facts.ts';
import { readPlaces } from '../tables/lookups.ts';

/** A longer document is cut by the database, and then not parsed. */
const MAX_BYTES = 1_000_000;
const MAX_AT_ONCE = 50;

export interface MatchText {
  readonly text: string;
  readonly metadata: string | null;
}

export async function readTexts(pool: pg.Pool, ids: readonly string[]): Promise<Map<string, MatchText>> {
  const found = new Map<string, MatchText>();
  const pause = createPauses();
  for (let at = 0; at < ids.length; at += MAX_AT_ONCE) {
    const slice = ids.slice(at, at + MAX_AT_ONCE);
    const within = (column: string, bytes: number) =>
      `CASE WHEN octet_length(${column}) <= ${bytes} THEN ${column} END AS ${column}`;
    const columns = `id, config, left(output, ${MAX_SEARCHED_CHARACTERS}) AS output,
        left(error, ${MAX_SEARCHED_CHARACTERS}) AS error, environment, source,
        ${['inputs', 'messages', 'output_message'].map((column) => within(column, MAX_BYTES)).join(', ')},
        ${within('metadata', MAX_METADATA_CHARACTERS)}`;
    const rows = await readPlaces(pool, { name: 'match texts', columns, table: 'logs' }, slice);
    if (rows.length === 0) continue;
    const [configs, comments] = await Promise.all([readConfigFacts(pool, rows), readComments(pool, slice)]);
    for (const row of rows) {
      const columns = row as LogColumns;
      const texts = toTexts(columns, configs.get(row['config'] as Uuid));
      const feedback = comments.get(row['id'] as string) ?? [];
      const text = `${plainText(texts)}\n${labelsOf(columns, feedback).words}`;
      found.set(row['id'] as string, { text, metadata: row['metadata'] as string | null });
      await pause();
    }
  }
  return found;
}

async function readConfigFacts(pool: pg.Pool, rows: readonly Row[]): Promise<Map<Uuid, ConfigFacts>> {
  const keys = [...new Set(rows.flatMap((row) => (row['config'] as Uuid | null) ?? []))];
  if (keys.length === 0) return new Map();
  const found = await pool.query<Row>('SELECT key, type, model, label FROM configs WHERE key = ANY($1::uuid[])', [
    keys,
  ]);
  return new Map(found.rows.map((row) => [row['key'] as Uuid, row as unknown as ConfigFacts]));
}

async function readComments(pool: pg.Pool, ids: readonly string[]) {
  const found = new Map<string, { type: string; value: unknown }[]>();
  const columns = 'log_id, type, value';
  for (const row of await readPlaces(pool, { name: 'match comments', columns, table: 'feedback' }, ids)) {
    const id = row['log_id'] as string;
    const entry = { type: row['type'] as string, value: parseJson(row['value'] as string) };
    found.set(id, [...(found.get(id) ?? []), entry]);
  }
  return found;
}
