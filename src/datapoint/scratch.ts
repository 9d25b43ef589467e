/** Memory in which JSON is written whose size is known only afterwards. It is reused, and never read before it is written. */
import type { ByteBody, EncodedText } from './body.ts';

/** Most bytes that one UTF-16 unit takes in UTF-8. */
const MAX_BYTES_PER_UNIT = 3;
const NONE: Buffer = Buffer.alloc(0);
const SPACE = 0x20;
const SPACES = 0x20202020;
const HIGHEST_BITS = 0x80808080;
/** Words that are looked through in one step, which is twice as fast as one by one. */
const STRIDE = 4;
const STRIDE_BYTES = 4 * STRIDE;
const FIRST_BYTES = 64 * 1024;
/** More than this is not kept for the next use. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;
/** Memory that was taken and given back: so many pieces, none of them larger. */
const MAX_SPARE = 4;
const MAX_SPARE_BYTES = 1024 * 1024;

export class Scratch {
  #bytes: Buffer = NONE;
  #length = 0;
  /** The bytes, four at a time. */
  #words: Int32Array = new Int32Array(0);
  readonly #spare: Buffer[] = [];

  get bytes(): Buffer {
    return this.#bytes;
  }

  get length(): number {
    return this.#length;
  }

  restart(): void {
    this.#length = 0;
    if (this.#bytes.length > MAX_KEPT_BYTES) this.#use(NONE);
    if (this.#bytes === NONE) this.#use(this.#spare.pop() ?? NONE);
  }

  /** Lone surrogates become U+FFFD. */
  write(text: string): void {
    this.#makeRoom(text.length * MAX_BYTES_PER_UNIT);
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** Writes a character of ASCII. */
  writeByte(code: number): void {
    this.#makeRoom(1);
    this.#bytes[this.#length++] = code;
  }

  copyText(text: EncodedText): void {
    this.#makeRoom(text.length);
    this.#length = text.copy(this.#bytes, this.#length);
  }

  copyBody(body: ByteBody, from: number): void {
    this.#makeRoom(body.length);
    this.#length = body.copy(this.#bytes, this.#length, from, body.length);
  }

  /** Returns what was written, and its memory with it, until `reuse` gives that back. */
  take(): Buffer {
    const written = this.#bytes.subarray(0, this.#length);
    this.#use(NONE);
    return written;
  }

  /** Takes memory that nobody reads any more. */
  reuse({ buffer, byteOffset }: Buffer): void {
    const isFitting = byteOffset === 0 && buffer.byteLength <= MAX_SPARE_BYTES;
    if (isFitting && this.#spare.length < MAX_SPARE) this.#spare.push(Buffer.from(buffer));
  }

  /** Whether what was written has control characters, which JSON never has. */
  hasControls(): boolean {
    this.#makeRoom(STRIDE_BYTES);
    const words = this.#words;
    const end = Math.ceil(this.#length / STRIDE_BYTES) * STRIDE;
    for (let at = this.#length; at < 4 * end; at++) this.#bytes[at] = SPACE;
    // A byte below 0x20 borrows from its highest bit, which it does not have itself.
    let found = 0;
    for (let at = 0; at < end; at += STRIDE) {
      const first = words[at] as number;
      const second = words[at + 1] as number;
      const third = words[at + 2] as number;
      const fourth = words[at + 3] as number;
      found |= ((first - SPACES) & ~first) | ((second - SPACES) & ~second);
      found |= ((third - SPACES) & ~third) | ((fourth - SPACES) & ~fourth);
    }
    return (found & HIGHEST_BITS) !== 0;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const former = this.#bytes;
    this.#use(Buffer.allocUnsafeSlow(roundUp(Math.max(FIRST_BYTES, former.length * 2, needed))));
    former.copy(this.#bytes, 0, 0, this.#length);
  }

  #use(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#words = new Int32Array(bytes.buffer, 0, bytes.length >> 2);
  }
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / STRIDE_BYTES) * STRIDE_BYTES;
}
