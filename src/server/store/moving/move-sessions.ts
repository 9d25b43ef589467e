/** Moves the rows of sessions, those without logs among them. Their sums come with the logs. All of it can be done again. */
import type { SqliteRow } from '../../../sqlite/open.ts';
import { pipelined, toSqlTime, type Value } from '../postgres/tables/connection.ts';
import { dayOf } from '../postgres/tables/identifiers.ts';
import { type Insertion, inLockOrder, insertRows } from '../postgres/tables/insert-rows.ts';
import type { Key } from '../postgres/tables/keys.ts';
import { storableText } from '../storable-text.ts';
import { sessionKeys } from './ids.ts';
import type { Source } from './source.ts';
import type { Target } from './target.ts';

const COLUMNS = [
  ...['bucket::smallint', 'key::uuid', 'id::text', 'reference_id::text', 'merged_into::uuid', 'keys::uuid[]'],
  ...['buckets::smallint[]', 'first_day::date', 'last_day::date', 'created_at::timestamptz', 'updated_at::timestamptz'],
  ...['changed_at::timestamptz', 'started_at::timestamptz', 'ended_at::timestamptz', 'logs::bigint', 'errors::bigint'],
  'running::bigint',
];

/** `keys` has the key of the id, too, so that the row that leads from there goes with the session. */
const SESSIONS: Insertion = {
  table: 'sessions',
  name: 'moved sessions',
  columns: COLUMNS,
  rest: `ON CONFLICT (bucket, key) DO UPDATE SET id = coalesce(sessions.id, excluded.id),
    reference_id = coalesce(sessions.reference_id, excluded.reference_id),
    keys = ARRAY(SELECT DISTINCT unnest(sessions.keys || excluded.keys)),
    created_at = least(sessions.created_at, excluded.created_at),
    updated_at = greatest(sessions.updated_at, excluded.updated_at)`,
};
const ALIASES: Insertion = {
  table: 'sessions',
  name: 'ids of moved sessions',
  columns: COLUMNS,
  rest: 'ON CONFLICT (bucket, key) DO NOTHING',
};

interface SessionRow extends Key {
  readonly values: Value[];
}

/** `onProgress` gets the number of rows that were written. */
export async function moveSessions(source: Source, target: Target, onProgress: (rows: number) => void): Promise<void> {
  for (;;) {
    const rows = source.statements.listSessions.all(target.place.sessions);
    if (rows.length === 0) return;
    const [sessions, aliases]: [SessionRow[], SessionRow[]] = [[], []];
    for (const row of rows) {
      const { key, alias } = sessionKeys(row['id'] as string, row['reference_id'] as string | null);
      const keys = alias && alias.key !== key.key ? [key.key, alias.key] : [key.key];
      sessions.push({ ...key, values: toValues(row, key, { keys }) });
      if (keys.length > 1) aliases.push({ ...alias!, values: toValues(row, alias!, { mergedInto: key.key }) });
    }
    await target.write({ ...target.place, sessions: Number(rows.at(-1)!['key']) }, async (client) => {
      const insert = (insertion: Insertion, of: readonly SessionRow[]) => {
        const values = inLockOrder(of, target.layout, (each) => each).map((each) => each.values);
        return insertRows(insertion, values, target.layout);
      };
      await pipelined(client, [...insert(SESSIONS, sessions), ...insert(ALIASES, aliases)]);
    });
    onProgress(rows.length);
  }
}

function toValues(row: SqliteRow, { key, bucket }: Key, to: { keys?: string[]; mergedInto?: string }): Value[] {
  const [created, updated] = [row['created_at'] as string, row['updated_at'] as string].map(toSqlTime) as [
    string,
    string,
  ];
  const day = dayOf(Date.parse(row['created_at'] as string));
  const reference = row['reference_id'] as string | null;
  const isAlias = to.mergedInto !== undefined;
  return [
    ...[bucket, key, isAlias ? null : (row['id'] as string)],
    ...[isAlias || reference === null ? null : storableText(reference), to.mergedInto ?? null],
    ...[to.keys ?? [key], [bucket], day, day, created, updated, updated, created, created, 0, 0, 0],
  ];
}
