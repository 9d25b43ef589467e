/** Reads request bodies and unpacks them. Each is bounded, in size and content, and so are all together. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { nextHeavyTurn } from '../store/heavy-turns.ts';
import { createOneAtATime } from '../store/one-at-a-time.ts';
import { StoreUnavailableError } from '../store/unavailable-error.ts';
import { type BodyCheck, type BodyFormat, SMALL_BYTES, UNCHECKED } from './body-format.ts';
import { createBodyMemory } from './body-memory.ts';
import { Pieces } from './bytes/pieces.ts';
import { HttpError } from './http-error.ts';
import { createInflate } from './inflate.ts';

export interface BodyLimits {
  /** The largest body; a larger one is a 413. */
  readonly maxBodyBytes: number;
  /** The most bytes in the bodies of all unanswered requests; more is a 503 with `Retry-After`. */
  readonly maxPendingBytes: number;
  /** How long a body may stop in the middle; longer is a 408. Default 10 s. */
  readonly bodyIdleMillis?: number;
  /** How long a large body may wait for those before it; longer is a 503 with `Retry-After`. Default 30 s. */
  readonly lineMillis?: number;
}

/** Works on what the format has made of the body. */
type Work<Result> = (body: unknown) => Promise<Result>;

/** By the name of the encoding. `identity` is none. */
const UNPACKERS: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
]);

interface Bytes {
  /** Emptied when they are taken, and when the client has gone. */
  readonly pieces: Buffer[];
  readonly isLarge: boolean;
  /** Takes long for what is in it, and not for its size alone. */
  readonly isHeavy: boolean;
  readonly check: BodyCheck;
}

/**
 * Returns a function that reads the body and works on it. It keeps nothing that is over a limit: Node reads the rest
 * off the connection after the answer, within the server's request time-out.
 */
export function createBodyReader(
  limits: BodyLimits,
): <Result>(
  request: IncomingMessage,
  response: ServerResponse,
  format: BodyFormat,
  work: Work<Result>,
) => Promise<Result> {
  const { maxPendingBytes, bodyIdleMillis = 10_000, lineMillis = 30_000 } = limits;
  const newSpace = createBodyMemory(maxPendingBytes, SMALL_BYTES);
  const runAlone = createOneAtATime();

  /** What holds up the line may be a database that does not answer: nobody waits for all that are before. */
  const runInLine = <Result>(work: () => Promise<Result>): Promise<Result> =>
    new Promise((resolve, reject) => {
      let isWaiting = true;
      const timer = setTimeout(() => {
        isWaiting = false;
        const message = `a large request has waited for ${lineMillis / 1000} s for those before it`;
        reject(new StoreUnavailableError('unreachable', message));
      }, lineMillis);
      void runAlone(async () => {
        clearTimeout(timer);
        if (isWaiting) await work().then(resolve, reject);
      });
    });

  const readBytes = (
    request: IncomingMessage,
    response: ServerResponse,
    format: BodyFormat,
    encoding: string,
  ): Promise<Bytes> =>
    new Promise((resolve, reject) => {
      const { maxBytes: maxBodyBytes = limits.maxBodyBytes } = format;
      // Made only if it is needed: an error takes its stack along, which costs as much as to read a small body.
      const tooLarge = () => new HttpError(413, `the body is larger than ${maxBodyBytes} bytes`);
      if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) return reject(tooLarge());
      // Unpacks piece by piece, so that a few bytes that stand for a gigabyte are refused at the limit.
      const unpacker = UNPACKERS.get(encoding)?.();
      const source = unpacker ? request.pipe(unpacker) : request;
      let check = format.createCheck();
      const arriving = new Pieces();
      let pieces: Buffer[] = [];
      let length = 0;
      const refuse = (error: HttpError): void => {
        clearTimeout(idle);
        // Nothing is kept from here on: the answer may be sent, and the bytes given back, before the body ends.
        source.off('data', onData);
        arriving.take();
        check = UNCHECKED;
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
        if (length + chunk.length > maxBodyBytes) return refuse(tooLarge());
        const fault = check.read(chunk);
        if (fault) return refuse(fault);
        if (!space.grow(chunk.length)) {
          return refuse(new HttpError(503, 'too many requests at once', { 'Retry-After': '1' }));
        }
        length += chunk.length;
        arriving.add(chunk);
      };
      response.once('close', () => {
        clearTimeout(idle);
        space.free();
        // What waits in line for nobody would be in memory, and not be counted.
        arriving.take();
        pieces.length = 0;
      });
      source.on('data', onData);
      source.on('end', () => {
        clearTimeout(idle);
        space.complete();
        pieces = arriving.take();
        skipByteOrderMark(pieces);
        resolve({ pieces, isLarge: length > SMALL_BYTES || check.isHeavy, isHeavy: check.isHeavy, check });
      });
      if (source !== request) source.on('error', () => refuse(new HttpError(400, `the body is not valid ${encoding}`)));
      // Nobody reads this answer: it keeps a client that went away from being reported as a failure of the server.
      const cutOff = () => refuse(new HttpError(400, 'the request ended before its body'));
      // Of what is not HTTP, see `wrong-requests.ts`.
      request.on('error', (error) => (error instanceof HttpError ? refuse(error) : cutOff()));
      request.on('close', () => request.complete || cutOff());
    });

  return async (request, response, format, work) => {
    const encoding = encodingOf(request);
    const { pieces, isLarge, isHeavy, check } = await readBytes(request, response, format, encoding);
    const { read = (bytes: Buffer) => bytes } = format;
    // Empties the list, so that the bytes and the value are not both kept.
    const takePieces = () => pieces.splice(0);
    if (!isLarge) return work(read(join(takePieces()), check));
    return runInLine(async () => {
      if (!response.destroyed) await nextHeavyTurn();
      // The client has gone while this waited, and nobody would know what became of its request.
      if (response.destroyed) throw new HttpError(400, 'the client has not waited for its answer');
      const body = format.readLarge
        ? await format.readLarge(takePieces(), isHeavy)
        : read(Buffer.concat(takePieces()), check);
      await nextHeavyTurn();
      return work(body);
    });
  };
}

/** Small bodies mostly come in one piece. */
function join(pieces: readonly Buffer[]): Buffer {
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}

const BYTE_ORDER_MARK = Buffer.from('\ufeff');

/** Editors and shells of Windows write it before JSON; no format begins with these bytes otherwise. */
function skipByteOrderMark(pieces: Buffer[]): void {
  const { length } = BYTE_ORDER_MARK;
  if (pieces[0]?.[0] !== BYTE_ORDER_MARK[0]) return;
  // It may come in several pieces, none of which is empty.
  if (!Buffer.concat(pieces.slice(0, length), length).equals(BYTE_ORDER_MARK)) return;
  for (let left = length; left > 0; ) {
    const piece = pieces.shift() as Buffer;
    if (piece.length > left) pieces.unshift(piece.subarray(left));
    left -= piece.length;
  }
}

/** Letters match in either case, by RFC 9110 (8.4.1). */
function encodingOf({ headers }: IncomingMessage): string {
  const header = headers['content-encoding'] ?? '';
  const codings = header.split(',').map((coding) => coding.trim().toLowerCase());
  const [encoding = 'identity', ...others] = codings.filter((coding) => coding !== '' && coding !== 'identity');
  if (others.length > 0 || (encoding !== 'identity' && !UNPACKERS.has(encoding))) {
    const known = [...UNPACKERS.keys()].join(', ');
    const detail = `content encoding ${header} is not supported: expected ${known} or identity`;
    throw new HttpError(415, detail, { 'Accept-Encoding': `${known}, identity` });
  }
  return encoding;
}
