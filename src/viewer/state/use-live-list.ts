/** Gives components a `LiveList`. */
import { useCallback, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { fromBrowser } from './browser-source.ts';
import { takeFirstData } from './first-data.ts';
import { type ListView, LiveList } from './live-list.ts';
import type { Subscribe } from './live-source.ts';
import { type Filters, formatLocation } from './view-location.ts';

/** The rows that were shown last: going back to the list shows them at once. */
let remembered: ListView | undefined;

/**
 * The list for these filters. These must be layout effects: an effect after the paint runs up to 100 ms after the rows
 * are visible, too late for the keys of a quick reader.
 */
export function useLiveList(filters: Filters, subscribe: Subscribe) {
  const address = formatLocation({ page: 'sessions', filters });
  const before = useRef(remembered?.address === address ? remembered : undefined);
  const live = useMemo(
    () => new LiveList(fromBrowser(subscribe), filters, before.current, takeFirstData('sessions')),
    [address, subscribe],
  );
  const [view, setView] = useState(live.view);
  useLayoutEffect(() => live.start(setView), [live]);
  useLayoutEffect(() => {
    before.current = view;
    if (view.list) remembered = view;
  }, [view]);
  // Another function for each list: `VirtualList` calls a new one if the end is still near.
  const loadMore = useCallback(() => live.loadMore(), [live, view.list]);
  return { ...view, loadMore };
}
