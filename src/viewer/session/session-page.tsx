/** One session: the tree with its waterfall, and beside it the log that is chosen. */
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { SessionLog, SessionLogs } from '../../server/store/viewer-store.ts';
import { ComparePane } from '../compare/compare-pane.tsx';
import { LogPane } from '../log/log-pane.tsx';
import { isTyping, useKeyDown } from '../parts/keyboard.ts';
import { lastList, navigate, request, type Subscribe } from '../state/browser.ts';
import { takeFirstData } from '../state/first-data.ts';
import type { ViewLocation } from '../state/view-location.ts';
import { buildTree } from './log-tree.ts';
import { SessionHead } from './session-head.tsx';
import { TreeView } from './tree-view.tsx';

type SessionLocation = Extract<ViewLocation, { page: 'session' }>;

interface Loaded {
  readonly session: SessionLogs['session'];
  readonly total: number;
  readonly version: number;
  readonly logs: ReadonlyMap<string, SessionLog>;
  readonly configs: SessionLogs['configs'];
}

const CHANGES_MILLIS = 150;
/** A smaller session is read whole at every change; of a larger one what has changed, which does not tell what is gone. */
const READ_WHOLE_LOGS = 500;

export function SessionPage({ location, subscribe }: { location: SessionLocation; subscribe: Subscribe }) {
  const { session: id, log: logId, compare } = location;
  const [first] = useState(() => takeFirstData('session'));
  const [loaded, setLoaded] = useState<Loaded | undefined>(() => first && merge(undefined, first));
  const [problem, setProblem] = useState('');
  const newest = useRef(first ? newestOf(first) : '');
  const count = useRef(first?.total ?? 0);
  /** The change up to which the tree has everything. */
  const version = useRef(first?.version ?? -1);

  const load = useCallback(
    async (since: string) => {
      try {
        const query = since === '' ? '' : `?since=${encodeURIComponent(since)}`;
        const page = await request<SessionLogs>(`/viewer/api/sessions/${encodeURIComponent(id)}${query}`);
        setProblem('');
        // Answers can overtake each other.
        if (page.version < version.current) return;
        setLoaded((before) => merge(since === '' ? undefined : before, page));
        newest.current = [newest.current, newestOf(page)].sort()[1]!;
        count.current = page.total;
        version.current = page.version;
      } catch (error) {
        setProblem((error as Error).message);
      }
    },
    [id],
  );

  useLayoutEffect(() => {
    if (!first) void load('');
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isWhole = false;
    let upTo = 0;
    const stop = subscribe(({ sessions, version: at }) => {
      if (sessions !== null && !sessions.includes(id)) return;
      // What was missed can be a log that is gone.
      isWhole ||= sessions === null;
      upTo = at;
      timer ??= setTimeout(() => {
        if (upTo > version.current) void load(isWhole || count.current <= READ_WHOLE_LOGS ? '' : newest.current);
        timer = undefined;
        isWhole = false;
      }, CHANGES_MILLIS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [id, first, load, subscribe]);

  // More logs than there are: some have gone.
  useEffect(() => {
    if (loaded && loaded.logs.size > loaded.total) void load('');
  }, [loaded, load]);

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

function merge(before: Loaded | undefined, page: SessionLogs): Loaded {
  const logs = new Map(before?.logs);
  for (const log of page.logs) logs.set(log.id, log);
  return { ...page, logs, configs: { ...before?.configs, ...page.configs } };
}

/** `''` for none. */
function newestOf({ logs }: SessionLogs): string {
  const times = logs.map(({ updated_at: at }) => at).sort();
  return times.at(-1) ?? '';
}
