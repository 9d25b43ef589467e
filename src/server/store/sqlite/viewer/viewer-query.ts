/**
 * Finds the sessions of a list. Every request reads a bounded number of rows: the cursor says where it stopped, and the
 * page may have fewer sessions than were asked for.
 */
import type { SqliteRow, SqliteValue } from '../../../../sqlite/open.ts';
import type { SqliteReader } from '../../../../sqlite/reader-threads.ts';
import type { Prepare } from '../../../../sqlite/statement-cache.ts';
import { storableText } from '../../storable-text.ts';
import type { SessionQuery, SessionSort } from '../../viewer-store.ts';
import { findName } from './viewer-names.ts';
import { type FoundSession, type FoundSessions, searchFor } from './viewer-search.ts';
import type { ViewerStatements } from './viewer-statements.ts';

/** One request walks through no more sessions than this. */
const MAX_WALKED = 20_000;
/** A filter with fewer sessions than this is answered by sorting them; one with more by walking the list. */
const MAX_SORTED = 4_000;

/** `undefined` if a filter is one that no session meets. */
type Conditions =
  | {
      readonly sql: string[];
      readonly values: SqliteValue[];
      readonly facets: SqliteValue[];
      /** Whether a condition is about more than the key of the summary. */
      readonly needsSummary: boolean;
    }
  | undefined;

/** Where a sort finds its order: a table with an index of these columns. */
interface Order {
  readonly table: 'session_summaries' | 'session_ranks';
  readonly column: string;
}

const ORDERS: Readonly<Record<SessionSort, Order>> = {
  activity: { table: 'session_summaries', column: 'ended_at' },
  started: { table: 'session_ranks', column: 'started' },
  changed: { table: 'session_ranks', column: 'changed' },
  duration: { table: 'session_ranks', column: 'duration' },
  cost: { table: 'session_ranks', column: 'cost' },
};
/** Above every value of a sort. */
const TOP = Number.MAX_VALUE;
const BOTTOM = -Number.MAX_VALUE;

export interface SessionReads {
  /** For single rows. */
  readonly prepare: Prepare;
  readonly statements: ViewerStatements;
  /** For scans. */
  readonly reader: SqliteReader;
}

export function createSessionFinder(reads: SessionReads): (query: SessionQuery) => Promise<FoundSessions> {
  const { prepare, statements, reader } = reads;
  return async (query) => {
    const conditions = toConditions(statements, query);
    if (!conditions) return { found: [], next: null };
    if (query.search !== undefined || query.metadata?.length) return search(reads, query, conditions);
    if (query.ids) return findByIds(prepare, query.ids, conditions);
    const rare = conditions.facets.find((facet) => isRare(statements, facet));
    return rare === undefined ? walk(reader, query, conditions) : sort(reader, query, conditions, rare);
  };
}

function toConditions(statements: ViewerStatements, query: SessionQuery): Conditions {
  const wanted: [string, string | undefined][] = [
    ['project', query.project],
    ['model', query.model],
    ['type', query.type],
    ['error', query.hasError ? '*' : undefined],
    ['feedback', query.feedback],
    ['user', query.user],
    ['environment', query.environment],
  ];
  const sql: string[] = [];
  const values: SqliteValue[] = [];
  const facets: SqliteValue[] = [];
  for (const [kind, value] of wanted) {
    if (value === undefined) continue;
    const facet = statements.findFacet.get(kind, storableText(value))?.['key'];
    if (facet === undefined) return undefined;
    facets.push(facet);
    sql.push('EXISTS (SELECT 1 FROM session_facets WHERE facet_key = ? AND session_key = summary.key)');
    values.push(facet);
  }
  if (query.since !== undefined) {
    sql.push('summary.ended_at >= ?');
    values.push(toSeconds(query.since));
  }
  if (query.until !== undefined) {
    sql.push('summary.started_at <= ?');
    values.push(query.until);
  }
  if (query.minDuration !== undefined) {
    sql.push(`summary.ended_at - unixepoch(summary.started_at, 'subsec') >= ?`);
    values.push(query.minDuration);
  }
  return { sql, values, facets, needsSummary: sql.length > facets.length };
}

function isRare(statements: ViewerStatements, facet: SqliteValue): boolean {
  return Number(statements.countSessionsOfFacet.get(facet, MAX_SORTED)!['count']) < MAX_SORTED;
}

/** Walks along the index of the order. */
async function walk(
  reader: SqliteReader,
  query: SessionQuery,
  conditions: NonNullable<Conditions>,
): Promise<FoundSessions> {
  const { table, column } = orderOf(query);
  const [before, beforeKey] = parseCursor(query.cursor) ?? [TOP, Number.MAX_SAFE_INTEGER];
  const last = column === 'ended_at' && query.since !== undefined ? toSeconds(query.since) : BOTTOM;
  const slice = `SELECT key, ${column} AS place FROM ${table}
    WHERE (${column}, key) < (?, ?) AND ${column} >= ? ORDER BY ${column} DESC, key DESC`;
  const bounds = [before, beforeKey, last];
  // Filters by facet need only the key; the wide rows of the summaries are read for times and durations alone.
  const from = conditions.needsSummary
    ? `(${slice} LIMIT ${MAX_WALKED}) AS slice CROSS JOIN session_summaries AS summary ON summary.key = slice.key`
    : `(${slice} LIMIT ${MAX_WALKED}) AS summary`;
  const filtered = `SELECT summary.key, place FROM ${from} ${where(conditions.sql)} LIMIT ?`;
  const rows = await reader.all(filtered, [...bounds, ...conditions.values, query.size]);
  if (rows.length === query.size) return { found: rows.map(toFound), next: toCursor(rows.at(-1)!) };
  const [stop] = await reader.all(`${slice} LIMIT 1 OFFSET ${MAX_WALKED - 1}`, bounds);
  return { found: rows.map(toFound), next: stop ? toCursor(stop) : null };
}

/** Sorts all sessions of a rare filter. */
async function sort(
  reader: SqliteReader,
  query: SessionQuery,
  conditions: NonNullable<Conditions>,
  facet: SqliteValue,
): Promise<FoundSessions> {
  const { table, column } = orderOf(query);
  const [before, beforeKey] = parseCursor(query.cursor) ?? [TOP, Number.MAX_SAFE_INTEGER];
  const ranks = table === 'session_ranks' ? 'JOIN session_ranks AS ranks ON ranks.key = summary.key' : '';
  const place = table === 'session_ranks' ? `ranks.${column}` : `summary.${column}`;
  const rows = await reader.all(
    `SELECT summary.key, ${place} AS place FROM session_facets AS facet
     CROSS JOIN session_summaries AS summary ON summary.key = facet.session_key ${ranks}
     ${where(['facet.facet_key = ?', `(${place}, summary.key) < (?, ?)`, ...conditions.sql])}
     ORDER BY place DESC, summary.key DESC LIMIT ?`,
    [facet, before, beforeKey, ...conditions.values, query.size],
  );
  return { found: rows.map(toFound), next: rows.length === query.size ? toCursor(rows.at(-1)!) : null };
}

function findByIds(prepare: Prepare, ids: readonly string[], conditions: NonNullable<Conditions>): FoundSessions {
  const one = prepare(
    `SELECT key FROM session_summaries AS summary ${where([
      'key = coalesce((SELECT key FROM sessions WHERE id = ?), (SELECT -key FROM logs WHERE id = ?))',
      ...conditions.sql,
    ])}`,
  );
  const rows = ids.map((id) => one.get(id, id, ...conditions.values)).filter((row) => row !== undefined);
  return { found: rows.map(toFound), next: null };
}

/** What has this name first, then the newest match. A session is listed once, at its newest match. */
async function search(
  reads: SessionReads,
  query: SessionQuery,
  conditions: NonNullable<Conditions>,
): Promise<FoundSessions> {
  const one = reads.prepare(`SELECT 1 FROM session_summaries AS summary ${where(['key = ?', ...conditions.sql])}`);
  const isWanted = (key: SqliteValue) => !!one.get(key, ...conditions.values);
  const name = query.metadata?.length ? undefined : findName(reads.statements, query.search);
  const named = name && isWanted(name.key) ? name : undefined;
  const isFirst = named && query.cursor === undefined;
  const size = Math.max(1, query.size - (isFirst ? 1 : 0));
  const result = await searchFor(reads, { ...query, size }, (key) => key !== named?.key && isWanted(key));
  return isFirst ? { ...result, found: [named, ...result.found] } : result;
}

function orderOf({ sort: name = 'activity' }: SessionQuery): Order {
  return ORDERS[name];
}

function where(conditions: readonly string[]): string {
  return conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
}

function toFound(row: SqliteRow): FoundSession {
  return { key: row['key']! };
}

function toSeconds(timestamp: string): number {
  return Date.parse(timestamp) / 1000;
}

function toCursor(row: SqliteRow): string {
  return `${row['place']} ${row['key']}`;
}

function parseCursor(cursor: string | undefined): [number, number] | undefined {
  if (cursor === undefined) return undefined;
  const [before, key] = cursor.split(' ');
  return [Number(before), Number(key)];
}
