/** Full-text search: finds the sessions of the logs that have the words, newest log first. */
import type { SqliteValue } from '../../../sqlite/open.ts';
import { splitIdeographs } from '../log-text.ts';
import { MATCHES_PORTION, type ViewerStatements } from './viewer-statements.ts';

/** One search looks at no more matching logs than this, portion by portion, until the page is full. */
const MAX_MATCHES = 2_000;
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

export function searchFor(
  statements: ViewerStatements,
  expression: string,
  before: number,
  size: number,
  isWanted: (key: SqliteValue) => boolean,
): FoundSessions {
  const found = new Map<SqliteValue, FoundSession>();
  let last = before;
  for (let seen = 0; seen < MAX_MATCHES; seen += MATCHES_PORTION) {
    const rows = statements.listMatches.all(expression, last);
    for (const { key } of rows) {
      last = Number(key);
      const session = summaryKeyOf(statements, key!);
      if (session === undefined || found.has(session) || !isWanted(session)) continue;
      found.set(session, { key: session, logKey: key! });
      if (found.size === size) return { found: [...found.values()], next: String(last) };
    }
    if (rows.length < MATCHES_PORTION) return { found: [...found.values()], next: null };
  }
  return { found: [...found.values()], next: String(last) };
}

/** Climbs to the log at the top if there is no session. Returns `undefined` for a log that is gone. */
function summaryKeyOf(statements: ViewerStatements, key: SqliteValue): SqliteValue | undefined {
  let at = key;
  for (let depth = 0; depth < 1_000; depth += 1) {
    const row = statements.findLogByKey.get(at);
    if (!row) return undefined;
    if (row['session_key'] !== null) return row['session_key'];
    if (row['parent_key'] === null) return -Number(at);
    at = row['parent_key']!;
  }
  return undefined;
}

/** All words must be there, "quoted" ones as a phrase. Each is quoted, so that no character is an operator. */
export function toMatchExpressions(search: string): string[] {
  const terms = searchTerms(search).map((term) => `"${splitIdeographs(term)}"`);
  if (terms.length === 0) return [];
  const all = terms.join(' ');
  return terms.at(-1)!.length >= SHORTEST_BEGINNING ? [all, `${all} *`] : [all];
}

/** Splits like `toWords` in the viewer's mark-words.ts, which marks what was found: a test holds the two together. */
export function searchTerms(search: string): string[] {
  const terms = [...search.matchAll(/"([^"]+)"|[^\s"]+/g)].map(([text, phrase]) => phrase ?? text);
  // A term without a letter or digit has no word in it, and the engine would find nothing at all.
  return terms.filter((term) => /[\p{L}\p{N}]/u.test(term));
}
