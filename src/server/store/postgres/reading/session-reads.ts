/** Sessions as the v4 API has them. */
import type pg from 'pg';
import { MAX_PROJECTS_OF_SESSION } from '../../log-limits.ts';
import { toProjectType } from '../../rows/config-response.ts';
import { addStoredFields } from '../../rows/log-json.ts';
import type { SessionResponse } from '../../store.ts';
import type { Row } from '../tables/connection.ts';
import { fromId, toKeyed, type Uuid } from '../tables/keys.ts';
import { findCurrentSessions } from '../tables/lookups.ts';

const MAX_COUNTED = 10_000;
const COLUMNS = 'key, id, reference_id, keys, buckets, first_day, last_day, created_at, updated_at, logs';
/** Without the days, the tables of all of them are asked. */
const LOGS = `FROM logs WHERE bucket = ANY($1::smallint[]) AND session = ANY($2::uuid[])
  AND day BETWEEN $3::date AND $4::date AND in_session`;

/** Of a project, without the rows of logs that are in no session. */
const ALL = `FROM session_projects AS part JOIN sessions ON sessions.bucket = part.bucket AND sessions.key = part.session
  WHERE part.project = $1 AND sessions.id IS NOT NULL`;
/** Those whose rows say that they have an id: the sessions need not be looked at. */
const KNOWN = 'FROM session_projects WHERE project = $1 AND has_id';
const UNKNOWN = `${ALL} AND part.has_id IS NULL`;
const NEWEST = 'ORDER BY part.created_at DESC, part.session DESC';
const PAGE = 'LIMIT $2 OFFSET $3';
const PAGE_OF_ALL = `${ALL} ${NEWEST} ${PAGE}`;
const PAGE_OF_KNOWN = `FROM (SELECT bucket, session, created_at ${KNOWN} ORDER BY created_at DESC, session DESC ${PAGE}) AS part
  JOIN sessions ON sessions.bucket = part.bucket AND sessions.key = part.session ${NEWEST}`;

export async function readSession(pool: pg.Pool, id: string): Promise<SessionResponse | undefined> {
  const key = fromId('sesh', id);
  const session = key && (await findCurrentSessions(pool, [key])).get(key);
  if (!session || session.id === null) return undefined;
  const { rows } = await pool.query<Row>(
    `SELECT ${COLUMNS} FROM sessions WHERE bucket = $1::smallint AND key = $2::uuid`,
    [toKeyed(session.key).bucket, session.key],
  );
  return rows[0] && (await toSession(pool, rows[0])).session;
}

/**
 * Newest first. Leaves out, but for the first, what would make more than `maxCharacters` of text: then a client asks for
 * smaller pages.
 */
export async function listSessions(
  pool: pg.Pool,
  projectKey: number,
  { page, size, maxCharacters }: { page: number; size: number; maxCharacters: number },
): Promise<{ total: number; records: SessionResponse[] }> {
  const skipped = (page - 1) * size;
  const maxTotal = Math.max(MAX_COUNTED, skipped + size + 1);
  const count = async (sessions: string): Promise<number> => {
    const text = `SELECT count(*) AS total FROM (SELECT 1 ${sessions} LIMIT ${maxTotal}) AS counted`;
    return (await pool.query<Row>(text, [projectKey])).rows[0]!['total'] as number;
  };
  const [known, unknown] = await Promise.all([count(KNOWN), count(UNKNOWN)]);
  if (known + unknown === 0) return { total: 0, records: [] };
  const columns = COLUMNS.replaceAll(/\b(key|id|created_at)\b/g, 'sessions.$1');
  const found = await pool.query<Row>(`SELECT ${columns} ${unknown === 0 ? PAGE_OF_KNOWN : PAGE_OF_ALL}`, [
    ...[projectKey, size, skipped],
  ]);
  const records: SessionResponse[] = [];
  let characters = 0;
  for (const row of found.rows) {
    const read = await toSession(pool, row);
    characters += read.characters;
    if (characters > maxCharacters && records.length > 0) break;
    records.push(read.session);
  }
  return { total: Math.min(known + unknown, maxTotal), records };
}

async function toSession(pool: pg.Pool, row: Row): Promise<{ session: SessionResponse; characters: number }> {
  const ofSession = [row['buckets'], row['keys'], row['first_day'], row['last_day']];
  const [projects, first, last] = await Promise.all([
    pool.query<Row>({
      name: 'projects of session',
      text: `SELECT projects.id, projects.name, config_type FROM session_projects AS part
        JOIN projects ON projects.key = part.project WHERE part.bucket = $1::smallint AND part.session = $2::uuid
        ORDER BY projects.key LIMIT ${MAX_PROJECTS_OF_SESSION}`,
      values: [toKeyed(row['key'] as Uuid).bucket, row['key']],
    }),
    pool.query<Row>({
      name: 'first of session',
      text: `SELECT inputs ${LOGS} ORDER BY created_at, id LIMIT 1`,
      values: ofSession,
    }),
    pool.query<Row>({
      name: 'last of session',
      text: `SELECT output ${LOGS} ORDER BY created_at DESC, id DESC LIMIT 1`,
      values: ofSession,
    }),
  ]);
  const inputs = first.rows[0]?.['inputs'] as string | null | undefined;
  const output = last.rows[0]?.['output'] as string | null | undefined;
  const session: SessionResponse = {
    id: row['id'] as string,
    ...(row['reference_id'] !== null && { reference_id: row['reference_id'] as string }),
    projects: projects.rows.map((project) => ({
      ...{ id: project['id'] as string, name: project['name'] as string },
      type: toProjectType(project['config_type']),
    })),
    datapoints_count: row['logs'] as number,
    ...(typeof output === 'string' && { last_output: output }),
    ...{ created_at: row['created_at'] as string, updated_at: row['updated_at'] as string },
  };
  addStoredFields(session as object as Record<string, unknown>, new Map(inputs ? [['first_inputs', inputs]] : []));
  const names = session.projects.reduce((sum, project) => sum + project.name.length, 0);
  return { session, characters: names + (inputs?.length ?? 0) + (output?.length ?? 0) };
}
