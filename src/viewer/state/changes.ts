/** The server's stream of changes, opened once for all parts of the page. */
import type { SessionChange } from '../../server/store/viewer-store.ts';
import type { Subscribe } from './live-source.ts';
import { serverRoot } from './server-root.ts';

const REOPEN_MILLIS = 2_000;

/**
 * The server begins each stream with a change that names no sessions but has a version: a reader with an older version
 * has missed something. A hidden tab closes its stream, since a browser opens only six connections to one server for
 * all of its tabs.
 */
export class ChangeStream {
  readonly #listeners = new Set<(change: SessionChange) => void>();

  readonly subscribe: Subscribe = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Keeps the stream open while the tab is visible. Returns how to close it. */
  open(onState: (isLive: boolean) => void): () => void {
    let source: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const connect = () => {
      if (source || document.hidden) return;
      source = new EventSource(`${serverRoot()}/viewer/api/events`);
      source.onopen = () => onState(true);
      source.onmessage = ({ data }) => {
        const change: SessionChange = JSON.parse(data);
        for (const tell of this.#listeners) tell(change);
      };
      source.onerror = () => {
        onState(false);
        if (source?.readyState !== EventSource.CLOSED) return;
        // After an answer other than 200 the browser gives up: the server may be starting, or want its key.
        disconnect();
        timer = setTimeout(connect, REOPEN_MILLIS);
      };
    };
    const disconnect = () => {
      clearTimeout(timer);
      source?.close();
      source = undefined;
    };
    const onVisibility = () => (document.hidden ? disconnect() : connect());
    document.addEventListener('visibilitychange', onVisibility);
    connect();
    return () => {
      document.removeEventListener('visibilitychange', onVisibility);
      disconnect();
    };
  }
}
