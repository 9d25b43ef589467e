/** `LiveSession` for components. */
import { useLayoutEffect, useState } from 'preact/hooks';
import { fromBrowser } from './browser-source.ts';
import { takeFirstData } from './first-data.ts';
import { LiveSession, type SessionView } from './live-session.ts';
import type { Subscribe } from './live-source.ts';

/** For a component that shows this session as long as it lives. */
export function useLiveSession(id: string, subscribe: Subscribe): SessionView {
  const [live] = useState(() => new LiveSession(fromBrowser(subscribe), id, takeFirstData('session')));
  const [view, setView] = useState(live.view);
  useLayoutEffect(() => live.start(setView), [live]);
  return view;
}
