/** Which sessions have logs of which project, and whether these sessions have an id: rows of `session_projects`. */
import type pg from 'pg';
import type { Statement, Value } from '../tables/connection.ts';
import { type Insertion, inLockOrder, insertRows } from '../tables/insert-rows.ts';
import type { Key } from '../tables/keys.ts';
import type { Layout } from '../tables/layout.ts';

const PROJECTS: Insertion = {
  table: 'session_projects',
  columns: ['bucket::smallint', 'session::uuid', 'project::bigint', 'created_at::timestamptz', 'has_id::boolean'],
  rest: 'ON CONFLICT DO NOTHING',
};

const HAS_ID = PROJECTS.columns.length - 1;

const SLICE = 5_000;

export interface ProjectPart extends Key {
  readonly values: Value[];
}

/**
 * Adds that the session has logs of the project. `hasId` is null where the writer does not know it: to look it up would
 * cost every write as much as the row itself.
 */
export function addProjectPart(parts: Map<string, ProjectPart>, { bucket, key }: Key, row: ProjectRow): void {
  const name = `${key} ${row.project}`;
  const other = parts.get(name);
  if (other) other.values[HAS_ID] ??= row.hasId;
  else parts.set(name, { bucket, key: name, values: [bucket, key, row.project, row.createdAt, row.hasId] });
}

interface ProjectRow {
  readonly project: number;
  readonly createdAt: string;
  readonly hasId: boolean | null;
}

/** To be sent behind what locks the rows of their sessions. On a distributed table nobody knows whether they have an id. */
export function insertProjects(parts: ReadonlyMap<string, ProjectPart>, layout: Layout): Statement[] {
  const rows = inLockOrder(parts.values(), layout, (part) => part).map(({ values }) => values);
  if (layout.isDistributed) for (const row of rows) row[HAS_ID] = null;
  return insertRows(PROJECTS, rows, layout);
}

/**
 * Says it of rows that do not say it yet. Rows that others have locked are left for the next time: whoever has them may
 * wait for others. So are those whose session is not there: it may just be deleted, and made again with an id.
 */
export async function settleProjects(client: pg.ClientBase, { isDistributed }: Layout): Promise<void> {
  for (let isLast = isDistributed; !isLast; ) {
    const { rowCount } = await client.query(
      `WITH known AS MATERIALIZED (SELECT part.ctid AS place, sessions.id IS NOT NULL AS has_id
         FROM session_projects AS part JOIN sessions ON sessions.bucket = part.bucket AND sessions.key = part.session
         WHERE part.has_id IS NULL LIMIT ${SLICE} FOR UPDATE OF part SKIP LOCKED)
       UPDATE session_projects AS part SET has_id = known.has_id FROM known WHERE part.ctid = known.place`,
    );
    isLast = (rowCount ?? 0) < SLICE;
  }
}
