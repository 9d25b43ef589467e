/** Finds what ends a text of JSON, or is escaped in it, four bytes at a time: most bytes of a body are in texts. */

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
/** What is below is a control character. */
export const SPACE = 0x20;
const QUOTES = 0x22222222;
export const BACKSLASHES = 0x5c5c5c5c;
const ONES = 0x01010101;
/** Of each byte of a word: only ASCII has none of them. */
export const HIGH_BITS = 0x80808080 | 0;

export class PlainText {
  readonly #bytes: Buffer;
  /** Bytes before the first boundary of words. */
  readonly #shift: number;
  readonly #words: Int32Array;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#shift = -bytes.byteOffset & 3;
    const length = (bytes.length - this.#shift) >> 2;
    // An empty view may not begin behind the end of the memory.
    this.#words = length > 0 ? new Int32Array(bytes.buffer, bytes.byteOffset + this.#shift, length) : NO_WORDS;
  }

  /** Returns where the next quote or backslash is, or an index that is not below the number of bytes. */
  endFrom(start: number): number {
    const bytes = this.#bytes;
    const words = this.#words;
    const shift = this.#shift;
    const { length } = bytes;
    let index = start;
    while (((index - shift) & 3) !== 0) {
      if (index >= length || isMark(bytes[index]!)) return index;
      index += 1;
    }
    const wordCount = words.length;
    let word = (index - shift) >> 2;
    while (word < wordCount && !hasMark(words[word]!)) word += 1;
    index = (word << 2) + shift;
    while (index < length && !isMark(bytes[index]!)) index += 1;
    return index;
  }
}

const NO_WORDS = new Int32Array(0);

export function isMark(byte: number): boolean {
  return byte === QUOTE || byte === BACKSLASH;
}

/**
 * Whether one of the four bytes is a mark: it becomes 0 where its own bits are turned, and a byte of 0 is one whose high
 * bit is not set before, and set when one is taken away.
 */
export function hasMark(word: number): boolean {
  const quotes = word ^ QUOTES;
  const backslashes = word ^ BACKSLASHES;
  return ((((quotes - ONES) & ~quotes) | ((backslashes - ONES) & ~backslashes)) & HIGH_BITS) !== 0;
}
