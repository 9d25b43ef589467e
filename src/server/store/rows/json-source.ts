/**
 * Remembers the text of what was parsed, so that it can be stored as it came: to write the JSON of a log again takes longer
 * than to parse it, and makes as much garbage.
 *
 * A text belongs to the very object or list that was parsed from it. Whoever changes something makes another one, of which
 * nothing is remembered. The text is what `JSON.stringify` would write, but for the order of keys: what is looked for in a
 * stored text is found if it is in the value, and not otherwise. Of a key that comes twice, the value has only the last
 * one: the first one must not be stored where nobody sees it.
 */
import { isObject } from '../../../wire/json.ts';

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** The whole text of a body is in memory as long as a part of it is remembered. */
const MAX_CHARACTERS = 1024 * 1024;

const MAX_EXACT_DIGITS = 15;

/** Makes a class whose constructor adds its private fields to the value that it is given. */
const Given = class {
  constructor(value: object) {
    // biome-ignore lint/correctness/noConstructorReturn: it is what this class is for.
    return value;
  }
};

/**
 * A text in a private field of the value itself, which nobody else sees and no copy has. For values whose keys were seen
 * before, a `WeakMap` takes several times as long, with the collections of garbage; for those with new keys, no longer.
 */
class Source extends Given {
  #text: string | undefined;

  private constructor(value: object, text: string) {
    super(value);
    this.#text = text;
  }

  static of(value: object): string | undefined {
    return #text in value ? value.#text : undefined;
  }

  /** `undefined` forgets the one that was set before. */
  static set(value: object, text: string | undefined): void {
    if (#text in value) value.#text = text;
    else if (text !== undefined) new Source(value, text);
  }
}

/** What is found at a place of the text. */
interface Found {
  /** The place after it. */
  readonly end: number;
  /** How many keys are in it, those that come twice counted twice. */
  readonly keys: number;
  /** Whether `JSON.stringify` would write its spaces and numbers in the same way. */
  readonly isPlain: boolean;
}

/** Returns the JSON that the value was parsed from, where it is remembered. */
export function sourceOf(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null ? Source.of(value) : undefined;
}

/**
 * Remembers the texts of the objects and lists in these fields of the body, or of each item if it is a list. `body` must be
 * what `JSON.parse` has made of `text`. What is of a large body, or has spaces, needless escapes, keys that come twice or
 * numbers in another spelling, is written again when it is stored.
 */
export function rememberSources(text: string, body: unknown, fields: ReadonlySet<string>): void {
  if (typeof body !== 'object' || text.length > MAX_CHARACTERS) return;
  if (text.includes('\\u') || text.includes('\\/')) return;
  let at = nextValue(text, 0);
  if (!Array.isArray(body)) return void rememberItem(text, at, body, fields);
  at += 1;
  for (const item of body) {
    at = nextValue(text, at);
    at = isObject(item) ? rememberItem(text, at, item, fields) : findValue(text, at).end;
  }
}

/** Returns the place after the object that begins at `open`. */
function rememberItem(text: string, open: number, item: unknown, fields: ReadonlySet<string>): number {
  let key = nextValue(text, open + 1);
  while (text.charCodeAt(key) === QUOTE) {
    const keyEnd = endOfText(text, key);
    const start = nextValue(text, keyEnd);
    const first = text.charCodeAt(start);
    if (first === QUOTE) {
      key = nextValue(text, endOfText(text, start));
      continue;
    }
    const { end, keys, isPlain } = findValue(text, start);
    if (first === OPEN_OBJECT || first === OPEN_LIST) {
      const field = text.slice(key + 1, keyEnd - 1);
      const value = fields.has(field) ? (item as Record<string, unknown>)[field] : undefined;
      // Of a field that comes twice, the last one counts, here and for `JSON.parse`.
      if (typeof value === 'object' && value !== null) {
        Source.set(value, isPlain && keys === countKeys(value) ? text.slice(start, end) : undefined);
      }
    }
    key = nextValue(text, end);
  }
  return key + 1;
}

/** Skips what is between values. */
function nextValue(text: string, from: number): number {
  let at = from;
  for (let code = text.charCodeAt(at); code <= SPACE || code === COMMA || code === COLON; code = text.charCodeAt(at))
    at += 1;
  return at;
}

/** `open` is the place of the first quote. Returns the place after the last one. */
function endOfText(text: string, open: number): number {
  let end = text.indexOf('"', open + 1);
  while (text.charCodeAt(end - 1) === BACKSLASH && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end + 1;
}

function findValue(text: string, start: number): Found {
  let [depth, keys, isPlain] = [0, 0, true];
  let at = start;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfText(text, at) - 1;
      if (depth === 0) return { end: at + 1, keys, isPlain };
    } else if (code === OPEN_OBJECT || code === OPEN_LIST) depth += 1;
    else if (code === CLOSE_OBJECT || code === CLOSE_LIST) {
      // Where the value is a number or a word, this is the end of what it is in.
      if (depth === 0) break;
      depth -= 1;
      if (depth === 0) return { end: at + 1, keys, isPlain };
    } else if (depth === 0) {
      if (code === COMMA) break;
    } else if (code === COLON) keys += 1;
    else if (code === MINUS || (code >= ZERO && code <= NINE)) {
      const start = at;
      while (isInNumber(text.charCodeAt(at + 1))) at += 1;
      if (isPlain && !isShortCount(text, start, at + 1)) isPlain = isAsWritten(text.slice(start, at + 1));
    } else if (code <= SPACE) isPlain = false;
  }
  return { end: at, keys, isPlain };
}

/** Counts the keys of all objects in the value. No body is so deep that the stack would not do. */
function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let keys = 0;
  if (Array.isArray(value)) for (const element of value) keys += countKeys(element);
  else for (const key in value) keys += 1 + countKeys((value as Record<string, unknown>)[key]);
  return keys;
}

/** False beyond the end of the text. */
function isInNumber(code: number): boolean {
  return code > SPACE && code !== COMMA && code !== CLOSE_LIST && code !== CLOSE_OBJECT;
}

/** Whether it has nothing but digits, and so few that it is exact: it is certainly as written, and most numbers are. */
function isShortCount(text: string, start: number, end: number): boolean {
  if (end - start > MAX_EXACT_DIGITS) return false;
  for (let at = start; at < end; at += 1) {
    const code = text.charCodeAt(at);
    if (code < ZERO || code > NINE) return false;
  }
  return true;
}

/** A longer number is read as another one, and is searched for as that. */
function isAsWritten(number: string): boolean {
  return String(Number(number)) === number;
}

/** Whether an odd number of backslashes is before this place. */
function isEscaped(text: string, at: number): boolean {
  let start = at;
  while (text.charCodeAt(start - 1) === BACKSLASH) start -= 1;
  return (at - start) % 2 === 1;
}
