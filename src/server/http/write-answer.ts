/** From an answer to bytes on the connection. Nothing else in the server writes a response. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { acceptsGzip } from './accept-encoding.ts';
import type { Answer, FileAnswer, JsonAnswer, StreamAnswer } from './answer.ts';

/** Throws only before anything is sent, so that an error can be answered instead. */
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
  // Fails for a stored text that is nested as deeply as could just be written.
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
  // A client that went away while the answer was made closes no more: its subscription would never be stopped.
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
    // Proxies that gather an answer before they pass it on would hold the stream back.
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
