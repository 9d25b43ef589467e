/** Finds the sessions of a list by filters and in an order. A search by words is in `word-search.ts`. */
import type pg from 'pg';
import { storableText } from '../../storable-text.ts';
import { toTimestamp } from '../../timestamps.ts';
import type { SessionQuery, SessionSort } from '../../viewer-store.ts';
import type { Catalog } from '../tables/catalog.ts';
import { type Row, toSqlTime, type Value } from '../tables/connection.ts';
import { fromId, toKeyed, toOrder, type Uuid } from '../tables/keys.ts';
import { FACETS } from '../tables/log-facts.ts';
import { type FoundSession, findCurrentSessions, findLogs } from '../tables/lookups.ts';
import { whereKeys } from '../tables/row-keys.ts';
import { IS_SHOWN } from './summaries.ts';

interface Order {
  readonly sql: string;
  readonly type: 'timestamptz' | 'float8';
  readonly isIndexed?: boolean;
  /** The place as the list shows it, with which a cursor begins: an open page compares it with sessions that change. */
  readonly shown?: string;
}

const ORDERS: Readonly<Record<SessionSort, Order>> = {
  activity: {
    ...{ sql: 'session.ended_at', type: 'timestamptz', isIndexed: true },
    shown: 'extract(epoch FROM session.ended_at)::float8',
  },
  started: { sql: 'session.started_at', type: 'timestamptz' },
  changed: { sql: 'session.changed_at', type: 'timestamptz', isIndexed: true },
  duration: { sql: 'extract(epoch FROM session.ended_at - session.started_at)::float8', type: 'float8' },
  // A session without a cost is below those that cost nothing.
  cost: { sql: 'coalesce(session.cost, -1)', type: 'float8' },
};

/**
 * Sessions that a page looks at, one portion after the other, before the planner decides how the others are found: it
 * takes several filters together for rarer than they are, and then reads all sessions that meet them.
 */
const WALKED = [200, 2_000];
/** A portion that fills less than such a part of a page has shown that they are rare. */
const RARE = 10;

export interface Conditions {
  /** Each with one parameter. */
  readonly sql: readonly string[];
  readonly values: readonly Value[];
  /** So many of them, the first ones, ask only for columns of the session. */
  readonly ownColumns: number;
  /** Each finds by an index what meets one of the conditions: the sessions, among others that are not shown. */
  readonly lists: readonly { readonly sql: string; readonly value: Value }[];
}

/** Resolves to `undefined` if no session can meet them. */
export async function toConditions(catalog: Catalog, query: SessionQuery): Promise<Conditions | undefined> {
  const [sql, values]: [string[], Value[]] = [[], []];
  const lists: { sql: string; value: Value }[] = [];
  const add = (value: Value): string => `$${values.push(value)}`;
  if (query.since !== undefined) sql.push(`session.ended_at >= ${add(toSqlTime(query.since))}::timestamptz`);
  if (query.until !== undefined) sql.push(`session.started_at <= ${add(toSqlTime(query.until))}::timestamptz`);
  if (query.minDuration !== undefined) {
    sql.push(`${ORDERS.duration.sql} >= ${add(query.minDuration)}::float8`);
  }
  const ownColumns = sql.length;
  if (query.project !== undefined) {
    const project = await catalog.lookUpProject({ name: storableText(query.project) });
    if (!project) return undefined;
    sql.push(`EXISTS (SELECT 1 FROM session_projects AS part WHERE part.bucket = session.bucket
      AND part.session = session.key AND part.project = ${add(project.key)})`);
    lists.push({ sql: 'SELECT session FROM session_projects WHERE project = $1', value: project.key });
  }
  const facets: [number, string | undefined][] = [
    ...([[FACETS.model, query.model]] as [number, string | undefined][]),
    [FACETS.type, query.type],
    [FACETS.error, query.hasError ? '*' : undefined],
    [FACETS.feedback, query.feedback],
    [FACETS.user, query.user],
    [FACETS.environment, query.environment],
  ];
  for (const [kind, value] of facets) {
    if (value === undefined) continue;
    sql.push(`EXISTS (SELECT 1 FROM session_facets AS facet WHERE facet.bucket = session.bucket
      AND facet.session = session.key AND facet.kind = ${kind} AND facet.value = ${add(storableText(value))})`);
    lists.push({
      sql: `SELECT session FROM session_facets WHERE kind = ${kind} AND value = $1`,
      value: storableText(value),
    });
  }
  return { sql, values, ownColumns, lists };
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The cursor of another order has another kind of place. */
function isPlace(place: string, type: Order['type']): boolean {
  return type === 'float8' ? Number.isFinite(Number(place)) : toTimestamp(place) === place;
}

export interface FoundSessions {
  readonly found: { readonly key: Uuid; readonly logId?: string }[];
  readonly next: string | null;
}

export async function listByOrder(pool: pg.Pool, query: SessionQuery, conditions: Conditions): Promise<FoundSessions> {
  const order = ORDERS[query.sort ?? 'activity'];
  const { ownColumns } = conditions;
  const own = { sql: conditions.sql.slice(0, ownColumns), values: conditions.values.slice(0, ownColumns) };
  const walked = order.isIndexed && conditions.sql.length > ownColumns ? WALKED : [];
  const found: OrderedSession[] = [];
  let cursor = query.cursor;
  for (const size of walked) {
    const portion = await readOrdered(pool, order, own, cursor, size);
    const wanted = await keepWanted(
      pool,
      portion.map(({ key }) => key),
      conditions,
    );
    found.push(...portion.filter(({ key }) => wanted.has(key)));
    if (portion.length < size || found.length >= query.size) return toPage(found, query.size);
    cursor = toCursor(portion.at(-1)!);
    if (found.length < query.size / RARE) break;
  }
  found.push(...(await readOrdered(pool, order, conditions, cursor, query.size - found.length)));
  return toPage(found, query.size);
}

interface OrderedSession {
  readonly key: Uuid;
  readonly place: string | number;
  readonly shown: number | null;
}

/** Reads sessions after the one that the cursor names. */
async function readOrdered(
  pool: pg.Pool,
  { sql: column, type, shown = 'NULL::float8' }: Order,
  conditions: Pick<Conditions, 'sql' | 'values'>,
  cursor: string | undefined,
  size: number,
): Promise<OrderedSession[]> {
  const values = [...conditions.values];
  const where = [IS_SHOWN, ...conditions.sql];
  if (cursor !== undefined) {
    const [place = '', key = ''] = cursor.split(' ').slice(-2);
    if (!isPlace(place, type) || !UUID.test(key)) return [];
    values.push(type === 'float8' ? Number(place) : toSqlTime(place), key);
    where.push(`(${column}, session.key) < ($${values.length - 1}::${type}, $${values.length}::uuid)`);
  }
  values.push(size);
  const { rows } = await pool.query<Row>(
    `SELECT session.key, ${column} AS place, ${shown} AS shown FROM sessions AS session WHERE ${where.join(' AND ')}
     ORDER BY ${column} DESC, session.key DESC LIMIT $${values.length}`,
    values,
  );
  return rows as unknown as OrderedSession[];
}

function toPage(found: readonly OrderedSession[], size: number): FoundSessions {
  const page = found.slice(0, size);
  return { found: page, next: page.length === size ? toCursor(page.at(-1)!) : null };
}

function toCursor({ place, key, shown }: OrderedSession): string {
  return `${shown === null ? '' : `${shown} ${toOrder(key)} `}${place} ${key}`;
}

/** Ids of sessions, and of logs that are in none. */
export async function listByIds(pool: pg.Pool, ids: readonly string[], conditions: Conditions): Promise<FoundSessions> {
  const keys = ids.flatMap((id) => fromId('sesh', id) ?? []);
  const logs = await findLogs(pool, ids);
  const current = await findCurrentSessions(pool, [...keys, ...[...logs.values()].map(({ session }) => session)]);
  const wanted = await keepWantedOf(pool, current.values(), conditions);
  return { found: [...wanted].map((key) => ({ key })), next: null };
}

/** As `keepWanted`, for sessions as they are now, which say themselves whether they are shown. */
export async function keepWantedOf(
  pool: pg.Pool,
  current: Iterable<FoundSession>,
  conditions: Conditions,
): Promise<Set<Uuid>> {
  const shown = new Set(Array.from(current, ({ key, logs }) => (logs > 0 ? [key] : [])).flat());
  return conditions.sql.length === 0 ? shown : keepWanted(pool, [...shown], conditions);
}

/** Resolves to those of the sessions that are shown and meet the conditions. */
export async function keepWanted(pool: pg.Pool, keys: readonly Uuid[], conditions: Conditions): Promise<Set<Uuid>> {
  if (keys.length === 0) return new Set();
  const values = [...conditions.values];
  const { sql } = whereKeys('session.bucket, session.key', keys.map(toKeyed), values);
  const { rows } = await pool.query<Row>(
    `SELECT session.key FROM sessions AS session WHERE ${[IS_SHOWN, ...conditions.sql, sql].join(' AND ')}`,
    values,
  );
  return new Set(rows.map((row) => row['key'] as Uuid));
}
