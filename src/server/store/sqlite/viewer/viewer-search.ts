/**
 * Full-text search: finds the sessions that have all the words, whether in one log or in several, newest first. The
 * rarest word leads: its logs are looked at, and for each of their sessions whether it has the other words. Filters by
 * metadata are one term together, since all of them must hold for the same log.
 */
import type { SqliteRow, SqliteValue } from '../../../../sqlite/open.ts';
import type { SqliteReader } from '../../../../sqlite/reader-threads.ts';
import { createPauses } from '../../heavy-turns.ts';
import { hasMetadata, metadataPhrase } from '../../rows/log-labels.ts';
import { splitIdeographs } from '../../rows/log-text.ts';
import { hasWord, searchTerms } from '../../search-query.ts';
import { storableText } from '../../storable-text.ts';
import type { MetadataFilter, SessionQuery } from '../../viewer-store.ts';
import { inGroup, MATCHES_PORTION, SCANS, toMatchesSql, type ViewerStatements } from './viewer-statements.ts';

/** One search looks at no more matching logs than this, portion by portion, until the page is full. */
const MAX_MATCHES = 2_000;
/** Each portion is a round to another thread. */
const SHORTEST_PORTION = 20;
/** From logs to the tops of their trees, in one search. */
const MAX_CLIMBED = 10_000;
/** In characters; the shorter a term, the more words begin with it. */
const SHORTEST_BEGINNING = 3;

export interface FoundSession {
  readonly key: SqliteValue;
  /** The log in which a search found it. */
  readonly logKey?: SqliteValue;
}

export interface FoundSessions {
  readonly found: FoundSession[];
  readonly next: string | null;
}

export interface SearchReads {
  readonly reader: SqliteReader;
  readonly statements: ViewerStatements;
}

export type Search = Pick<SessionQuery, 'search' | 'metadata' | 'cursor' | 'size'>;

/** Where a search goes on: below this log, with the same terms and the same leading one. */
interface Place {
  readonly before: number;
  readonly variant: number;
  readonly leader: number;
  /** Whether these terms have found anything, on this page or one before. */
  readonly hasFound: boolean;
}

/** `isWanted` is called once for each session. */
export async function searchFor(
  reads: SearchReads,
  search: Search,
  isWanted: (key: SqliteValue) => boolean,
): Promise<FoundSessions> {
  const variants = toMatchTerms(search.search ?? '', search.metadata);
  const place = parsePlace(search.cursor);
  for (let variant = place?.variant ?? 0; variant < variants.length; variant += 1) {
    const terms = variants[variant]!;
    const start = place?.variant === variant ? place : await startOf(reads, terms, variant);
    const result = await searchFrom(reads, search, terms, start, isWanted);
    // The beginning of a word is tried only if no whole word is found: it looks at many more entries.
    if (start.hasFound || result.found.length > 0 || result.next !== null) return result;
  }
  return { found: [], next: null };
}

async function startOf(reads: SearchReads, terms: readonly string[], variant: number): Promise<Place> {
  return { before: Number.MAX_SAFE_INTEGER, variant, leader: await findRarest(reads, terms), hasFound: false };
}

/**
 * Of words that all have more logs than one search looks at, the one that is rarest among the newest logs: a page is
 * often full with these.
 */
async function findRarest({ reader }: SearchReads, terms: readonly string[]): Promise<number> {
  let [rarest, least, furthest] = [0, Number.POSITIVE_INFINITY, 0];
  for (let index = 0; index < terms.length && terms.length > 1; index += 1) {
    const [row] = await reader.all(SCANS.reachMatches, [terms[index]!, MAX_MATCHES]);
    const [count, oldest] = [Number(row!['count']), Number(row!['oldest'])];
    if (count < least || (count === least && oldest < furthest)) [rarest, least, furthest] = [index, count, oldest];
    if (count === 0) break;
  }
  return rarest;
}

async function searchFrom(
  reads: SearchReads,
  { metadata = [], size }: Search,
  terms: readonly string[],
  { before, variant, leader, hasFound }: Place,
  isWanted: (key: SqliteValue) => boolean,
): Promise<FoundSessions> {
  const leading = terms[leader];
  if (leading === undefined) return { found: [], next: null };
  const others = terms.filter((_, index) => index !== leader);
  const sql = toMatchesSql(others.length);
  const found = new Map<SqliteValue, FoundSession>();
  const unwanted = new Set<SqliteValue>();
  const findTop = createTopFinder(reads.statements);
  const meets = createMetadataCheck(reads, metadata, leader === 0 ? undefined : terms[0]!);
  let last = before;
  const end = (isOver: boolean): FoundSessions => ({
    found: [...found.values()],
    next: isOver ? null : `${last} ${variant} ${leader} ${hasFound || found.size > 0 ? 1 : 0}`,
  });
  // No more logs are looked at than are likely to fill the page: each of them may take a search of its own.
  let portion = Math.min(size, MATCHES_PORTION);
  for (let seen = 0; seen < MAX_MATCHES; seen += portion) {
    if (seen > 0) portion = Math.min(MATCHES_PORTION, MAX_MATCHES - seen, nextPortion(seen, found.size, size));
    const rows = await reads.reader.all(sql, [leading, last, portion, ...others]);
    for (const row of rows) {
      last = Number(row['key']);
      // The log was deleted meanwhile.
      if (row['id'] === null || row['has_all'] !== 1) continue;
      const session = row['session_key'] ?? (row['parent_key'] === null ? -last : findTop(row['parent_key']!));
      if (session === undefined || found.has(session) || unwanted.has(session)) continue;
      if (!isWanted(session)) {
        unwanted.add(session);
        continue;
      }
      if (!(await meets(row))) continue;
      found.set(session, { key: session, logKey: last });
      if (found.size === size) return end(false);
    }
    if (rows.length < portion) return end(true);
  }
  return end(false);
}

/** As many logs as fill the rest of the page if the next ones are like those that were seen, and some more. */
function nextPortion(seen: number, found: number, size: number): number {
  return SHORTEST_PORTION + Math.ceil((seen * (size - found)) / Math.max(1, found));
}

/**
 * Returns a function that says whether a match meets the filters by metadata: the log itself where these lead, and
 * otherwise any log of its session. `term` finds those that may, by their words; the filters are about whole values.
 */
function createMetadataCheck(
  { reader, statements }: SearchReads,
  metadata: readonly MetadataFilter[],
  term: string | undefined,
): (match: SqliteRow) => Promise<boolean> {
  const isMet = (json: SqliteValue | undefined) => hasMetadata(json, metadata);
  const pause = createPauses();
  const known = new Map<SqliteValue, boolean>();
  return async ({ key, session_key: session }) => {
    if (metadata.length === 0) return true;
    await pause();
    if (term === undefined) return isMet(statements.readMetadata.get(key!)?.['metadata']);
    const group = session ?? -Number(key);
    let isKnown = known.get(group);
    if (isKnown === undefined) {
      const rows = await reader.all(SCANS.listMetadata, [inGroup(term, group)]);
      isKnown = false;
      for (const row of rows) {
        await pause();
        isKnown = isMet(row['metadata']);
        if (isKnown) break;
      }
      known.set(group, isKnown);
    }
    return isKnown;
  };
}

function parsePlace(cursor: string | undefined): Place | undefined {
  if (cursor === undefined) return undefined;
  const [before = 0, variant = 0, leader = 0, found = 1] = cursor.split(' ').map(Number);
  return { before, variant, leader, hasFound: found === 1 };
}

/**
 * Returns a function that climbs from a log to the summary that it is shown in: that of its session, or of the log at
 * the top. `undefined` for a log that is gone, or where all climbs of the search together are too long.
 */
function createTopFinder(statements: ViewerStatements): (key: SqliteValue) => SqliteValue | undefined {
  const known = new Map<SqliteValue, SqliteValue | undefined>();
  let steps = 0;
  return (key) => {
    const passed: SqliteValue[] = [];
    let top: SqliteValue | undefined;
    for (let at = key; ; steps += 1) {
      if (known.has(at)) {
        top = known.get(at);
        break;
      }
      passed.push(at);
      const row = steps < MAX_CLIMBED ? statements.findLogByKey.get(at) : undefined;
      if (!row || row['session_key'] !== null || row['parent_key'] === null) {
        top = row && (row['session_key'] ?? -Number(at));
        break;
      }
      at = row['parent_key']!;
    }
    for (const each of passed) known.set(each, top);
    return top;
  };
}

/**
 * Returns what the engine searches for, term by term, that of the metadata first; and the same with the last word as the
 * beginning of one. Each is quoted, so that no character is an operator.
 */
export function toMatchTerms(search: string, metadata: readonly MetadataFilter[] = []): string[][] {
  const phrases = metadata.map((filter) => storableText(metadataPhrase(filter)).replaceAll('"', ' '));
  // There is no such entry in the index.
  if (!phrases.every(hasWord)) return [];
  const entries = phrases.length > 0 ? [`text : (${phrases.map(quote).join(' AND ')})`] : [];
  const words = searchTerms(storableText(search));
  const terms = [...entries, ...words.map((word) => `text : ${quote(word)}`)];
  if (terms.length === 0) return [];
  const last = words.at(-1);
  if (last === undefined || last.length < SHORTEST_BEGINNING) return [terms];
  return [terms, [...terms.slice(0, -1), `${terms.at(-1)} *`]];
}

function quote(words: string): string {
  return `"${splitIdeographs(words)}"`;
}
