/** The page of one session: the tree with its waterfall, and beside it the selected log or a comparison. */
import { useCallback, useMemo } from 'preact/hooks';
import { ComparePane } from '../compare/compare-pane.tsx';
import { LogPane } from '../log/log-pane.tsx';
import { isTyping, useKeyDown } from '../parts/keyboard.ts';
import { lastList, navigate } from '../state/address.ts';
import type { Subscribe } from '../state/live-source.ts';
import { useLiveSession } from '../state/use-live-session.ts';
import type { SessionLocation } from '../state/view-location.ts';
import { buildTree } from '../tree/log-tree.ts';
import { TreeView } from '../tree/tree-view.tsx';
import { SessionHead } from './session-head.tsx';

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
    if (compared !== undefined) navigate(rest);
    else if (logId !== undefined) select(undefined);
    else navigate(lastList());
  });

  if (!loaded) {
    return (
      <main class="centred">
        {problem ? (
          <p role="alert" class="problem">
            {problem}
          </p>
        ) : (
          <p class="loading">Loading…</p>
        )}
      </main>
    );
  }
  const isOpen = logId !== undefined;
  return (
    <main class={`session${isOpen ? ' has-log' : ''}${isOpen && compare === logId ? ' is-choosing' : ''}`}>
      <SessionHead session={loaded.session} shown={loaded.logs.size} total={loaded.total} />
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
