/** The page of one session: the tree with its waterfall, and beside it the selected log or a comparison. */
import { useCallback, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { ComparePane } from '../compare/compare-pane.tsx';
import { LogPane } from '../log/log-pane.tsx';
import { isTyping, useKeyDown } from '../parts/keyboard.ts';
import { SkeletonRows } from '../parts/skeleton-rows.tsx';
import { lastList, navigate } from '../state/address.ts';
import { hold } from '../state/held-log.ts';
import type { Subscribe } from '../state/live-source.ts';
import { useLiveSession } from '../state/use-live-session.ts';
import type { SessionLocation } from '../state/view-location.ts';
import { buildTree } from '../tree/log-tree.ts';
import { TreeView } from '../tree/tree-view.tsx';
import { NotFound } from './not-found.tsx';
import { SessionHead } from './session-head.tsx';

const SKELETON_HEIGHT = 30;

export function SessionPage({ location, subscribe }: { location: SessionLocation; subscribe: Subscribe }) {
  const { session: id, log: logId, compare } = location;
  const { loaded, problem } = useLiveSession(id, subscribe);
  const tree = useMemo(() => buildTree(loaded?.logs.values() ?? [], loaded?.configs ?? {}), [loaded]);
  const select = useCallback(
    (log: string | undefined, options?: { replace: boolean }) => {
      const { log: _before, ...rest } = location;
      navigate(log === undefined ? { page: 'session', session: id } : { ...rest, log }, options);
    },
    [location, id],
  );

  useKeyDown((event) => {
    if (event.key !== 'Escape' || isTyping(event.target) || event.defaultPrevented) return;
    const { compare: compared, ...rest } = location;
    if (compared !== undefined) {
      hold(undefined);
      navigate(rest);
    } else if (logId !== undefined && loaded?.total !== 1) select(undefined);
    else navigate(lastList());
  });

  // Most sessions are one log, and whoever opens one wants to read it.
  const [only] = loaded?.total === 1 ? loaded.logs.keys() : [];
  const mayOpen = useRef(logId === undefined);
  useLayoutEffect(() => {
    if (!loaded) return;
    if (mayOpen.current && only !== undefined && logId === undefined) select(only, { replace: true });
    mayOpen.current = false;
  }, [loaded, only]);

  if (!loaded && problem) return <NotFound location={location} problem={problem} />;
  if (!loaded) {
    return (
      <main class="session">
        <h1 class="hidden">Session</h1>
        <SkeletonRows height={SKELETON_HEIGHT} />
      </main>
    );
  }
  const isOpen = logId !== undefined;
  return (
    <main class={`session${isOpen ? ' has-log' : ''}${isOpen && compare === logId ? ' is-choosing' : ''}`}>
      <SessionHead
        session={loaded.session}
        shown={loaded.logs.size}
        total={loaded.total}
        isPartial={loaded.isPartial === true}
      />
      {problem && (
        <p role="alert" class="problem banner">
          {problem}
        </p>
      )}
      <div class="panes">
        <TreeView tree={tree} selected={logId} compared={compare} onSelect={select} />
        {isOpen &&
          (compare === undefined || compare === logId ? (
            <LogPane
              key={logId}
              location={location}
              node={tree.byId.get(logId)}
              version={loaded.version}
              onClose={() => select(undefined)}
            />
          ) : (
            <ComparePane location={location} version={loaded.version} />
          ))}
      </div>
    </main>
  );
}
