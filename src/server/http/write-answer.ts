/** Writes answers to the connection. Nothing else in the server writes a response. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { acceptsGzip } from './accept-encoding.ts';
import type { Answer, FileAnswer, JsonAnswer, StreamAnswer } from './answer.ts';

/** Throws only before it has sent anything, so that the caller can answer with the error. */
export function writeAnswer(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  switch (answer.kind) {
    case 'json':
      return writeJson(response, answer);
    case 'empty':
      return void response.writeHead(204, answer.headers).end();
    case 'file':
      return writeFile(request, response, answer);
    case 'stream':
      return writeStream(request, response, answer);
  }
}

function writeJson(response: ServerResponse, { status, body, headers }: JsonAnswer): void {
  // `stringify` throws on a stored value that is nested too deeply.
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { ...headers, 'Content-Type': 'application/json', 'Content-Length': bytes.length });
  response.end(bytes);
}

function writeFile(request: IncomingMessage, response: ServerResponse, answer: FileAnswer): void {
  const isGzipped = acceptsGzip(request.headers['accept-encoding']);
  const bytes = isGzipped ? answer.gzip() : answer.bytes;
  response.writeHead(200, {
    'Content-Type': answer.type,
    'Content-Length': bytes.length,
    Vary: 'Accept-Encoding',
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Resource-Policy': 'same-origin',
    ...(isGzipped && { 'Content-Encoding': 'gzip' }),
    ...answer.headers,
  });
  response.end(bytes);
}

function writeStream(request: IncomingMessage, response: ServerResponse, answer: StreamAnswer): void {
  // The client went away while the answer was made. No `close` event is left to stop a subscription.
  if (response.destroyed) return;
  const send = (text: string): void => {
    if (response.writableLength > answer.maxUnreadBytes) response.destroy();
    else if (!response.writableEnded) response.write(text);
  };
  const { first, stop } = answer.subscribe({ send, end: () => response.end() });
  response.writeHead(200, {
    'Content-Type': answer.type,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    // Tells proxies not to buffer the answer, which would hold the stream back.
    'X-Accel-Buffering': 'no',
  });
  response.write(first);
  const heartbeat = setInterval(() => send(answer.heartbeat.text), answer.heartbeat.everyMillis);
  heartbeat.unref();
  response.once('close', () => {
    clearInterval(heartbeat);
    stop();
  });
  if (request.method === 'HEAD') response.end();
}
