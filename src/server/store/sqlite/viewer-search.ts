/** Full-text search: from words to the sessions of the logs that have them, newest log first. */
import type { SqliteValue } from '../../../sqlite/open.ts';
import { splitIdeographs } from '../log-text.ts';
import { MATCHES_PORTION, type ViewerStatements } from './viewer-statements.ts';

/** Matching logs that one search looks at, portion by portion, until the page is full. */
const MAX_MATCHES = 2_000;
/** With its quotes. Shorter ones begin too many words. */
const SHORTEST_BEGINNING = 5;

export interface FoundSession {
  readonly key: SqliteValue;
  /** Where a search found it. */
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

/** Up to the log at the top, where there is no session. */
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

/** All words must be there; "quoted" ones as a phrase. Each is quoted, so that no character has a meaning of its own. */
export function toMatchExpressions(search: string): string[] {
  const terms = searchTerms(search).map((term) => `"${splitIdeographs(term)}"`);
  if (terms.length === 0) return [];
  const all = terms.join(' ');
  return terms.at(-1)!.length >= SHORTEST_BEGINNING ? [all, `${all} *`] : [all];
}

/** The page marks what was found by the same words: `toWords` in the viewer's mark-words.ts must split alike. */
export function searchTerms(search: string): string[] {
  const terms = [...search.matchAll(/"([^"]+)"|[^\s"]+/g)].map(([text, phrase]) => phrase ?? text);
  // Without a letter or digit there is no word in it, and the engine would find nothing at all.
  return terms.filter((term) => /[\p{L}\p{N}]/u.test(term));
}
