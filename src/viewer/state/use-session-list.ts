/** The list of sessions at an address: its pages, and the changes that come into it. */
import { useCallback, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { SessionPage } from '../../server/store/viewer-store.ts';
import { request, type Subscribe } from './browser.ts';
import { takeFirstData } from './first-data.ts';
import { appendPage, EMPTY_LIST, mergeChanges, prependPage, type SessionList } from './session-list.ts';
import { type Filters, formatLocation, toApiQuery } from './view-location.ts';

const PAGE_SIZE = 60;
const CHANGES_MILLIS = 150;
/** Where many sessions change, the whole page is asked for again. */
const MANY_CHANGES_MILLIS = 400;
/** So it is in a search. */
const SEARCH_CHANGES_MILLIS = 800;
/** Sessions that are asked for by id. */
const MAX_NAMED = 50;
/** A version before all others. */
const NOTHING = -1;

interface Shown {
  /** Of the rows, which stay until those of the next address are there. */
  readonly address: string;
  readonly list: SessionList;
}

/** What was loaded last: going back to the list shows it at once. */
let remembered: Shown | undefined;

export function useSessionList(filters: Filters, subscribe: Subscribe) {
  const address = formatLocation({ page: 'sessions', filters });
  const [first] = useState<{ page?: SessionPage | undefined }>(() => ({ page: takeFirstData('sessions') }));
  const [shown, setShown] = useState<Shown | undefined>(() => {
    if (first.page) return { address, list: appendPage(EMPTY_LIST, first.page) };
    return remembered?.address === address ? remembered : undefined;
  });
  const [problem, setProblem] = useState('');
  const isLoading = useRef(false);
  const generation = useRef(0);
  /** The change up to which the list has everything. */
  const version = useRef(NOTHING);

  const fetchPage = useCallback(
    (more: Iterable<[string, string]>) => {
      const query = toApiQuery(filters, Date.now());
      for (const [name, value] of more) query.append(name, value);
      return request<SessionPage>(`/viewer/api/sessions?${query}`);
    },
    [address],
  );
  const change = useCallback(
    (to: (list: SessionList) => SessionList) =>
      setShown((now) => (now?.address === address ? { address, list: to(now.list) } : now)),
    [address],
  );
  const takeFirstPage = useCallback(
    (page: SessionPage) => {
      version.current = page.version;
      setShown((now) => ({ address, list: prependPage(now?.address === address ? now.list : EMPTY_LIST, page) }));
    },
    [address],
  );
  /** One page at a time; a page that comes after the address has changed is dropped. */
  const load = useCallback(
    async (more: Iterable<[string, string]>, take: (page: SessionPage) => void) => {
      const mine = generation.current;
      isLoading.current = true;
      try {
        const page = await fetchPage(more);
        if (mine !== generation.current) return;
        take(page);
        setProblem('');
      } catch (error) {
        if (mine === generation.current) setProblem((error as Error).message);
      } finally {
        if (mine === generation.current) isLoading.current = false;
      }
    },
    [fetchPage],
  );

  const loadMore = useCallback(() => {
    const next = shown?.address === address ? shown.list.next : null;
    if (next === null || isLoading.current) return;
    void load([...firstPage(), ['cursor', next]], (page) => change((list) => appendPage(list, page)));
  }, [shown, address, load, change]);

  useLayoutEffect(() => {
    generation.current += 1;
    version.current = first.page?.version ?? NOTHING;
    if (first.page) {
      first.page = undefined;
      return;
    }
    void load(firstPage(), takeFirstPage);
  }, [load, takeFirstPage]);

  useLayoutEffect(() => {
    if (shown) remembered = shown;
  }, [shown]);

  useLayoutEffect(() => {
    let waiting: Set<string> | null = new Set();
    let newest = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wait = () => {
      const millis = waiting === null ? MANY_CHANGES_MILLIS : CHANGES_MILLIS;
      timer ??= setTimeout(() => void apply(), filters.q ? SEARCH_CHANGES_MILLIS : millis);
    };
    const apply = async () => {
      timer = undefined;
      if (isLoading.current) return wait();
      const ids = waiting;
      const upTo = newest;
      waiting = new Set();
      if (upTo <= version.current) return;
      const isWhole = ids === null || ids.size > MAX_NAMED || filters.q || version.current === NOTHING;
      const mine = generation.current;
      isLoading.current = true;
      try {
        const page = await fetchPage(isWhole ? firstPage() : [...ids].map((id) => ['id', id]));
        if (mine !== generation.current) return;
        if (isWhole) return takeFirstPage(page);
        version.current = upTo;
        change((list) => mergeChanges(list, [...ids], page.sessions));
      } catch {
        // Asked for again with the next change, or when the server is back.
        waiting = null;
      } finally {
        if (mine === generation.current) isLoading.current = false;
      }
    };
    const stop = subscribe(({ sessions, version: at }) => {
      if (sessions === null) waiting = null;
      else for (const id of sessions) waiting?.add(id);
      newest = at;
      wait();
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [subscribe, fetchPage, change, takeFirstPage]);

  return { list: shown?.list, listAddress: shown?.address, problem, loadMore };
}

function firstPage(): [string, string][] {
  return [['size', String(PAGE_SIZE)]];
}
