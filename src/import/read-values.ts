/**
 * Reads the JSON values of a file one by one, whatever its size: one on each line (the Collector's file exporter), or one
 * after the other over several lines, also as elements of one list. The memory that it takes is that of the largest
 * value.
 */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { HumanloopError } from '../errors.ts';
import { type FileFault, type FileValue, ValueScanner } from './value-scanner.ts';

const GZIP_MAGIC = [0x1f, 0x8b];
const MAX_VALUE_BYTES = 256 * 1024 * 1024;

/**
 * Yields the values, and a fault for each place that is not JSON. `name` is a path, or `-` for the standard input.
 *
 * @throws {HumanloopError} if the file cannot be read to its end.
 */
export async function* readValues(name: string, stdin: Readable): AsyncGenerator<FileValue | FileFault> {
  const scanner = new ValueScanner(MAX_VALUE_BYTES);
  try {
    for await (const chunk of unpacked(name === '-' ? stdin : createReadStream(name))) yield* scanner.read(chunk);
  } catch (error) {
    throw new HumanloopError(`${name}: ${explain(error as NodeJS.ErrnoException)}`, { cause: error });
  }
  yield* scanner.end();
}

/** Unpacks gzip, which is known by its first two bytes, since the standard input has no name. */
async function* unpacked(source: Readable): AsyncGenerator<Buffer> {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let head = Buffer.alloc(0);
  while (head.length < GZIP_MAGIC.length) {
    const { done, value } = await chunks.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  const whole = (async function* () {
    yield head;
    for (;;) {
      const { done, value } = await chunks.next();
      if (done) return;
      yield value;
    }
  })();
  if (!GZIP_MAGIC.every((byte, index) => head[index] === byte)) return yield* whole;
  const { Readable: Stream, pipeline } = await import('node:stream');
  const gunzip = createGunzip();
  // The error, if any, comes out of the loop below.
  pipeline(Stream.from(whole), gunzip, () => {});
  for await (const chunk of gunzip) yield chunk as Buffer;
}

function explain({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EISDIR':
      return 'this is a folder';
    case 'EACCES':
      return 'the file may not be read by this user';
    case 'Z_BUF_ERROR':
    case 'Z_DATA_ERROR':
      return `the gzip is cut or damaged (${message})`;
    default:
      return message;
  }
}
