/**
 * Where the fields of a body's items are that have objects or lists, as `JsonStructure` comes by them: their text can be
 * stored as it came. It is what `JSON.stringify` would write of the value, but for the order of keys: what is looked for
 * in a stored text is found if it is in the value, and not otherwise. So nothing is remembered of what has spaces,
 * needless escapes, numbers in another spelling, or a key that comes twice: the value has only the last one, and the first
 * one must not be stored where nobody sees it.
 */
import { isObject } from '../../../wire/json.ts';
import { rememberSource } from '../../store/rows/json-source.ts';
import { decodeText } from './decode-utf8.ts';

/** The whole text of a body is in memory as long as a part of it is remembered. */
const MAX_BYTES = 1024 * 1024;

const OPEN_LIST = 0x5b;

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

export class JsonPlaces {
  readonly #fields: ReadonlySet<string>;
  readonly #noted: number[] = [];
  #level = NOT_YET;
  #item = 0;
  #keyStart = 0;
  #keyEnd = 0;
  #start = 0;
  readonly #before: Tally = { keys: 0, oddities: 0 };
  #length = 0;
  #isUseless = false;

  constructor(fields: ReadonlySet<string>) {
    this.#fields = fields;
  }

  /** The depth at which the fields are: 1 where the body is an object, 2 where it is a list. */
  get level(): number {
    return this.#level;
  }

  /** A piece of so many bytes is over. */
  passPiece(length: number): void {
    this.#length += length;
  }

  /** The body begins, with this byte. Returns the level. */
  begin(byte: number): number {
    this.#level = byte === OPEN_LIST ? 2 : 1;
    return this.#level;
  }

  /** A comma of the outermost list or object. */
  passItem(): void {
    if (this.#level === 2) this.#item += 1;
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
    const { keys: keysBefore, oddities: odditiesBefore } = this.#before;
    const isPlain = oddities === odditiesBefore;
    if (this.#isUseless) return;
    const keysInside = isPlain ? keys - keysBefore : ODD;
    this.#noted.push(this.#item, this.#keyStart, this.#keyEnd, this.#start, end, keysInside);
    if (end > MAX_BYTES) this.forget();
  }

  /** Nothing will be remembered of this body. */
  forget(): void {
    this.#isUseless = true;
    this.#noted.length = 0;
  }

  /**
   * Remembers the texts of the values in these fields of the body, or of each item if it is a list. `text` is what the
   * bytes say, and `body` what `JSON.parse` has made of it.
   */
  remember(bytes: Buffer, text: string, body: unknown): void {
    // A byte order mark was taken away: all is elsewhere.
    const isElsewhere = bytes.length !== this.#length;
    if (this.#isUseless || isElsewhere || bytes.length > MAX_BYTES) return;
    // Then each character is one byte.
    const isPlain = text.length === bytes.length;
    const noted = this.#noted;
    for (let at = 0; at < noted.length; at += NOTED) {
      const item = this.#level === 2 ? (body as unknown[])[noted[at]!] : body;
      if (!isObject(item)) continue;
      const [keyStart, keyEnd] = [noted[at + 1]!, noted[at + 2]!];
      const field = isPlain ? text.slice(keyStart, keyEnd) : bytes.toString('latin1', keyStart, keyEnd);
      const value = this.#fields.has(field) ? item[field] : undefined;
      // Of a field that comes twice, the last one counts, here and for `JSON.parse`.
      if (typeof value !== 'object' || value === null) continue;
      const [start, end, keys] = [noted[at + 3]!, noted[at + 4]!, noted[at + 5]!];
      if (keys !== countKeys(value)) rememberSource(value, undefined);
      else rememberSource(value, isPlain ? text.slice(start, end) : decodeText(bytes, start, end, false));
    }
  }
}

/** Counts the keys of all objects in the value. No body is so deep that the stack would not do. */
function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let keys = 0;
  if (Array.isArray(value)) for (const element of value) keys += countKeys(element);
  else for (const key in value) keys += 1 + countKeys((value as Record<string, unknown>)[key]);
  return keys;
}
