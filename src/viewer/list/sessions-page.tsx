/** The page with the list of sessions: newest first, live, more rows as the reader scrolls. */
import { useCallback, useEffect, useLayoutEffect, useMemo, useState } from 'preact/hooks';
import type { SessionSummary } from '../../server/store/viewer-store.ts';
import { hasModifier, isTyping, useKeyDown } from '../parts/keyboard.ts';
import { SkeletonRows } from '../parts/skeleton-rows.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { navigate } from '../state/address.ts';
import type { Subscribe } from '../state/live-source.ts';
import { useLiveList } from '../state/use-live-list.ts';
import { type Filters, formatLocation } from '../state/view-location.ts';
import { EmptyState } from './empty-state.tsx';
import { FilterBar } from './filter-bar.tsx';
import { IndexingNote } from './indexing-note.tsx';
import { ListHead } from './list-head.tsx';
import { toWords } from './mark-words.ts';
import { SessionRow } from './session-row.tsx';

const CLOCK_MILLIS = 5_000;
const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 };

/** The row where the reader was; going back to the list restores it. */
let remembered: { address: string; active: string | undefined } | undefined;

export function SessionsPage({ filters, subscribe }: { filters: Filters; subscribe: Subscribe }) {
  const address = formatLocation({ page: 'sessions', filters });
  const { list, address: listAddress, problem, loadMore } = useLiveList(filters, subscribe);
  /** An id, not an index: rows move while the reader looks at one. */
  const [active, setActive] = useState(remembered?.address === address ? remembered.active : undefined);
  const nowMillis = useClock();
  const rowHeight = useRowHeight();
  useLayoutEffect(() => {
    remembered = { address, active };
  }, [address, active]);

  const sessions = list?.sessions ?? [];
  const activeIndex = sessions.findIndex(({ id }) => id === active);
  useKeyDown((event) => {
    if (isTyping(event.target) || hasModifier(event)) return;
    const step = STEPS[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const next = activeIndex + step;
      setActive(sessions[Math.min(Math.max(next, 0), sessions.length - 1)]?.id);
    } else if (event.key === 'Escape' && Object.keys(filters).length > 0) {
      navigate({ page: 'sessions', filters: {} });
    }
  });

  const words = useMemo(() => toWords(filters.q ?? ''), [filters.q]);
  const renderRow = useCallback(
    (session: SessionSummary, index: number) => (
      <SessionRow
        session={session}
        index={index}
        isActive={session.id === active}
        nowMillis={nowMillis}
        words={words}
        filters={filters}
        onFocus={setActive}
      />
    ),
    [active, nowMillis, words, filters],
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
      <IndexingNote lag={list?.indexing} />
      {list && sessions.length === 0 && list.next === null ? (
        <EmptyState isFiltered={Object.keys(filters).length > 0} />
      ) : (
        <div
          class="session-table"
          role="table"
          aria-label="Sessions"
          aria-busy={listAddress !== address}
          aria-rowcount={list?.next === null ? sessions.length + 1 : -1}
        >
          <ListHead filters={filters} />
          {!list && <SkeletonRows height={rowHeight} />}
          <VirtualList
            class="session-rows scroll"
            role="rowgroup"
            items={sessions}
            name={listAddress ?? ''}
            rowHeight={rowHeight}
            keyOf={({ id }) => id}
            renderRow={renderRow}
            activeIndex={activeIndex}
            onNearEnd={loadMore}
            footer={list && list.next !== null && <p class="loading">Loading…</p>}
          />
        </div>
      )}
    </main>
  );
}

/** The time in milliseconds since 1970, often enough for the ages of the rows. */
function useClock(): number {
  const [nowMillis, setNowMillis] = useState(Date.now);
  useEffect(() => {
    const clock = setInterval(() => setNowMillis(Date.now()), CLOCK_MILLIS);
    return () => clearInterval(clock);
  }, []);
  return nowMillis;
}

/** Height of `.session-row` in pixels; rows are taller in a narrow window. */
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
