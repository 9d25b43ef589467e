/** The loaded part of the session list, and how pages and changes come into it. Pure. */
import type { SessionPage, SessionSummary } from '../../server/store/viewer-store.ts';

export interface SessionList {
  readonly sessions: readonly SessionSummary[];
  /** Where the next page begins, as the server wrote it; `null` when the end is reached. */
  readonly next: string | null;
}

export const EMPTY_LIST: SessionList = { sessions: [], next: null };

/** The next page behind what is there. A search can find a session again, by an older log. */
export function appendPage(list: SessionList, page: SessionPage): SessionList {
  const known = new Set(list.sessions.map(({ id }) => id));
  return { sessions: [...list.sessions, ...page.sessions.filter(({ id }) => !known.has(id))], next: page.next };
}

/**
 * `fresh` is what the sessions `ids` are now; those that are not in it are gone or no longer meet the filters. Not for a
 * search, whose order is another one.
 */
export function mergeChanges(
  list: SessionList,
  ids: ReadonlySet<string>,
  fresh: readonly SessionSummary[],
): SessionList {
  const { next } = list;
  // What belongs behind the loaded part comes with its page.
  const here = next === null ? fresh : fresh.filter((session) => isLoaded(session, next));
  const kept = list.sessions.filter(({ id }) => !ids.has(id));
  return { sessions: [...kept, ...here].sort(newestFirst), next };
}

/** Whether the session stands before the place where the next page begins, `<last change> <key>`. */
function isLoaded({ updated_at: at, key }: SessionSummary, next: string): boolean {
  const [lastAt = '', lastKey] = next.split(' ');
  return at === lastAt ? key >= Number(lastKey) : at > lastAt;
}

/** As the server sorts: sessions of one time, as one request leaves them, must not change places. */
function newestFirst(left: SessionSummary, right: SessionSummary): number {
  if (left.updated_at !== right.updated_at) return left.updated_at > right.updated_at ? -1 : 1;
  return right.key - left.key;
}
