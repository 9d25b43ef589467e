/** The HTTP edge alone, on a free port, with routes of the test's own. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { createAccess } from '../../../src/server/http/access.ts';
import { createRequestListener, type ListenerOptions } from '../../../src/server/http/listener.ts';
import type { Routes } from '../../../src/server/http/route.ts';

export async function serveRoutes(routes: Routes, options: Partial<ListenerOptions> = {}): Promise<{ port: number }> {
  const listener = createRequestListener({
    routes,
    access: createAccess({}),
    limits: { maxBodyBytes: 1_000, maxPendingBytes: 10_000 },
    onError: (error) => {
      throw error;
    },
    ...options,
  });
  const server = createServer(listener).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port };
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Bytes and headers as they are on the wire: `fetch` chooses the Host header itself, and unpacks what is gzipped. */
export async function callRaw(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<RawAnswer> {
  const response = await openRaw(port, method, path, headers);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) };
}

/** Resolves when the headers are there. */
export async function openRaw(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  const call = request({ port, method, path, headers }).end();
  const [response] = await once(call, 'response');
  return response as IncomingMessage;
}
