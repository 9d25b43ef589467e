/** Gives components a `LiveSession`. */
import { useLayoutEffect, useState } from 'preact/hooks';
import { fromBrowser } from './browser-source.ts';
import { takeFirstData } from './first-data.ts';
import { LiveSession, type SessionView } from './live-session.ts';
import type { Subscribe } from './live-source.ts';

/** The component must show the same session as long as it is mounted. */
export function useLiveSession(id: string, subscribe: Subscribe): SessionView {
  const [live] = useState(() => new LiveSession(fromBrowser(subscribe), id, takeFirstData('session')));
  const [view, setView] = useState(live.view);
  useLayoutEffect(() => live.start(setView), [live]);
  return view;
}
