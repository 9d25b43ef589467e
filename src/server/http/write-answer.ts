/** Writes answers to the connection. Nothing else in the server does; the listener only adds a cookie to some. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { acceptsGzip } from './accept-encoding.ts';
import type { Answer, BytesAnswer, FileAnswer, JsonAnswer, StreamAnswer } from './answer.ts';
import { createUnreadAnswers, sendInPieces } from './unread-answers.ts';

export interface AnswerLimits {
  /**
   * In all answers that clients have not read yet. For more, those give way that are read slowest; if there are none, it
   * is a 503. Default 256 MiB.
   */
  readonly maxUnreadBytes?: number;
  /** A client that reads nothing for so long is cut off. Default 30 s. */
  readonly unreadMillis?: number;
}

/** Of every answer: no page of another site can load it, and no browser takes it for something else. */
const GUARDS = { 'X-Content-Type-Options': 'nosniff', 'Cross-Origin-Resource-Policy': 'same-origin' };
/** Of answers that have logged data, or may have. */
const PRIVATE = { ...GUARDS, 'Cache-Control': 'no-store' };

/** Smaller answers are not counted: an error must always get through. */
const SMALL_BYTES = 16 * 1024;

export type AnswerWriter = (request: IncomingMessage, response: ServerResponse, answer: Answer) => void;

/** The writer throws only before it has sent anything, so that the caller can answer with the error. */
export function createAnswerWriter(limits: AnswerLimits = {}): AnswerWriter {
  const { maxUnreadBytes = 256 * 1024 * 1024, unreadMillis = 30_000 } = limits;
  const unread = createUnreadAnswers(maxUnreadBytes);

  const send = (response: ServerResponse, bytes: Buffer, writeHead: () => void): void => {
    response.setTimeout(unreadMillis, () => response.destroy());
    // The client went away while the answer was made, and no `close` event is left.
    const isCounted = bytes.length > SMALL_BYTES && !response.destroyed;
    const onSent = isCounted ? unread.add(response, bytes.length) : () => {};
    writeHead();
    sendInPieces(response, bytes, onSent);
  };

  return (request, response, answer) => {
    switch (answer.kind) {
      case 'json':
        return writeJson(response, answer, send);
      case 'bytes':
        return writeBytes(response, answer, send);
      case 'empty':
        return void response.writeHead(204, { ...PRIVATE, ...answer.headers }).end();
      case 'file':
        return writeFile(request, response, answer, send);
      case 'stream':
        return writeStream(request, response, answer);
    }
  };
}

/** Throws before `writeHead` is called, or not at all. */
type Send = (response: ServerResponse, bytes: Buffer, writeHead: () => void) => void;

function writeJson(response: ServerResponse, { status, body, headers }: JsonAnswer, send: Send): void {
  // `stringify` throws on a stored value that is nested too deeply.
  const bytes = Buffer.from(JSON.stringify(body));
  writeBytes(response, { kind: 'bytes', status, type: 'application/json', bytes, headers }, send);
}

function writeBytes(response: ServerResponse, { status, type, bytes, headers }: BytesAnswer, send: Send): void {
  send(response, bytes, () => {
    response.writeHead(status, { 'Content-Type': type, 'Content-Length': bytes.length, ...PRIVATE, ...headers });
  });
}

function writeFile(request: IncomingMessage, response: ServerResponse, answer: FileAnswer, send: Send): void {
  const isGzipped = acceptsGzip(request.headers['accept-encoding']);
  const bytes = isGzipped ? answer.gzip() : answer.bytes;
  send(response, bytes, () => {
    response.writeHead(200, {
      'Content-Type': answer.type,
      'Content-Length': bytes.length,
      Vary: 'Accept-Encoding',
      ...GUARDS,
      ...(isGzipped && { 'Content-Encoding': 'gzip' }),
      ...answer.headers,
    });
  });
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
    ...PRIVATE,
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
