/** Serves a test's own routes by the HTTP edge alone, on a free port. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { createAccess } from '../../../src/server/http/access.ts';
import { createRequestListener, type ListenerOptions } from '../../../src/server/http/listener.ts';
import type { Routes } from '../../../src/server/http/route.ts';

export interface ServedRoutes {
  readonly port: number;
  /** Resolves to how many connections the server has. */
  countConnections(): Promise<number>;
}

export async function serveRoutes(routes: Routes, options: Partial<ListenerOptions> = {}): Promise<ServedRoutes> {
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
  return {
    port: (server.address() as AddressInfo).port,
    countConnections: promisify(server.getConnections.bind(server)),
  };
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Unlike `fetch`, sends the Host header that is given, and resolves to the bytes as they are on the wire. */
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
