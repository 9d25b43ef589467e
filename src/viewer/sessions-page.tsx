/** The list of sessions: newest first, as it changes, without end. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { SessionPage as Page, SessionSummary } from '../server/viewer-store.ts';
import { navigate, request, type Subscribe } from './browser.ts';
import { EmptyState } from './empty-state.tsx';
import { FilterBar } from './filter-bar.tsx';
import { toWords } from './mark-words.ts';
import { isTyping } from './search-box.tsx';
import { appendPage, EMPTY_LIST, mergeChanges, prependPage, type SessionList } from './session-list.ts';
import { SessionRow } from './session-row.tsx';
import { type Filters, formatLocation, toApiQuery } from './view-location.ts';
import { VirtualList } from './virtual-list.tsx';

const PAGE_SIZE = 60;
const CHANGES_MILLIS = 150;
/** A search is asked for again as a whole. */
const SEARCH_CHANGES_MILLIS = 800;
/** Sessions that are asked for by id. */
const MAX_NAMED = 50;
const CLOCK_MILLIS = 10_000;

/** What was loaded last: going back to the list shows it at once, where it was. */
let remembered: { address: string; list: SessionList; active: number } | undefined;

export function SessionsPage({ filters, subscribe }: { filters: Filters; subscribe: Subscribe }) {
  const address = formatLocation({ page: 'sessions', filters });
  const before = remembered?.address === address ? remembered : undefined;
  const [list, setList] = useState<SessionList | undefined>(before?.list);
  const [shown, setShown] = useState(before && address);
  const [problem, setProblem] = useState('');
  const [active, setActive] = useState(before?.active ?? -1);
  const [nowMillis, setNowMillis] = useState(Date.now);
  const rowHeight = useRowHeight();
  const isLoading = useRef(false);
  const generation = useRef(0);

  const fetchPage = useCallback(
    async (more: Record<string, string> | URLSearchParams) => {
      const query = toApiQuery(filters, Date.now());
      for (const [name, value] of new URLSearchParams(more)) query.append(name, value);
      return request<Page>(`/viewer/api/sessions?${query}`);
    },
    [address],
  );

  const reload = useCallback(async () => {
    const mine = ++generation.current;
    isLoading.current = true;
    try {
      const page = await fetchPage({ size: String(PAGE_SIZE) });
      if (mine !== generation.current) return;
      setList(appendPage(EMPTY_LIST, page));
      setShown(address);
      setProblem('');
    } catch (error) {
      if (mine === generation.current) setProblem((error as Error).message);
    } finally {
      if (mine === generation.current) isLoading.current = false;
    }
  }, [fetchPage]);

  const loadMore = useCallback(async () => {
    if (!list || list.next === null || isLoading.current) return;
    const mine = generation.current;
    isLoading.current = true;
    try {
      const page = await fetchPage({ size: String(PAGE_SIZE), cursor: list.next });
      if (mine === generation.current) setList((now) => appendPage(now ?? EMPTY_LIST, page));
    } catch (error) {
      setProblem((error as Error).message);
    } finally {
      if (mine === generation.current) isLoading.current = false;
    }
  }, [list, fetchPage]);

  useEffect(() => {
    void reload();
  }, [reload]);
  useEffect(() => {
    if (list) remembered = { address, list, active };
  }, [address, list, active]);

  useEffect(() => {
    let waiting: Set<string> | null = new Set();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const apply = async () => {
      const ids = waiting;
      waiting = new Set();
      timer = undefined;
      const mine = generation.current;
      if (ids === null || ids.size > MAX_NAMED || filters.q) {
        const first = await fetchPage({ size: String(PAGE_SIZE) }).catch(() => undefined);
        if (first && mine === generation.current) setList((now) => prependPage(now ?? EMPTY_LIST, first));
        return;
      }
      const page = await fetchPage(new URLSearchParams([...ids].map((id) => ['id', id]))).catch(() => undefined);
      if (page && mine === generation.current) setList((now) => now && mergeChanges(now, [...ids], page.sessions));
      setNowMillis(Date.now());
    };
    const stop = subscribe(({ sessions }) => {
      if (sessions === null) waiting = null;
      else for (const id of sessions) waiting?.add(id);
      timer ??= setTimeout(() => void apply(), filters.q ? SEARCH_CHANGES_MILLIS : CHANGES_MILLIS);
    });
    const clock = setInterval(() => setNowMillis(Date.now()), CLOCK_MILLIS);
    return () => {
      stop();
      clearTimeout(timer);
      clearInterval(clock);
    };
  }, [subscribe, fetchPage, reload]);

  const sessions = list?.sessions ?? [];
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (isTyping(event.target) || event.metaKey || event.ctrlKey || event.altKey) return;
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        event.preventDefault();
        const next = active + (event.key === 'ArrowDown' ? 1 : -1);
        setActive(Math.min(Math.max(next, 0), sessions.length - 1));
      } else if (event.key === 'Escape' && Object.keys(filters).length > 0) {
        navigate({ page: 'sessions', filters: {} });
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [active, sessions, filters]);

  const words = useMemo(() => toWords(filters.q ?? ''), [filters.q]);
  const renderRow = useMemo(
    () => (session: SessionSummary, index: number) => (
      <SessionRow session={session} index={index} isActive={index === active} nowMillis={nowMillis} words={words} />
    ),
    [active, nowMillis, words],
  );

  return (
    <main class="sessions">
      <h1 class="hidden">Sessions</h1>
      <FilterBar filters={filters} subscribe={subscribe} />
      {problem && (
        <p role="alert" class="problem banner">
          {problem}
        </p>
      )}
      {list && sessions.length === 0 && list.next === null ? (
        <EmptyState isFiltered={Object.keys(filters).length > 0} />
      ) : (
        <div
          class="session-table"
          role="table"
          aria-label="Sessions"
          aria-busy={shown !== address}
          aria-rowcount={list?.next === null ? sessions.length + 1 : -1}
        >
          <div class="session-head" role="row">
            <span role="columnheader" class="cell-text">
              Session
            </span>
            <span role="columnheader" class="cell-project">
              Project
            </span>
            <span role="columnheader" class="cell-number">
              Logs
            </span>
            <span role="columnheader" class="cell-number">
              Duration
            </span>
            <span role="columnheader" class="cell-tokens">
              Tokens
            </span>
            <span role="columnheader" class="cell-number cell-cost">
              Cost
            </span>
            <span role="columnheader" class="cell-age">
              Last change
            </span>
          </div>
          <VirtualList
            class="session-rows scroll"
            role="rowgroup"
            items={sessions}
            rowHeight={rowHeight}
            keyOf={({ id }) => id}
            renderRow={renderRow}
            activeIndex={active}
            onNearEnd={loadMore}
            footer={list && list.next !== null && <p class="loading">Loading…</p>}
          />
        </div>
      )}
    </main>
  );
}

/** Of `.session-row`, which is taller where the window is narrow. */
function useRowHeight(): number {
  const [query] = useState(() => matchMedia('(max-width: 700px)'));
  const [isNarrow, setIsNarrow] = useState(query.matches);
  useEffect(() => {
    const update = () => setIsNarrow(query.matches);
    query.addEventListener('change', update);
    return () => query.removeEventListener('change', update);
  }, []);
  return isNarrow ? 84 : 54;
}
