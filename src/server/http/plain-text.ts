/**
 * Finds what ends a text of JSON, is escaped in it, or may not be in it, four bytes at a time: most bytes of a body are in
 * texts.
 */

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
/** Bytes below are control characters, which a text has only escaped. */
export const SPACE = 0x20;
const QUOTES = 0x22222222;
const BACKSLASHES = 0x5c5c5c5c;
const SPACES = 0x20202020;
const ONES = 0x01010101;
const HIGH_BITS = 0x80808080 | 0;

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

  /** Returns where the next quote, backslash or control character is, or an index that is not below the number of bytes. */
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

function isMark(byte: number): boolean {
  return byte === QUOTE || byte === BACKSLASH || byte < SPACE;
}

/**
 * Whether one of the four bytes is a mark, or is behind one: it becomes 0 where its own bits are turned, and a byte of 0 is
 * one whose high bit is not set before, and set when one is taken away; of a control character, when 32 are.
 */
function hasMark(word: number): boolean {
  const quotes = word ^ QUOTES;
  const backslashes = word ^ BACKSLASHES;
  const marks = ((quotes - ONES) & ~quotes) | ((backslashes - ONES) & ~backslashes) | ((word - SPACES) & ~word);
  return (marks & HIGH_BITS) !== 0;
}
