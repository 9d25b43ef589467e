/** Reads request bodies and parses them as JSON. Each is bounded, in size and content, and so are all together. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { createBodyMemory } from './body-memory.ts';
import { HttpError, invalid } from './http-error.ts';
import { JsonStructure } from './json-structure.ts';
import { createOneAtATime } from './one-at-a-time.ts';

export interface BodyLimits {
  /** The largest body; a larger one is a 413. */
  readonly maxBodyBytes: number;
  /** The most bytes in the bodies of all unanswered requests; more is a 503 with `Retry-After`. */
  readonly maxPendingBytes: number;
  /** How long a body may stop in the middle; longer is a 408. Default 10 s. */
  readonly bodyIdleMillis?: number;
}

/** Works on the parsed body; it is `undefined` if there is none. */
type Work<Result> = (body: unknown) => Promise<Result>;

/** Larger bodies are large ones: they are parsed and worked on one after the other. */
const SMALL_BYTES = 1024 * 1024;
/** As in `JsonStructure`. */
const SMALL_WEIGHT = 50_000;

interface Bytes {
  readonly chunks: Buffer[];
  readonly isLarge: boolean;
}

/**
 * Returns a function that reads the body and works on it. It keeps nothing that is over a limit: Node reads the rest
 * off the connection after the answer, within the server's request time-out.
 */
export function createBodyReader(
  limits: BodyLimits,
): <Result>(request: IncomingMessage, response: ServerResponse, work: Work<Result>) => Promise<Result> {
  const { maxBodyBytes, maxPendingBytes, bodyIdleMillis = 10_000 } = limits;
  const newSpace = createBodyMemory(maxPendingBytes, SMALL_BYTES);
  const runAlone = createOneAtATime();

  const readBytes = (request: IncomingMessage, response: ServerResponse, isGzipped: boolean): Promise<Bytes> =>
    new Promise((resolve, reject) => {
      const tooLarge = new HttpError(413, `the body is larger than ${maxBodyBytes} bytes`);
      if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) return reject(tooLarge);
      // Unpacks piece by piece, so that a few bytes that stand for a gigabyte are refused at the limit.
      const source = isGzipped ? request.pipe(createGunzip()) : request;
      const structure = new JsonStructure();
      const chunks: Buffer[] = [];
      let length = 0;
      const refuse = (error: HttpError): void => {
        clearTimeout(idle);
        // Nothing is kept from here on: the answer may be sent, and the bytes given back, before the body ends.
        source.off('data', onData);
        chunks.length = 0;
        space.free();
        if (source !== request) {
          request.unpipe();
          source.destroy();
        }
        request.resume();
        reject(error);
      };
      const refuseSlow = (): void => {
        // The rest may never come: with this header, the connection is closed after the answer.
        refuse(new HttpError(408, 'the body has stopped in the middle', { Connection: 'close' }));
      };
      const space = newSpace(refuseSlow);
      const idle = setTimeout(refuseSlow, bodyIdleMillis);
      const onData = (chunk: Buffer): void => {
        idle.refresh();
        if (length + chunk.length > maxBodyBytes) return refuse(tooLarge);
        const fault = structure.read(chunk);
        if (fault === 'too deep') return refuse(invalid(['body'], JsonStructure.explain(fault)));
        // 413, as for too many bytes: the client can send the same in two requests.
        if (fault === 'too much') return refuse(new HttpError(413, JsonStructure.explain(fault)));
        if (!space.grow(chunk.length)) {
          return refuse(new HttpError(503, 'too many requests at once', { 'Retry-After': '1' }));
        }
        length += chunk.length;
        chunks.push(chunk);
      };
      response.once('close', () => {
        clearTimeout(idle);
        space.free();
      });
      source.on('data', onData);
      source.on('end', () => {
        clearTimeout(idle);
        space.complete();
        resolve({ chunks, isLarge: length > SMALL_BYTES || structure.weight > SMALL_WEIGHT });
      });
      if (source !== request) source.on('error', () => refuse(new HttpError(400, 'the body is not valid gzip')));
      // Nobody reads this answer: it keeps a client that went away from being reported as a failure of the server.
      const cutOff = () => refuse(new HttpError(400, 'the request ended before its body'));
      request.on('error', cutOff);
      request.on('close', () => request.complete || cutOff());
    });

  return async (request, response, work) => {
    const { chunks, isLarge } = await readBytes(request, response, isGzipped(request.headers['content-encoding']));
    if (!isLarge) return work(parse(chunks));
    return runAlone(async () => {
      // The client has gone while this waited, and nobody would know what became of its request.
      if (response.destroyed) throw new HttpError(400, 'the client has not waited for its answer');
      const body = parse(chunks);
      await nextTurn();
      return work(body);
    });
  };
}

/** Letters match in either case, and gzip has a second name, by RFC 9110 (8.4.1). */
function isGzipped(header = ''): boolean {
  const codings = header.split(',').map((coding) =>
    coding
      .trim()
      .toLowerCase()
      .replace(/^x-gzip$/, 'gzip'),
  );
  const applied = codings.filter((coding) => coding !== '' && coding !== 'identity');
  if (applied.length > 1 || (applied.length === 1 && applied[0] !== 'gzip')) {
    const detail = `content encoding ${header} is not supported: send gzip, or none`;
    throw new HttpError(415, detail, { 'Accept-Encoding': 'gzip, identity' });
  }
  return applied.length === 1;
}

/** Empties the list, so that the bytes and the value are not both kept. */
function parse(chunks: Buffer[]): unknown {
  const text = Buffer.concat(chunks.splice(0)).toString('utf8');
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(['body'], `invalid JSON: ${(error as Error).message}`, 'value_error.jsondecode');
  }
}
