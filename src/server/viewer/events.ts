/** Sends changes to the open pages, as server-sent events. The store is asked for changes only while there are such pages. */
import type { StreamAnswer, StreamClient, Subscription } from '../http/answer.ts';
import { HttpError } from '../http/http-error.ts';
import type { Routes } from '../http/route.ts';
import type { SessionChange, ViewerStore } from '../store/viewer-store.ts';

const HEARTBEAT = { text: ':\n\n', everyMillis: 15_000 };
const MAX_STREAMS = 200;
/** A page that is cut off connects again and asks for what it has missed. */
const MAX_UNREAD_BYTES = 1024 * 1024;
/** How long changes are listened to after the last page is gone: it may be loaded again, or go from page to page. */
const LINGER_MILLIS = 10_000;

export interface EventStreams {
  readonly routes: Routes;
  /** Ends all streams, which would keep the server from closing, and refuses new ones. */
  close(): void;
}

export function createEventStreams(viewer: ViewerStore): EventStreams {
  const clients = new Set<StreamClient>();
  let newest = 0;
  let isClosed = false;
  let stopListening: (() => void) | undefined;
  let leaving: NodeJS.Timeout | undefined;
  /** Streams whose version is being read. */
  let opening = 0;

  const listen = (): void => {
    stopListening ??= viewer.onChange((change) => {
      newest = change.version;
      const event = toEvent(change);
      for (const client of clients) client.send(event);
    });
    leaveLater();
  };

  const leave = (): void => {
    clearTimeout(leaving);
    stopListening?.();
    stopListening = undefined;
  };

  /** Counts from the last of its calls. */
  const leaveLater = (): void => {
    clearTimeout(leaving);
    if (!isClosed) leaving = setTimeout(() => clients.size + opening === 0 && leave(), LINGER_MILLIS).unref();
  };

  const remove = (client: StreamClient): void => {
    clients.delete(client);
    if (clients.size === 0) leaveLater();
  };

  /** The first event names no sessions: a page that has read an older version has missed something. */
  const subscribe = (client: StreamClient, version: number): Subscription => {
    if (isClosed) throw new HttpError(503, 'the server is closing', { 'Retry-After': '1' });
    if (clients.size >= MAX_STREAMS) throw new HttpError(503, 'too many open viewers', { 'Retry-After': '10' });
    listen();
    clients.add(client);
    // A change since the version was read has been sent to the other clients only.
    const first = toEvent({ sessions: null, version: Math.max(version, newest) });
    return { first: `retry: 1000\n\n${first}`, stop: () => remove(client) };
  };

  const open = async (): Promise<StreamAnswer> => {
    if (!isClosed) listen();
    opening += 1;
    // Read afterwards: what changes later than the version says is then heard of.
    const version = await viewer.version().finally(() => {
      opening -= 1;
      leaveLater();
    });
    return {
      kind: 'stream',
      type: 'text/event-stream',
      heartbeat: HEARTBEAT,
      maxUnreadBytes: MAX_UNREAD_BYTES,
      subscribe: (client) => subscribe(client, version),
    };
  };

  return {
    routes: { '/viewer/api/events': { GET: { needs: 'read', run: open } } },
    close: () => {
      isClosed = true;
      leave();
      for (const client of clients) client.end();
    },
  };
}

function toEvent(change: SessionChange): string {
  return `data: ${JSON.stringify(change)}\n\n`;
}
