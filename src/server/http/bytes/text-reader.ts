/**
 * Reads texts of JSON by copying what is between their escapes, four bytes at a time. For `JSON.parse` there would have
 * to be a text with the escapes first, which takes as much memory again.
 */
import { decodeText } from './decode-utf8.ts';
import { BACKSLASH, HIGH_BITS, hasMark, isMark, QUOTE, SPACE } from './plain-text.ts';

/** In bytes. */
const MAX_LENGTH = 65_536;
/** Used for one text after the other. */
const target = Buffer.alloc(MAX_LENGTH);
const targetView = new DataView(target.buffer, target.byteOffset, MAX_LENGTH);

const SPACES = 0x20202020;

/** By the letter behind a backslash. Those that are named by their numbers are not here. */
const ESCAPED = new Uint8Array(256);
for (const letter of '"\\/bfnrt') {
  ESCAPED[letter.charCodeAt(0)] = (JSON.parse(`"\\${letter}"`) as string).charCodeAt(0);
}

export class TextReader {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  /** Behind the quote that ends the text which was read last. */
  end = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Returns the text; undefined for a long one, one with numbered letters, and what is no text. */
  readFrom(start: number): string | undefined {
    const bytes = this.#bytes;
    const view = this.#view;
    const limit = Math.min(bytes.length, start + MAX_LENGTH);
    const lastWord = limit - 4;
    let passed = 0;
    let at = start;
    let length = 0;
    while (at < limit) {
      while (at <= lastWord) {
        const word = view.getInt32(at, true);
        if (hasMark(word) || hasControl(word)) break;
        targetView.setInt32(length, word, true);
        passed |= word;
        at += 4;
        length += 4;
      }
      let byte = bytes[at]!;
      while (!isMark(byte) && byte >= SPACE) {
        target[length] = byte;
        passed |= byte;
        length += 1;
        at += 1;
        if (at >= limit) return undefined;
        byte = bytes[at]!;
      }
      if (byte === QUOTE) {
        this.end = at + 1;
        return decodeText(target, 0, length, (passed & HIGH_BITS) === 0);
      }
      if (byte !== BACKSLASH || at + 1 >= limit) return undefined;
      const meaning = ESCAPED[bytes[at + 1]!]!;
      if (meaning === 0) return undefined;
      target[length] = meaning;
      length += 1;
      at += 2;
    }
    return undefined;
  }
}

/** Whether one of the four bytes is a control character, which no text may have: it is below zero without its 32. */
function hasControl(word: number): boolean {
  return ((word - SPACES) & ~word & HIGH_BITS) !== 0;
}
