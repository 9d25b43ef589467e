/** Finds a session by what names it: ids and references of sessions and logs, and ids of traces. */
import type pg from 'pg';
import { storableText } from '../../storable-text.ts';
import type { Row } from '../tables/connection.ts';
import { fromId, sessionKey, traceRange, type Uuid } from '../tables/keys.ts';
import { FACETS } from '../tables/log-facts.ts';
import { type FoundSession, findCurrentSessions, findLogs, findReferences } from '../tables/lookups.ts';

export interface FoundName {
  readonly session: FoundSession;
  /** Where the name is that of a log. */
  readonly logId?: string;
}

/** No longer name can be stored. */
const MAX_NAME_CHARACTERS = 10_000;
/** As in the header `traceparent`. */
const TRACE = /^(?:[0-9a-f]{2}-)?([0-9a-f]{32})(?:-([0-9a-f]{16})(?:-[0-9a-f]{2})?)?$/i;

export async function findName(pool: pg.Pool, given = ''): Promise<FoundName | undefined> {
  const name = storableText(given.trim());
  if (name === '' || name.length > MAX_NAME_CHARACTERS) return undefined;
  const [, trace, span] = TRACE.exec(name) ?? [];
  const inTrace = trace?.toLowerCase();
  const references = [name, ...(inTrace && span ? [`${inTrace}-${span.toLowerCase()}`] : [])];
  const keys = [fromId('sesh', name), sessionKey(name).key].filter((key) => key !== undefined);
  const [sessions, found] = await Promise.all([findCurrentSessions(pool, keys), findReferences(pool, references)]);
  const session = keys.map((key) => sessions.get(key)).find((each) => each && each.id !== null);
  if (session) return { session };
  const named = [name, ...references.flatMap((reference) => found.get(reference) ?? [])];
  const logs = await findLogs(pool, named);
  const logId = named.find((id) => logs.has(id));
  if (logId !== undefined) return toFound(pool, logs.get(logId)!.session, logId);
  const ofTrace = (inTrace && (await findInTrace(pool, inTrace))) ?? (await findByTraceLabel(pool, inTrace ?? name));
  return ofTrace === undefined ? undefined : toFound(pool, ofTrace);
}

async function toFound(pool: pg.Pool, key: Uuid, logId?: string): Promise<FoundName | undefined> {
  const session = (await findCurrentSessions(pool, [key])).get(key);
  return session && { session, ...(logId !== undefined && { logId }) };
}

/** References of a trace are neighbours. */
async function findInTrace(pool: pg.Pool, trace: string): Promise<Uuid | undefined> {
  const { bucket, first, last } = traceRange(trace);
  const { rows } = await pool.query<Row>(
    `SELECT log_id FROM log_references
     WHERE bucket = $1::smallint AND reference BETWEEN $2::uuid AND $3::uuid AND log_id IS NOT NULL LIMIT 5`,
    [bucket, first, last],
  );
  const logs = await findLogs(
    pool,
    rows.map((row) => row['log_id'] as string),
  );
  return logs.values().next().value?.session;
}

/** Of logs whose metadata name the trace. */
async function findByTraceLabel(pool: pg.Pool, trace: string): Promise<Uuid | undefined> {
  const { rows } = await pool.query<Row>(
    `SELECT session FROM session_facets WHERE kind = ${FACETS.trace} AND value = $1 LIMIT 1`,
    [trace],
  );
  return rows[0]?.['session'] as Uuid | undefined;
}
