/**
 * Integers in JSON that a number of JavaScript cannot hold: ids of 64 bits, mostly. They are parsed to bigints, so that
 * no other digits are sent. Texts that are written of them (arguments, results) have the same number again, objects its
 * digits as a text: whoever parses those as numbers once more would round them.
 */
import { replaceOutsideStrings } from './string-end.ts';

/** All shorter integers are safe. */
const MIN_DIGITS = 16;
/** To parse more takes time that grows with their square, and no id has as many. */
const LONG_INTEGER = /(?<![^\s,:[])-?[1-9]\d{15,299}(?![^\s,\]}])/g;

/**
 * Whether an integer may be in the JSON that has to be parsed so. Looks at each sixteenth character, as nearly no text
 * has one.
 */
export function hasLongInteger(text: string): boolean {
  for (let at = MIN_DIGITS - 1; at < text.length; at += MIN_DIGITS) {
    if (!isDigit(text.charCodeAt(at))) continue;
    let from = at;
    let to = at + 1;
    while (from > 0 && isDigit(text.charCodeAt(from - 1))) from--;
    while (to < text.length && isDigit(text.charCodeAt(to))) to++;
    if (to - from >= MIN_DIGITS && stands(text, from, to)) return true;
    at = to - 1;
  }
  return false;
}

/** Whether the digits are all of a number: those of a fraction or an id are not. */
function stands(text: string, from: number, to: number): boolean {
  const before = text[from - 1] === '-' ? from - 2 : from - 1;
  return (before < 0 || BEFORE.test(text[before]!)) && (to === text.length || AFTER.test(text[to]!));
}

const BEFORE = /[\s,:[]/;
const AFTER = /[\s,\]}]/;

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** Returns a number, or the integer of which a number would print other digits. */
export function exactNumberOf(digits: string): number | bigint {
  const number = Number(digits);
  return INTEGER.test(digits) && `${number}` !== digits ? BigInt(digits) : number;
}

const INTEGER = /^-?[1-9]\d{15,299}$/;

/** Marks texts that stand for integers, in what is parsed and written here. */
const MARK = '\u{10fffd}int:';
const MARKED = new RegExp(`"${MARK}(-?[1-9]\\d{15,299})"`, 'g');

/**
 * Parses JSON. `mayHave` is asked for each long integer.
 *
 * @throws {SyntaxError} if it is none, or may not have so many of them.
 */
export function parseExactly(json: string, mayHave: () => boolean): unknown {
  if (!hasLongInteger(json)) return JSON.parse(json);
  const marked = replaceOutsideStrings(json, LONG_INTEGER, (digits) => {
    if (!mayHave()) throw new SyntaxError('too many long integers');
    return typeof exactNumberOf(digits) === 'number' ? digits : `"${MARK}${digits}"`;
  });
  return marked === json ? JSON.parse(json) : withoutMarks(JSON.parse(marked));
}

/**
 * Puts integers in the places of their marks. A reviver would overflow the stack where `JSON.parse` alone does not, which is
 * of any depth.
 */
function withoutMarks(parsed: unknown): unknown {
  const root = [parsed];
  const open: object[] = [root];
  for (let holder = open.pop() as Record<string, unknown> | undefined; holder; holder = open.pop() as typeof holder) {
    for (const key in holder) {
      const value = holder[key];
      if (typeof value === 'object' && value !== null) open.push(value);
      else if (typeof value === 'string' && value.startsWith(MARK)) holder[key] = integerOf(value);
    }
  }
  return root[0];
}

function integerOf(marked: string): bigint | string {
  const digits = marked.slice(MARK.length);
  return INTEGER.test(digits) ? BigInt(digits) : marked;
}

/** Returns a text that stands for the integer until `withIntegers` has put it into the JSON. */
export function markOf(integer: bigint): string {
  return MARK + integer;
}

/** Returns JSON with integers in the places of their marks. */
export function withIntegers(json: string): string {
  return json.replace(MARKED, '$1');
}
