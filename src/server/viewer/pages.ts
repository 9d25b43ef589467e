/** What the viewer needs beside its operations: its three files and the stream of changes. */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { acceptsGzip } from '../http/accept-encoding.ts';
import { HttpError } from '../http/http-error.ts';
import type { SessionChange, ViewerStore } from '../store/viewer-store.ts';
import { readFirstData, withFirstData } from './first-data.ts';

const ASSET_TYPES = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8' } as const;
const HEARTBEAT_MILLIS = 15_000;
const MAX_STREAMS = 200;
/** A reader that does not read is cut off; it will connect again and ask for what it has missed. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** Everything that is shown was written by others: no inline code, nothing from elsewhere, no frames, no forms. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const PAGE_HEADERS = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
};

export interface PageTarget {
  /** Of the path, decoded. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  /** Whether the caller has given the API key, where there is one: without it, a page has no data in it. */
  readonly mayRead: boolean;
}

export interface ViewerPages {
  /** `false` where nothing of the viewer is at that path. */
  serve(request: IncomingMessage, response: ServerResponse, target: PageTarget): Promise<boolean>;
  /** Ends the streams, which would otherwise keep the server from closing. */
  close(): void;
}

interface StaticFile {
  readonly type: string;
  readonly bytes: Buffer;
  readonly gzipped: Buffer;
}

export function createViewerPages(viewer: ViewerStore): ViewerPages {
  const files = new Map<string, StaticFile>();
  const streams = new Set<ServerResponse>();
  const stopListening = viewer.onChange((change) => broadcast(streams, change));
  const heartbeat = setInterval(() => {
    for (const stream of streams) stream.write(':\n\n');
  }, HEARTBEAT_MILLIS);
  heartbeat.unref();
  let closed = false;

  return {
    serve: async (request, response, { segments, query, mayRead }) => {
      const path = segments.join('/');
      if (path === 'viewer/api/events') {
        if (closed) throw new HttpError(503, 'the server is closing', { 'Retry-After': '1' });
        openStream(streams, request, response, viewer.version());
        return true;
      }
      const asset = /^viewer\/assets\/(viewer-[\w-]+\.(js|css))$/.exec(path);
      if (asset) {
        const file = readOnce(files, asset[1]!, ASSET_TYPES[asset[2] as 'js' | 'css']);
        if (!file) return false;
        // Its name has a hash of its content: what is under a name never changes.
        sendFile(request, response, file, { 'Cache-Control': 'public, max-age=31536000, immutable' });
        return true;
      }
      const isPage = path === '' || (segments.length === 2 && segments[0] === 'sessions');
      if (!isPage) return false;
      const page = readOnce(files, 'index.html', 'text/html; charset=utf-8');
      if (!page) throw new HttpError(404, 'the viewer is not built: run npm run build');
      const data = mayRead ? await readFirstData(viewer, segments, query) : undefined;
      const bytes = Buffer.from(withFirstData(page.bytes.toString(), data));
      const answer = { ...page, bytes, gzipped: gzipSync(bytes, { level: 1 }) };
      sendFile(request, response, answer, { 'Cache-Control': 'no-store', ...PAGE_HEADERS });
      return true;
    },
    close: () => {
      closed = true;
      stopListening();
      clearInterval(heartbeat);
      for (const stream of streams) stream.end();
    },
  };
}

/** Begins with a change of no names: a page that has read less than `version` has missed something. */
function openStream(
  streams: Set<ServerResponse>,
  request: IncomingMessage,
  response: ServerResponse,
  version: number,
): void {
  if (streams.size >= MAX_STREAMS) throw new HttpError(503, 'too many open viewers', { 'Retry-After': '10' });
  response.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    // Proxies that gather an answer before they pass it on would hold the changes back.
    'X-Accel-Buffering': 'no',
  });
  response.write(`retry: 1000\n\n${toEvent({ sessions: null, version })}`);
  if (request.method === 'HEAD') return void response.end();
  streams.add(response);
  response.on('close', () => streams.delete(response));
}

function broadcast(streams: ReadonlySet<ServerResponse>, change: SessionChange): void {
  const text = toEvent(change);
  for (const stream of streams) {
    if (stream.writableLength > MAX_UNREAD_BYTES) stream.destroy();
    else stream.write(text);
  }
}

function toEvent(change: SessionChange): string {
  return `data: ${JSON.stringify(change)}\n\n`;
}

/** The files are made by `npm run build`. The package finds itself by its name, from the sources and from `dist`. */
function packageFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('humanloop-otel/package.json'));
}

function readOnce(files: Map<string, StaticFile>, name: string, type: string): StaticFile | undefined {
  let file = files.get(name);
  if (!file) {
    try {
      const bytes = readFileSync(join(packageFolder(), 'dist', 'viewer', name));
      file = { type, bytes, gzipped: gzipSync(bytes, { level: 9 }) };
      files.set(name, file);
    } catch {
      return undefined;
    }
  }
  return file;
}

function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: StaticFile,
  headers: Record<string, string>,
): void {
  const isGzipped = acceptsGzip(request.headers['accept-encoding']);
  const bytes = isGzipped ? file.gzipped : file.bytes;
  response.writeHead(200, {
    'Content-Type': file.type,
    'Content-Length': bytes.length,
    Vary: 'Accept-Encoding',
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Resource-Policy': 'same-origin',
    ...(isGzipped && { 'Content-Encoding': 'gzip' }),
    ...headers,
  });
  response.end(bytes);
}
