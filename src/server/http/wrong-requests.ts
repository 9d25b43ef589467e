/**
 * Answers what is not HTTP, or more than the headers may be, in the form of all other failures: of itself, Node sends a
 * status alone, and drops what it owes for the requests before, which were done.
 */
import { maxHeaderSize, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { HttpError } from './http-error.ts';

interface Wrong extends Error {
  readonly code?: string;
  /** What the parser of HTTP says. */
  readonly reason?: string;
}

/** A client that does not close the connection after the answer is cut off. */
const CLOSE_MILLIS = 2_000;

export function explainWrongRequests(server: Server): void {
  const newest = new WeakMap<Duplex, ServerResponse>();
  /** Everything that comes after what is wrong is wrong as well. */
  const known = new WeakSet<Duplex>();
  server.on('request', ({ socket }, response) => newest.set(socket, response));
  server.on('clientError', (error: Wrong, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    if (known.has(socket)) return;
    known.add(socket);
    const response = newest.get(socket);
    const isBody = response !== undefined && !response.req.complete;
    // What has a wrong body is answered by those who read it.
    const close = (): void => {
      if (isBody) socket.end();
      else socket.end(toAnswer(error));
      setTimeout(() => socket.destroy(), CLOSE_MILLIS).unref();
    };
    // Those before are answered first.
    if (!response || response.writableFinished) close();
    else response.once('close', close);
    if (isBody && response.req.listenerCount('error') > 0) response.req.emit('error', new HttpError(...explain(error)));
  });
}

function toAnswer(error: Wrong): string {
  const [status, detail] = explain(error);
  const body = JSON.stringify({ detail });
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'X-Content-Type-Options: nosniff',
    'Cache-Control: no-store',
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}

function explain({ code, reason, message }: Wrong): [status: number, detail: string] {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return [431, `the address and the headers are larger than ${maxHeaderSize} bytes together`];
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return [413, 'the extensions of the chunks are larger than 16384 bytes'];
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'the request has not come within its time'];
    default:
      return [400, `the request is not valid HTTP: ${reason || message}`];
  }
}
