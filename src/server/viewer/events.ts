/** Sends changes to the open pages, as server-sent events. */
import type { StreamAnswer, StreamClient, Subscription } from '../http/answer.ts';
import { HttpError } from '../http/http-error.ts';
import type { Routes } from '../http/route.ts';
import type { SessionChange, ViewerStore } from '../store/viewer-store.ts';

const HEARTBEAT = { text: ':\n\n', everyMillis: 15_000 };
const MAX_STREAMS = 200;
/** A page that is cut off connects again and asks for what it has missed. */
const MAX_UNREAD_BYTES = 1024 * 1024;

export interface EventStreams {
  readonly routes: Routes;
  /** Ends all streams, which would keep the server from closing, and refuses new ones. */
  close(): void;
}

export function createEventStreams(viewer: ViewerStore): EventStreams {
  const clients = new Set<StreamClient>();
  let newest = 0;
  let isClosed = false;
  const stopListening = viewer.onChange((change) => {
    newest = change.version;
    const event = toEvent(change);
    for (const client of clients) client.send(event);
  });

  /** The first event names no sessions: a page that has read an older version has missed something. */
  const subscribe = (client: StreamClient, version: number): Subscription => {
    if (isClosed) throw new HttpError(503, 'the server is closing', { 'Retry-After': '1' });
    if (clients.size >= MAX_STREAMS) throw new HttpError(503, 'too many open viewers', { 'Retry-After': '10' });
    clients.add(client);
    // A change since the version was read has been sent to the other clients only.
    const first = toEvent({ sessions: null, version: Math.max(version, newest) });
    return { first: `retry: 1000\n\n${first}`, stop: () => clients.delete(client) };
  };

  const open = async (): Promise<StreamAnswer> => {
    const version = await viewer.version();
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
      stopListening();
      for (const client of clients) client.end();
    },
  };
}

function toEvent(change: SessionChange): string {
  return `data: ${JSON.stringify(change)}\n\n`;
}
