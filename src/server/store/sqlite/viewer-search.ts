/** Full-text search: finds the sessions of the logs that have the words, newest log first. */
import type { SqliteValue } from '../../../sqlite/open.ts';
import type { SqliteReader } from '../../../sqlite/reader-threads.ts';
import { metadataPhrase } from '../log-labels.ts';
import { splitIdeographs } from '../log-text.ts';
import { hasWord, searchTerms } from '../search-query.ts';
import { storableText } from '../storable-text.ts';
import type { MetadataFilter } from '../viewer-store.ts';
import { MATCHES_PORTION, SCANS, type ViewerStatements } from './viewer-statements.ts';

/** One search looks at no more matching logs than this, portion by portion, until the page is full. */
const MAX_MATCHES = 2_000;
/** From logs to the tops of their trees, in one search. */
const MAX_CLIMBED = 10_000;
/** Length with its quotes; the shorter a term, the more words begin with it. */
const SHORTEST_BEGINNING = 5;

export interface FoundSession {
  readonly key: SqliteValue;
  /** The log in which a search found it. */
  readonly logKey?: SqliteValue;
}

export interface FoundSessions {
  readonly found: FoundSession[];
  readonly next: string | null;
}

export interface Wanted {
  /** Called once for each session. */
  readonly session: (key: SqliteValue) => boolean;
  readonly log: (key: SqliteValue) => boolean;
}

export async function searchFor(
  reader: SqliteReader,
  statements: ViewerStatements,
  expression: string,
  before: number,
  size: number,
  isWanted: Wanted,
): Promise<FoundSessions> {
  const found = new Map<SqliteValue, FoundSession>();
  const unwanted = new Set<SqliteValue>();
  const findTop = createTopFinder(statements);
  let last = before;
  for (let seen = 0; seen < MAX_MATCHES; seen += MATCHES_PORTION) {
    const rows = await reader.all(SCANS.listMatches, [expression, last]);
    for (const row of rows) {
      last = Number(row['key']);
      // The log was deleted meanwhile.
      if (row['id'] === null) continue;
      const session = row['session_key'] ?? (row['parent_key'] === null ? -last : findTop(row['parent_key']!));
      if (session === undefined || found.has(session) || unwanted.has(session)) continue;
      if (!isWanted.log(last)) continue;
      if (!isWanted.session(session)) {
        unwanted.add(session);
        continue;
      }
      found.set(session, { key: session, logKey: last });
      if (found.size === size) return { found: [...found.values()], next: String(last) };
    }
    if (rows.length < MATCHES_PORTION) return { found: [...found.values()], next: null };
  }
  return { found: [...found.values()], next: String(last) };
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

/** All words must be there, "quoted" ones as a phrase. Each is quoted, so that no character is an operator. */
export function toMatchExpressions(search: string, metadata: readonly MetadataFilter[] = []): string[] {
  const phrases = metadata.map((filter) => storableText(metadataPhrase(filter)).replaceAll('"', ' '));
  const words = searchTerms(storableText(search));
  const terms = [...phrases, ...words].filter(hasWord).map((term) => `"${splitIdeographs(term)}"`);
  if (terms.length === 0) return [];
  const all = terms.join(' ');
  return words.length > 0 && terms.at(-1)!.length >= SHORTEST_BEGINNING ? [all, `${all} *`] : [all];
}
