/** Reads logs as they were requested, for `ingest`. */
import type pg from 'pg';
import type { LogRequest } from '../../../../wire/v4.ts';
import { toLogRequest } from '../../rows/stored-log.ts';
import type { Row } from '../tables/connection.ts';
import type { Uuid } from '../tables/keys.ts';
import { findCurrentSessions, findReferences, LOG_COLUMNS, readPlaces } from '../tables/lookups.ts';

/** Resolves to the logs that are there, by reference. */
export async function readStoredLogs(
  client: pg.ClientBase,
  references: readonly string[],
): Promise<Map<string, LogRequest>> {
  const ids = await findReferences(client, references);
  const rows = await readPlaces(
    client,
    {
      ...{ name: 'read stored logs', table: 'logs', join: 'JOIN projects ON projects.key = logs.project' },
      columns: `${LOG_COLUMNS}, projects.name AS project_name`,
    },
    ids.values(),
  );
  if (rows.length === 0) return new Map();
  const configs = await readConfigs(client, rows);
  const sessions = await findCurrentSessions(
    client,
    rows.flatMap((row) => (row['in_session'] ? [row['session'] as Uuid] : [])),
  );
  const byId = new Map(rows.map((row) => [row['id'] as string, row]));
  const logs = new Map<string, LogRequest>();
  for (const [reference, id] of ids) {
    const row = byId.get(id);
    if (!row) continue;
    const session = sessions.get(row['session'] as Uuid);
    const config = configs.get(row['config'] as Uuid) ?? null;
    const stored = { ...row, config, project: row['project_name'], session_reference_id: session?.referenceId ?? null };
    logs.set(reference, toLogRequest(stored));
  }
  return logs;
}

async function readConfigs(client: pg.ClientBase, logs: readonly Row[]): Promise<Map<Uuid, string>> {
  const keys = [...new Set(logs.flatMap((row) => (row['config'] as Uuid | null) ?? []))];
  if (keys.length === 0) return new Map();
  const { rows } = await client.query<Row>({
    name: 'read stored configs',
    text: 'SELECT key, content FROM configs WHERE key = ANY($1::uuid[])',
    values: [keys],
  });
  return new Map(rows.map((row) => [row['key'] as Uuid, row['content'] as string]));
}
