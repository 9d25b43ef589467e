/**
 * Where the items of a body are, and those of their fields that have objects or lists, as `JsonStructure` meets them:
 * the text of such a field can be stored as it came. It is what `JSON.stringify` would write of the value, but for the
 * order of keys: what is looked for in a stored text is found if it is in the value, and not otherwise. So nothing is
 * remembered of what has spaces, needless escapes, numbers in another spelling, or a key that comes twice: the value
 * has only the last one, and the first one must not be stored where nobody sees it.
 */
import { isAscii } from 'node:buffer';
import { isObject } from '../../../wire/json.ts';
import { rememberSource } from '../../store/rows/json-source.ts';
import { decodeText, decodeUtf8 } from './decode-utf8.ts';
import { SPACE } from './plain-text.ts';

/** The text of an item is in memory as long as a part of it is remembered, or that of a body parsed as a whole. */
const MAX_BYTES = 1024 * 1024;

const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;

/**
 * Bytes of the body for each number that is kept of it: those who send next to nothing but brackets, and then stop, would
 * fill the memory, in which only the bytes are counted. Logs have fewer.
 */
const BYTES_OF_NUMBER = 4;
/** Of a small body. */
const FREE_NUMBERS = 256;

/** Numbers that are noted for each value: item, start and end of its key, start, end, keys. */
const NOTED = 6;
/** No text is so high. */
const NOT_YET = -1;
/** In place of the keys: it would be written in another way. */
const ODD = -1;

/** What came until a place of the text. */
export interface Tally {
  /** Of all objects. Those that come twice count twice. */
  keys: number;
  /** Spaces, and numbers that are or may be in another spelling than `JSON.stringify` has for them. */
  oddities: number;
}

/** What the bytes between two places say. */
interface Part {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export class JsonPlaces {
  readonly #fields: ReadonlySet<string>;
  /** Start and end of each object or list in the body, if it is a list. */
  readonly #spans: number[] = [];
  readonly #noted: number[] = [];
  #level = NOT_YET;
  #item = 0;
  #keyStart = 0;
  #keyEnd = 0;
  #start = 0;
  readonly #before: Tally = { keys: 0, oddities: 0 };
  #length = 0;
  #isUseless = false;
  /** Whether the body is parsed as a whole. */
  #isWhole = false;

  /** `fields` are those that `sourceOf` has the texts of afterwards. */
  constructor(fields: ReadonlySet<string>) {
    this.#fields = fields;
  }

  /** The depth at which the fields are: 1 where the body is an object, 2 where it is a list. */
  get level(): number {
    return this.#level;
  }

  /** The body begins, with this byte. Returns the level. */
  begin(byte: number): number {
    this.#level = byte === OPEN_LIST ? 2 : 1;
    return this.#level;
  }

  /** A piece of so many bytes is over. */
  passPiece(length: number): void {
    this.#length += length;
  }

  /** A comma of the outermost list or object. */
  passItem(): void {
    if (this.#level === 2) this.#item += 1;
  }

  /** An item begins or ends here, if the body is a list. */
  passBorder(at: number): void {
    if (this.#level === 2 && this.#length < MAX_BYTES && this.#hasRoom(at)) this.#spans.push(at);
  }

  /** A text among the fields, with its quotes: a key, or the value of one. */
  passText(start: number, end: number): void {
    this.#keyStart = start + 1;
    this.#keyEnd = end - 1;
  }

  open(at: number, { keys, oddities }: Tally): void {
    this.#start = at;
    this.#before.keys = keys;
    this.#before.oddities = oddities;
  }

  close(end: number, { keys, oddities }: Tally): void {
    if (end > MAX_BYTES) this.forget();
    if (this.#isUseless || !this.#hasRoom(end)) return;
    const { keys: keysBefore, oddities: odditiesBefore } = this.#before;
    const keysInside = oddities === odditiesBefore ? keys - keysBefore : ODD;
    this.#noted.push(this.#item, this.#keyStart, this.#keyEnd, this.#start, end, keysInside);
  }

  /** No text will be remembered of this body. */
  forget(): void {
    this.#isUseless = true;
    this.#noted.length = 0;
  }

  /** Forgets all, for good, where too much would be kept of so many bytes. */
  #hasRoom(bytes: number): boolean {
    if (this.#isWhole) return false;
    this.#isWhole = this.#spans.length + this.#noted.length > FREE_NUMBERS + bytes / BYTES_OF_NUMBER;
    if (!this.#isWhole) return true;
    this.#spans.length = 0;
    this.forget();
    return false;
  }

  /**
   * Returns what `JSON.parse` makes of the body, or throws what it throws. Each item of a list is parsed by itself if
   * that can be: to make room for a text of hundreds of kilobytes takes V8 a fifth of the time of parsing.
   */
  parse(bytes: Buffer): unknown {
    // A byte order mark was taken away: all is elsewhere.
    const isElsewhere = bytes.length !== this.#length;
    if (isElsewhere || bytes.length > MAX_BYTES) return JSON.parse(decodeUtf8(bytes));
    return this.#parseItems(bytes) ?? this.#parseWhole(bytes);
  }

  /** Returns undefined where something else is between the items than should be, or one of them is not JSON. */
  #parseItems(bytes: Buffer): unknown[] | undefined {
    const spans = this.#spans;
    if (!areAllOfList(bytes, spans)) return undefined;
    const isPlain = isAscii(bytes);
    const items: unknown[] = [];
    let next = 0;
    for (let at = 0; at < spans.length; at += 2) {
      const [start, end] = [spans[at]!, spans[at + 1]!];
      const text = decodeText(bytes, start, end, isPlain);
      try {
        const item: unknown = JSON.parse(text);
        next = this.#remember(item, items.length, next, { bytes, start, end, text });
        items.push(item);
      } catch {
        return undefined;
      }
    }
    return items;
  }

  #parseWhole(bytes: Buffer): unknown {
    const whole = { bytes, start: 0, end: bytes.length, text: decodeUtf8(bytes) };
    const body: unknown = JSON.parse(whole.text);
    let next = 0;
    const items = this.#level === 2 ? (body as unknown[]) : [body];
    for (const [index, item] of items.entries()) next = this.#remember(item, index, next, whole);
    return body;
  }

  /** Remembers the texts of an item, whose fields are noted from `next` on. Returns where those of the next one are. */
  #remember(item: unknown, index: number, next: number, { bytes, start: base, end: last, text }: Part): number {
    const noted = this.#noted;
    // Then each character is one byte.
    const isPlain = text.length === last - base;
    const slice = (start: number, end: number) =>
      isPlain ? text.slice(start - base, end - base) : decodeText(bytes, start, end, false);
    let at = next;
    for (; noted[at] === index; at += NOTED) {
      if (!isObject(item)) continue;
      const field = slice(noted[at + 1]!, noted[at + 2]!);
      const value = this.#fields.has(field) ? item[field] : undefined;
      // Of a field that comes twice, the last one counts, here and for `JSON.parse`.
      if (typeof value !== 'object' || value === null) continue;
      const isAsWritten = noted[at + 5] === countKeys(value);
      rememberSource(value, isAsWritten ? slice(noted[at + 3]!, noted[at + 4]!) : undefined);
    }
    return at;
  }
}

/** Whether the bytes are a list of what is in these places, and of nothing else. */
function areAllOfList(bytes: Buffer, spans: readonly number[]): boolean {
  if (spans.length === 0 || spans.length % 2 !== 0) return false;
  let end = 0;
  for (let at = 0; at < spans.length; at += 2) {
    if (!isOnly(bytes, end, spans[at]!, at === 0 ? OPEN_LIST : COMMA)) return false;
    end = spans[at + 1]!;
  }
  return isOnly(bytes, end, bytes.length, CLOSE_LIST);
}

/** Whether there is this byte, once, and white space. */
function isOnly(bytes: Buffer, start: number, end: number, mark: number): boolean {
  let marks = 0;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at]!;
    if (byte === mark) marks += 1;
    else if (!isWhite(byte)) return false;
  }
  return marks === 1;
}

function isWhite(byte: number): boolean {
  return byte === SPACE || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

/** Counts the keys of all objects in the value. No body is so deep that the stack would not do. */
function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let keys = 0;
  if (Array.isArray(value)) for (const element of value) keys += countKeys(element);
  else for (const key in value) keys += 1 + countKeys((value as Record<string, unknown>)[key]);
  return keys;
}
