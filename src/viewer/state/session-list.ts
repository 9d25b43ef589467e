/** The loaded part of the session list, and how changes come into it. Pure. */
import type { SessionPage, SessionSummary } from '../../server/store/viewer-store.ts';

export interface SessionList {
  readonly sessions: readonly SessionSummary[];
  /** `null` when the end is reached. */
  readonly next: string | null;
}

export const EMPTY_LIST: SessionList = { sessions: [], next: null };

/** The next page behind what is there. A search can find a session again, by an older log. */
export function appendPage(list: SessionList, page: SessionPage): SessionList {
  const known = new Set(list.sessions.map(({ id }) => id));
  return { sessions: [...list.sessions, ...page.sessions.filter(({ id }) => !known.has(id))], next: page.next };
}

/** The first page, read again, before what is there. Where the two have nothing in common there is a gap: start anew. */
export function prependPage(list: SessionList, page: SessionPage): SessionList {
  const fresh = new Set(page.sessions.map(({ id }) => id));
  const rest = list.sessions.filter(({ id }) => !fresh.has(id));
  const isJoined = rest.length < list.sessions.length;
  // A first page that is all there is has everything.
  return isJoined && page.next !== null
    ? { sessions: [...page.sessions, ...rest], next: list.next }
    : appendPage(EMPTY_LIST, page);
}

/** `fresh` is what the sessions `ids` are now; those that are not in it are gone or no longer meet the filters. */
export function mergeChanges(list: SessionList, ids: readonly string[], fresh: readonly SessionSummary[]): SessionList {
  const changed = new Set(ids);
  const kept = list.sessions.filter(({ id }) => !changed.has(id));
  const sessions = [...kept, ...fresh].sort(newestFirst);
  // What sorts behind the last loaded one comes with its page.
  const last = list.sessions.at(-1);
  if (list.next === null || !last) return { ...list, sessions };
  return { ...list, sessions: sessions.filter((session) => newestFirst(session, last) <= 0) };
}

/** As the server sorts: those of one time, as one request leaves them, must not change places. */
function newestFirst(left: SessionSummary, right: SessionSummary): number {
  if (left.updated_at !== right.updated_at) return left.updated_at > right.updated_at ? -1 : 1;
  return right.key - left.key;
}
