/** Memory in which JSON is written whose size is known only afterwards. It is reused, and never read before it is written. */
import type { ByteBody, EncodedText } from './body.ts';

/** Most bytes that one UTF-16 unit takes in UTF-8. */
const MAX_BYTES_PER_UNIT = 3;
const PADDING = Buffer.from('    ');
const SPACES = 0x20202020;
const HIGHEST_BITS = 0x80808080;
const FIRST_BYTES = 64 * 1024;
/** More than this is not kept for the next use. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

export class Scratch {
  #bytes = Buffer.alloc(0);
  #length = 0;
  /** The bytes, four at a time. */
  #words = new Int32Array(0);

  get bytes(): Buffer {
    return this.#bytes;
  }

  get length(): number {
    return this.#length;
  }

  restart(): void {
    this.#length = 0;
    if (this.#bytes.length > MAX_KEPT_BYTES) this.#bytes = Buffer.alloc(0);
  }

  /** Lone surrogates become U+FFFD. */
  write(text: string): void {
    this.#makeRoom(text.length * MAX_BYTES_PER_UNIT);
    this.#length += this.#bytes.write(text, this.#length);
  }

  copyText(text: EncodedText): void {
    this.#makeRoom(text.length);
    this.#length = text.copy(this.#bytes, this.#length);
  }

  copyBody(body: ByteBody, from: number): void {
    this.#makeRoom(body.length);
    this.#length = body.copy(this.#bytes, this.#length, from, body.length);
  }

  /** Returns what was written. */
  copy(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  /** Whether what was written has control characters, which JSON never has. */
  hasControls(): boolean {
    this.#makeRoom(PADDING.length);
    PADDING.copy(this.#bytes, this.#length);
    const words = this.#words;
    const end = Math.ceil(this.#length / PADDING.length);
    // A byte below 0x20 borrows from its highest bit, which it does not have itself.
    let found = 0;
    for (let at = 0; at < end; at++) found |= ((words[at] as number) - SPACES) & ~(words[at] as number);
    return (found & HIGHEST_BITS) !== 0;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, this.#bytes.length * 2, needed));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
    this.#words = new Int32Array(grown.buffer, 0, grown.length >> 2);
  }
}
