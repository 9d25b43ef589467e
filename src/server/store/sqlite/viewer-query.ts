/**
 * Finds the sessions of a list. Every request reads a bounded number of rows: the cursor says where it stopped, and the
 * page may have fewer sessions than were asked for.
 */
import type { SqliteRow, SqliteValue } from '../../../sqlite/open.ts';
import type { SqliteReader } from '../../../sqlite/reader-threads.ts';
import type { Prepare } from '../../../sqlite/statement-cache.ts';
import { storableText } from '../storable-text.ts';
import type { SessionQuery } from '../viewer-store.ts';
import { type FoundSession, type FoundSessions, searchFor } from './viewer-search.ts';
import type { ViewerStatements } from './viewer-statements.ts';

/** One request walks through no more sessions than this. */
const MAX_WALKED = 20_000;
/** A filter with fewer sessions than this is answered by sorting them; one with more by walking the list. */
const MAX_SORTED = 4_000;

/** `undefined` if a filter is one that no session meets. */
type Conditions =
  | { readonly sql: string[]; readonly values: SqliteValue[]; readonly facets: SqliteValue[] }
  | undefined;

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
    if (query.search !== undefined) return search(reads, query, conditions);
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
    sql.push('summary.updated_at >= ?');
    values.push(query.since);
  }
  if (query.until !== undefined) {
    sql.push('summary.updated_at <= ?');
    values.push(query.until);
  }
  return { sql, values, facets };
}

function isRare(statements: ViewerStatements, facet: SqliteValue): boolean {
  return Number(statements.countSessionsOfFacet.get(facet, MAX_SORTED)!['count']) < MAX_SORTED;
}

/** Walks along the index of changes, newest first. */
async function walk(
  reader: SqliteReader,
  query: SessionQuery,
  conditions: NonNullable<Conditions>,
): Promise<FoundSessions> {
  const [before, beforeKey] = parseCursor(query.cursor) ?? [query.until ?? '~', Number.MAX_SAFE_INTEGER];
  const slice = `SELECT key, updated_at FROM session_summaries
    WHERE (updated_at, key) < (?, ?) AND updated_at >= ? ORDER BY updated_at DESC, key DESC`;
  const from = [before, beforeKey, query.since ?? ''];
  const rows = await reader.all(
    `SELECT key, updated_at FROM (${slice} LIMIT ${MAX_WALKED}) AS summary ${where(conditions.sql)} LIMIT ?`,
    [...from, ...conditions.values, query.size],
  );
  if (rows.length === query.size) return { found: rows.map(toFound), next: toCursor(rows.at(-1)!) };
  const [stop] = await reader.all(`${slice} LIMIT 1 OFFSET ${MAX_WALKED - 1}`, from);
  return { found: rows.map(toFound), next: stop ? toCursor(stop) : null };
}

/** Sorts all sessions of a rare filter. */
async function sort(
  reader: SqliteReader,
  query: SessionQuery,
  conditions: NonNullable<Conditions>,
  facet: SqliteValue,
): Promise<FoundSessions> {
  const [before, beforeKey] = parseCursor(query.cursor) ?? ['~', Number.MAX_SAFE_INTEGER];
  const rows = await reader.all(
    `SELECT summary.key, summary.updated_at FROM session_facets AS facet
     CROSS JOIN session_summaries AS summary ON summary.key = facet.session_key
     ${where(['facet.facet_key = ?', '(summary.updated_at, summary.key) < (?, ?)', ...conditions.sql])}
     ORDER BY summary.updated_at DESC, summary.key DESC LIMIT ?`,
    [facet, before, beforeKey, ...conditions.values, query.size],
  );
  return { found: rows.map(toFound), next: rows.length === query.size ? toCursor(rows.at(-1)!) : null };
}

function findByIds(prepare: Prepare, ids: readonly string[], conditions: NonNullable<Conditions>): FoundSessions {
  const one = prepare(
    `SELECT key, updated_at FROM session_summaries AS summary ${where([
      'key = coalesce((SELECT key FROM sessions WHERE id = ?), (SELECT -key FROM logs WHERE id = ?))',
      ...conditions.sql,
    ])}`,
  );
  const rows = ids.map((id) => one.get(id, id, ...conditions.values)).filter((row) => row !== undefined);
  return { found: rows.map(toFound), next: null };
}

/** Newest matching log first. A session is listed once, at its newest match. */
async function search(
  { prepare, statements, reader }: SessionReads,
  query: SessionQuery,
  conditions: NonNullable<Conditions>,
): Promise<FoundSessions> {
  const isWanted = prepare(`SELECT 1 FROM session_summaries AS summary ${where(['key = ?', ...conditions.sql])}`);
  return searchFor(reader, statements, query, (key) => !!isWanted.get(key, ...conditions.values));
}

function where(conditions: readonly string[]): string {
  return conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
}

function toFound(row: SqliteRow): FoundSession {
  return { key: row['key']! };
}

function toCursor(row: SqliteRow): string {
  return `${row['updated_at']} ${row['key']}`;
}

function parseCursor(cursor: string | undefined): [string, number] | undefined {
  if (cursor === undefined) return undefined;
  const [before = '', key] = cursor.split(' ');
  return [before, Number(key)];
}
