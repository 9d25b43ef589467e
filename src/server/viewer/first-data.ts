/**
 * Puts into the page what it would ask for first: its rows are there in the first frame, after one request instead of
 * two. They are in a data block, which a browser never runs, whatever its policy says.
 */
import type { FirstData, ViewerStore } from '../store/viewer-store.ts';
import { fillIn } from './page-template.ts';
import { parseSessionQuery } from './routes.ts';

/** This many fill a tall window; the page asks for the rest. */
const FIRST_SESSIONS = 40;
/** The page asks for a larger session itself, and says meanwhile that it is loading. */
const MAX_LOGS = 500;
/**
 * Filters that the page's address and the list have in common. A time may be relative to the reader's clock, so it is
 * not one.
 */
const FILTERS = new Set([
  ...['q', 'project', 'model', 'type', 'error', 'feedback', 'user', 'environment', 'min_duration', 'sort'],
]);

/**
 * Reads the session that a page shows, or the list where `id` is empty. Returns `undefined` where the page has to ask:
 * the answer then says what is wrong.
 */
export async function readFirstData(
  viewer: ViewerStore,
  id: string,
  query: URLSearchParams,
): Promise<FirstData | undefined> {
  try {
    if (id === '') {
      if ([...query.keys()].some((name) => !FILTERS.has(name))) return undefined;
      return { sessions: await viewer.listSessions({ ...parseSessionQuery(query), size: FIRST_SESSIONS }) };
    }
    const { sessions } = await viewer.listSessions({ ids: [id], size: 1 });
    if (!sessions[0] || sessions[0].logs > MAX_LOGS) return undefined;
    const session = await viewer.readSession(id);
    return session && { session };
  } catch {
    return undefined;
  }
}

/** Others wrote the texts in the data: escaped, none can end the block, or begin a comment or a script in it. */
export function withFirstData(template: string, data: FirstData | undefined): string {
  const json = JSON.stringify(data ?? null).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return fillIn(template, 'firstData', json);
}
