/**
 * Reads JSON value by value from its bytes, without making text or a tree of the whole. It takes only what `JSON.parse`
 * takes, and reads the same of it; of all that is rare it says `Doubt`, and whoever reads has another way for that.
 */
import { isUtf8 } from 'node:buffer';
import { decodeUtf8 } from './decode-utf8.ts';
import { Keys, UNKNOWN } from './json-keys.ts';
import { BACKSLASH, PlainText, QUOTE, SPACE } from './plain-text.ts';
import { MAX_NAME_BYTES, nameAt } from './remembered-names.ts';
import { TextReader } from './text-reader.ts';

const COMMA = 0x2c;
const MINUS = 0x2d;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const UNDERSCORE = 0x5f;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** Of the bytes of ASCII, the last one that is no control character. */
const TILDE = 0x7e;
const [FALSE, NULL, TRUE] = ['false', 'null', 'true'].map((word) => Buffer.from(word)) as [Buffer, Buffer, Buffer];

/** Returned for the end of an object. */
export const END = -1;
/** So many digits are a whole number that loses nothing. */
const EXACT_DIGITS = 15;
/** In bytes. What is longer and cannot be divided would hold up all others: it is better read on another thread. */
const MAX_STEP = 1_048_576;
/** Of values that are skipped. */
const MAX_DEPTH = 64;

/** This way does not know what the text means, or whether it means anything. */
export class Doubt extends Error {
  override readonly name = 'Doubt';
}

export class JsonReader {
  readonly #all: Buffer;
  readonly #texts: TextReader;
  /** Those that may be read in this step. Behind them is nothing, as behind the end. */
  #bytes: Buffer;
  #pos = 0;

  constructor(bytes: Buffer) {
    // What is in a text that is no UTF-8 depends on what is before it.
    if (!isUtf8(bytes)) throw new Doubt();
    this.#all = bytes;
    this.#bytes = bytes.subarray(0, MAX_STEP);
    this.#texts = new TextReader(bytes);
  }

  /** To be called where other work of the process may have been done. A step has half of the most bytes at least. */
  beginStep(): void {
    if (this.#bytes.length === this.#all.length || this.#bytes.length - this.#pos > MAX_STEP / 2) return;
    this.#bytes = this.#all.subarray(0, this.#pos + MAX_STEP);
  }

  /** Enters an object. Returns its first key, as `nextKey` does. */
  firstKey(keys: Keys<string>): number {
    this.#take(OPEN_OBJECT);
    if (this.#peek() !== CLOSE_OBJECT) return this.#readKey(keys, UNKNOWN);
    this.#pos += 1;
    return END;
  }

  /** Returns the index of the key whose value comes next, `UNKNOWN` for all other keys, `END` behind the object. */
  nextKey(keys: Keys<string>, previous: number): number {
    const byte = this.#peek();
    this.#pos += 1;
    if (byte === CLOSE_OBJECT) return END;
    if (byte !== COMMA) throw new Doubt();
    return this.#readKey(keys, previous);
  }

  /** Enters a list. Returns whether it has an item. */
  firstItem(): boolean {
    this.#take(OPEN_LIST);
    if (this.#peek() !== CLOSE_LIST) return true;
    this.#pos += 1;
    return false;
  }

  /** Returns whether an item comes next; if not, the list is left. */
  nextItem(): boolean {
    const byte = this.#peek();
    this.#pos += 1;
    if (byte === COMMA) return true;
    if (byte !== CLOSE_LIST) throw new Doubt();
    return false;
  }

  /** Nothing may be behind the whole. */
  end(): void {
    this.#peek();
    if (this.#pos < this.#all.length) throw new Doubt();
  }

  readText(): string {
    this.#take(QUOTE);
    const text = this.#texts.readFrom(this.#pos);
    if (text === undefined) return this.#parseText(this.#pos - 1);
    this.#pos = this.#texts.end;
    return text;
  }

  /** Reads a text that is most probably the same as one before. */
  readName(): string {
    this.#take(QUOTE);
    const bytes = this.#bytes;
    const start = this.#pos;
    const limit = Math.min(start + MAX_NAME_BYTES, bytes.length);
    for (let at = start; at < limit; at += 1) {
      const byte = bytes[at]!;
      if (byte === QUOTE) {
        this.#pos = at + 1;
        return nameAt(bytes, start, at - start);
      }
      if (byte < SPACE || byte > TILDE || byte === BACKSLASH) break;
    }
    this.#pos = start - 1;
    return this.readText();
  }

  /** Reads anything but an object or a list. */
  readScalar(): string | number | boolean | null {
    const byte = this.#peek();
    if (byte === QUOTE) return this.readText();
    if (byte === NULL[0]) return this.#takeWord(NULL, null);
    if (byte === TRUE[0]) return this.#takeWord(TRUE, true);
    if (byte === FALSE[0]) return this.#takeWord(FALSE, false);
    return this.#readNumber();
  }

  /** Returns whether null comes next, and reads it. */
  skipNull(): boolean {
    if (this.#peek() !== NULL[0]) return false;
    this.#takeWord(NULL, null);
    return true;
  }

  /**
   * Where a text of decimal digits comes next, of which no more are than given: returns how many, and reads none.
   * Else returns 0.
   */
  countDigits(most: number): number {
    if (this.#peek() !== QUOTE) return 0;
    const bytes = this.#bytes;
    const start = this.#pos + 1;
    let at = start;
    while (at - start <= most && isDigit(bytes[at]!)) at += 1;
    const count = at - start;
    return count <= most && bytes[at] === QUOTE ? count : 0;
  }

  /** Reads the number of some digits of the text that `countDigits` has found, and enters or leaves it. */
  takeDigits(count: number): number {
    const bytes = this.#bytes;
    if (bytes[this.#pos] === QUOTE) this.#pos += 1;
    const end = this.#pos + count;
    let number = 0;
    for (let at = this.#pos; at < end; at += 1) number = number * 10 + (bytes[at]! - DIGIT_0);
    this.#pos = bytes[end] === QUOTE ? end + 1 : end;
    return number;
  }

  /** Skips a value, which is JSON all the same. */
  skip(depth = 0): void {
    const byte = this.#peek();
    if (byte === OPEN_OBJECT) {
      if (depth > MAX_DEPTH) throw new Doubt();
      for (let key = this.firstKey(NO_KEYS); key !== END; key = this.nextKey(NO_KEYS, key)) this.skip(depth + 1);
    } else if (byte === OPEN_LIST) {
      if (depth > MAX_DEPTH) throw new Doubt();
      for (let isItem = this.firstItem(); isItem; isItem = this.nextItem()) this.skip(depth + 1);
    } else this.readScalar();
  }

  /** Returns the next byte that is no space, without reading it. */
  #peek(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.#pos]!;
    while (byte <= SPACE) {
      if (byte !== SPACE && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) throw new Doubt();
      this.#pos += 1;
      byte = bytes[this.#pos]!;
    }
    return byte;
  }

  #take(expected: number): void {
    if (this.#peek() !== expected) throw new Doubt();
    this.#pos += 1;
  }

  #readKey(keys: Keys<string>, previous: number): number {
    this.#take(QUOTE);
    const key = keys.find(this.#bytes, this.#pos, previous);
    if (key === UNKNOWN) this.#skipKey();
    else this.#pos += keys.names[key]!.length + 1;
    this.#take(COLON);
    return key;
  }

  /** A key that is escaped may be one that is known, and one with `_` has a meaning for those who rename it. */
  #skipKey(): void {
    const bytes = this.#bytes;
    for (let at = this.#pos; at < bytes.length; at += 1) {
      const byte = bytes[at]!;
      if (byte === QUOTE) {
        this.#pos = at + 1;
        return;
      }
      if (byte < SPACE || byte > TILDE || byte === BACKSLASH || byte === UNDERSCORE) break;
    }
    throw new Doubt();
  }

  /** Reads any text, from its first quote on. */
  #parseText(start: number): string {
    const bytes = this.#bytes;
    const plain = new PlainText(bytes);
    let end = plain.endFrom(start + 1);
    while (bytes[end] === BACKSLASH) end = plain.endFrom(end + 2);
    if (bytes[end] !== QUOTE) throw new Doubt();
    this.#pos = end + 1;
    return JSON.parse(decodeUtf8(bytes.subarray(start, end + 1))) as string;
  }

  #readNumber(): number {
    const bytes = this.#bytes;
    const start = this.#pos;
    let at = start;
    let number = 0;
    while (isDigit(bytes[at]!)) {
      number = number * 10 + (bytes[at]! - DIGIT_0);
      at += 1;
    }
    const count = at - start;
    const isPlain = count > 0 && count <= EXACT_DIGITS && (count === 1 || bytes[start] !== DIGIT_0);
    if (isPlain && !isInNumber(bytes[at]!)) {
      this.#pos = at;
      return number;
    }
    while (isInNumber(bytes[at]!)) at += 1;
    this.#pos = at;
    return at > start ? (JSON.parse(bytes.toString('latin1', start, at)) as number) : this.#stop();
  }

  #takeWord<Value>(word: Buffer, value: Value): Value {
    const bytes = this.#bytes;
    for (let of = 0; of < word.length; of += 1) if (bytes[this.#pos + of] !== word[of]) throw new Doubt();
    this.#pos += word.length;
    return value;
  }

  #stop(): never {
    throw new Doubt();
  }
}

const NO_KEYS = new Keys();

function isDigit(byte: number): boolean {
  return byte >= DIGIT_0 && byte <= DIGIT_9;
}

/** Digits, and `.`, `e`, `E`, `+` and `-`. */
function isInNumber(byte: number): boolean {
  return isDigit(byte) || byte === 0x2e || (byte | 0x20) === 0x65 || byte === 0x2b || byte === MINUS;
}
