/** Unpacks `deflate`: zlib's format, by RFC 9110; some senders leave its header out. */
import { Transform, type TransformCallback } from 'node:stream';
import { createInflateRaw, createInflate as createZlibInflate } from 'node:zlib';

/** The low half of zlib's first byte: the method is deflate. No raw stream of several bytes begins like this. */
const ZLIB_METHOD = 8;

export function createInflate(): Transform {
  return new Inflate();
}

/** Waits for the first byte, and passes all on to what that asks for. */
class Inflate extends Transform {
  #inner: Transform | undefined;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (chunk.length === 0) return done();
    this.#inner ??= this.#open(chunk[0]!);
    // Whoever reads too slowly is not given more: `done` is called when the inner stream has taken the chunk.
    this.#inner.write(chunk, (error) => done(error));
  }

  override _flush(done: TransformCallback): void {
    if (!this.#inner) return done(new Error('an empty body is not deflated'));
    this.#inner.once('end', () => done());
    this.#inner.end();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#inner?.destroy();
    done(error);
  }

  #open(firstByte: number): Transform {
    const inner = (firstByte & 15) === ZLIB_METHOD ? createZlibInflate() : createInflateRaw();
    inner.on('data', (piece: Buffer) => this.push(piece));
    inner.on('error', (error) => this.destroy(error));
    return inner;
  }
}
