/** Reads request bodies as JSON. Each is bounded, and all together are. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createGunzip } from 'node:zlib';
import { HttpError, invalid } from './http-error.ts';

export interface BodyLimits {
  /** The largest body; a larger one is a 413. */
  readonly maxBodyBytes: number;
  /** The most bytes in the bodies of all unanswered requests; more is a 503 with `Retry-After`. */
  readonly maxPendingBytes: number;
}

/**
 * Returns a reader that resolves to the parsed body, or to `undefined` if there is none. It keeps nothing that is over
 * a limit: Node reads the rest off the connection after the answer, within the server's request time-out.
 */
export function createBodyReader(
  limits: BodyLimits,
): (request: IncomingMessage, response: ServerResponse) => Promise<unknown> {
  let pendingBytes = 0;

  const readBytes = (request: IncomingMessage, response: ServerResponse, isGzipped: boolean): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const tooLarge = new HttpError(413, `the body is larger than ${limits.maxBodyBytes} bytes`);
      if (Number(request.headers['content-length'] ?? 0) > limits.maxBodyBytes) return reject(tooLarge);
      // Unpacks piece by piece, so that a few bytes that stand for a gigabyte are refused at the limit.
      const source = isGzipped ? request.pipe(createGunzip()) : request;
      const chunks: Buffer[] = [];
      let reserved = 0;
      response.once('close', () => {
        pendingBytes -= reserved;
      });
      const refuse = (error: HttpError): void => {
        // Nothing is reserved from here on: the answer may be sent, and the bytes given back, before the body ends.
        source.off('data', onData);
        if (source !== request) {
          request.unpipe();
          source.destroy();
        }
        request.resume();
        reject(error);
      };
      const onData = (chunk: Buffer): void => {
        if (reserved + chunk.length > limits.maxBodyBytes) return refuse(tooLarge);
        if (pendingBytes + chunk.length > limits.maxPendingBytes) {
          return refuse(new HttpError(503, 'too many requests at once', { 'Retry-After': '1' }));
        }
        pendingBytes += chunk.length;
        reserved += chunk.length;
        chunks.push(chunk);
      };
      source.on('data', onData);
      source.on('end', () => resolve(Buffer.concat(chunks)));
      if (source !== request) source.on('error', () => refuse(new HttpError(400, 'the body is not valid gzip')));
      // Nobody reads this answer: it keeps a client that went away from being reported as a failure of the server.
      const cutOff = () => refuse(new HttpError(400, 'the request ended before its body'));
      request.on('error', cutOff);
      request.on('close', () => request.complete || cutOff());
    });

  return async (request, response) => {
    const encoding = request.headers['content-encoding'] || 'identity';
    if (encoding !== 'identity' && encoding !== 'gzip') {
      throw new HttpError(415, `content encoding ${encoding} is not supported`);
    }
    const bytes = await readBytes(request, response, encoding === 'gzip');
    if (bytes.length === 0) return undefined;
    try {
      return JSON.parse(bytes.toString('utf8'));
    } catch (error) {
      throw invalid(['body'], `invalid JSON: ${(error as Error).message}`, 'value_error.jsondecode');
    }
  };
}
