/** The loaded part of the session list, and how pages and changes come into it. Pure. */
import type { IndexLag, SessionPage, SessionSummary } from '../../server/store/viewer-store.ts';

export interface SessionList {
  readonly sessions: readonly SessionSummary[];
  /** The server's cursor to the next page; `null` when the end is reached. */
  readonly next: string | null;
  /** How far the search index is behind, as of the last page; absent if it is not. */
  readonly indexing?: IndexLag | undefined;
}

export const EMPTY_LIST: SessionList = { sessions: [], next: null };

/** Adds the next page. Sessions that are there already stay in place: a search can find one again, by an older log. */
export function appendPage(list: SessionList, page: SessionPage): SessionList {
  const known = new Set(list.sessions.map(({ id }) => id));
  const sessions = [...list.sessions, ...page.sessions.filter(({ id }) => !known.has(id))];
  return { sessions, next: page.next, ...(page.indexing && { indexing: page.indexing }) };
}

/**
 * Puts changed sessions in their places. `ids` are the sessions that changed, `fresh` what they are now; a session that
 * is not in `fresh` is gone or no longer meets the filters. Not for a search or a sort, which have other orders.
 */
export function mergeChanges(
  list: SessionList,
  ids: ReadonlySet<string>,
  fresh: readonly SessionSummary[],
  indexing?: IndexLag,
): SessionList {
  const { next } = list;
  // A session behind the loaded part comes with its page.
  const here = next === null ? fresh : fresh.filter((session) => isLoaded(session, next));
  const kept = list.sessions.filter(({ id }) => !ids.has(id));
  return { sessions: [...kept, ...here].sort(newestFirst), next, ...(indexing && { indexing }) };
}

/** Whether the session stands before the next page. Its cursor is `<end> <key>` of the session before it. */
function isLoaded({ ended_at: at, key }: SessionSummary, next: string): boolean {
  const [lastAt, lastKey] = next.split(' ').map(Number) as [number, number];
  return at === lastAt ? key >= lastKey : at > lastAt;
}

/** The server's order. Sessions that ended at the same time, as in one request, must not change places. */
function newestFirst(left: SessionSummary, right: SessionSummary): number {
  return right.ended_at - left.ended_at || right.key - left.key;
}
