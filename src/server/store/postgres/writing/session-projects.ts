/** Which sessions have logs of which project, and whether these sessions have an id: rows of `session_projects`. */
import type pg from 'pg';
import type { Statement, Value } from '../tables/connection.ts';
import { type Insertion, insertRows } from '../tables/insert-rows.ts';
import type { Layout } from '../tables/layout.ts';

const PROJECTS: Insertion = {
  table: 'session_projects',
  columns: ['bucket::smallint', 'session::uuid', 'project::bigint', 'created_at::timestamptz'],
  rest: 'ON CONFLICT DO NOTHING',
};
/** A distributed table takes no subquery here. The row of the session is locked, and its id never changes. */
const PROJECTS_WITH_ID: Insertion = {
  ...PROJECTS,
  expressions: { has_id: '(SELECT id IS NOT NULL FROM sessions WHERE bucket = {bucket} AND key = {session})' },
};

const SLICE = 5_000;

/** To be sent behind what locks the rows of their sessions. */
export function insertProjects(rows: readonly Value[][], layout: Layout): Statement[] {
  return insertRows(layout.isDistributed ? PROJECTS : PROJECTS_WITH_ID, rows, layout);
}

/**
 * Says it of rows that do not say it yet. Rows that others have locked are left for the next time: whoever has them may
 * wait for others.
 */
export async function settleProjects(client: pg.ClientBase, { isDistributed }: Layout): Promise<void> {
  for (let isLast = isDistributed; !isLast; ) {
    const { rowCount } = await client.query(
      `UPDATE session_projects AS part SET has_id = coalesce((SELECT id IS NOT NULL FROM sessions
         WHERE sessions.bucket = part.bucket AND sessions.key = part.session), false)
       WHERE ctid = ANY(ARRAY(SELECT ctid FROM session_projects WHERE has_id IS NULL LIMIT ${SLICE}
         FOR UPDATE SKIP LOCKED))`,
    );
    isLast = (rowCount ?? 0) < SLICE;
  }
}
