/** Says that a search does not cover all logs yet: otherwise it would seem to say that they have no such words. */
import { useEffect, useState } from 'preact/hooks';
import type { IndexLag, SessionPage } from '../../server/store/viewer-store.ts';
import { formatCount, formatTime } from '../parts/format.ts';
import { request } from '../state/api.ts';

/** New logs are indexed sooner than this: a note for them would only flicker. */
const ASK_MILLIS = 1_000;

/** `lag` is that of the list's last page; while there is any, the server is asked again. */
export function IndexingNote({ lag }: { lag: IndexLag | undefined }) {
  const [current, setCurrent] = useState<IndexLag>();
  const isBehind = lag !== undefined;
  useEffect(() => {
    if (!isBehind) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = () => {
      request<SessionPage>('/viewer/api/sessions?size=1').then(
        ({ indexing }) => {
          setCurrent(indexing);
          if (indexing && timer !== undefined) timer = setTimeout(ask, ASK_MILLIS);
        },
        () => {},
      );
    };
    timer = setTimeout(ask, ASK_MILLIS);
    return () => {
      clearTimeout(timer);
      timer = undefined;
      setCurrent(undefined);
    };
  }, [isBehind]);
  if (!current) return null;
  const { logs, oldestCreatedAt: oldest } = current;
  return (
    <p class="note" role="status">
      Search and filters do not cover all logs yet: {formatCount(logs)} {logs === 1 ? 'is' : 'are'} being indexed
      {oldest !== undefined && `, the oldest of ${formatTime(oldest)}`}.
    </p>
  );
}
