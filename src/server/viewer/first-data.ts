/**
 * What the page would ask for first, put into it: its rows are there in the first frame, after one request instead of
 * two. In a data block, which a browser does not run, whatever its policy says.
 */
import type { FirstData, ViewerStore } from '../store/viewer-store.ts';
import { fillIn } from './page-template.ts';
import { parseSessionQuery } from './routes.ts';

/** Enough for a tall window; the page asks for what is behind them. */
const FIRST_SESSIONS = 40;
/** A larger session is asked for by the page, which says meanwhile that it is loading. */
const MAX_LOGS = 500;
/** The parts of the page's address that the list takes as they are; times can be relative to the reader's clock. */
const FILTERS = new Set(['q', 'project', 'model', 'type', 'error', 'feedback']);

/**
 * For the address of a page: the session that it shows, or the list where `id` is empty. Returns `undefined` where the
 * page has to ask for itself: the answer says what is wrong.
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

/** Texts in it were written by others: none can end the block, or begin a comment or a script in it. */
export function withFirstData(template: string, data: FirstData | undefined): string {
  const json = JSON.stringify(data ?? null).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return fillIn(template, 'firstData', json);
}
