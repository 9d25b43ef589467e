/**
 * Readers of attribute values. Whatever an instrumentation wrote, they return a value of the named type or undefined,
 * and never throw.
 *
 * They take values, not keys, so that they also read event bodies and parsed JSON. A value may have the right type, be
 * its text (`"42"`, `"true"`, JSON), or be a nested object, which SDK 3 keeps on spans.
 */

import type { Attributes } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { areJsonLines } from './json/json-lines.ts';
import { toBoundedTree } from './json/plain-json.ts';
import { budgetNow, mayParse } from './json/text-weight.ts';
import { withQuotedWords } from './json/unescaped-texts.ts';
import { parsePrinted } from './printed/printed-literal.ts';
import { printedIn } from './printed/printed-objects.ts';
import { protoTextIn } from './printed/proto-text.ts';
import { parsePythonJson } from './printed/python-json.ts';
import { parsePythonLiteral, startsAsPython } from './printed/python-literal.ts';
import { salvageJson } from './salvage-json.ts';

/** Returns a non-empty string. Lone surrogates, which UTF-8 cannot encode, become U+FFFD. */
export function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.toWellFormed() : undefined;
}

/** Words that instrumentations write where they have no value: Micrometer `none`, Python `None`, Go `<nil>`. */
const FILLER: ReadonlySet<string> = new Set([
  ...['none', 'null', 'undefined', 'nil', 'n/a', ''],
  ...['<nil>', '<none>', '<null>', '<unknown>'],
]);
const FILLER_CHARACTERS = Math.max(...Array.from(FILLER, ({ length }) => length));

/** A server may refuse a log with a longer name, and with it its content. */
export const MAX_NAME_CHARS = 10_000;
/** The largest count that v4 can hold. */
const MAX_COUNT = 2 ** 31 - 1;
/** The highest cost that v4 can hold, in US dollars. */
const MAX_COST = 1e12;

/** Returns a string in the place of a name (model, provider, id, type of an error), unless it stands for nothing. */
export function nameOf(value: unknown): string | undefined {
  const text = stringOf(value);
  // Exporters that write each value as JSON write names in quotes.
  const name = text?.startsWith('"') ? unquotedText(text) : text;
  return name === undefined || name.length > MAX_NAME_CHARS || isFiller(name) ? undefined : name;
}

/** Whether the text is one of the words that stand for no value. */
export function isFiller(text: string): boolean {
  // The longest word has 9 characters.
  const word = text.trim();
  // A long text is not hashed to find out.
  return word.length <= FILLER_CHARACTERS && FILLER.has(text.length > 16 ? word : word.toLowerCase());
}

/** Returns a string that may be empty, as a model's answer may be. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.toWellFormed() : undefined;
}

/** Returns a string; that of OpenAI's Assistants and Azure's agents is the `value` of an object, beside annotations. */
export function annotatedTextOf(value: unknown): string | undefined {
  return textOf(isObject(value) ? value['value'] : value);
}

/** Returns a finite number, also from its text. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(withoutSeparators(value)) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** A number as it is printed for people: `1,024`. */
const IN_THOUSANDS = /^\s*[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?\s*$/;

function withoutSeparators(text: string): string {
  return text.includes(',') && IN_THOUSANDS.test(text) ? text.replaceAll(',', '') : text;
}

/** Returns a whole number, also from its text. */
export function integerOf(value: unknown): number | undefined {
  const number = numberOf(value);
  return number !== undefined && Number.isSafeInteger(number) ? number : undefined;
}

/** Returns a whole number of at least 0, such as a token count. */
export function countOf(value: unknown): number | undefined {
  const number = integerOf(value);
  return number !== undefined && number >= 0 && number <= MAX_COUNT ? number : undefined;
}

/** A cost as it is printed for people: `$0.0125`, `0.0125 USD`. */
const IN_DOLLARS = /^\s{0,8}(?:(?:US)?\$|USD)\s?([\d.,]{1,40})\s{0,8}$|^\s{0,8}([\d.,]{1,40})\s?(?:\$|USD)\s{0,8}$/i;

/** Returns a cost in US dollars; undefined for a negative one, which says that it is not known. */
export function costOf(value: unknown): number | undefined {
  const [, before, behind = before] = (typeof value === 'string' && IN_DOLLARS.exec(value)) || [];
  const number = numberOf(behind ?? value);
  return number !== undefined && number >= 0 && number <= MAX_COST ? number : undefined;
}

export function booleanOf(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') return undefined;
  const word = value.toLowerCase();
  return word === 'true' ? true : word === 'false' ? false : undefined;
}

/** JSON of a list, which may have been encoded twice. */
const LIST_START = /^"?\[/;

/** Returns the non-empty strings of a list or its JSON; any other string as a list of one. */
export function stringListOf(value: unknown): string[] | undefined {
  let list = value;
  if (typeof value === 'string') {
    // Python's tuples are lists too.
    const parsed = listOf(LIST_START.test(value) ? value : value.startsWith('(') ? parsePythonJson(value) : undefined);
    list = parsed ?? [value];
  }
  if (!Array.isArray(list)) return undefined;
  const strings: string[] = [];
  for (const item of list) {
    const text = stringOf(item);
    if (text !== undefined) strings.push(text);
  }
  return strings.length > 0 ? strings : undefined;
}

/**
 * Parses JSON text, also as Python writes it; returns structured values as they are. Returns undefined if the text is not
 * JSON.
 *
 * A text that would take too long stays a text (`text-weight.ts`): undefined.
 *
 * If the JSON was cut by a value length limit, it calls `onCut` and returns what can be saved. If nothing can be saved
 * it returns undefined, and the caller keeps the raw text.
 */
export function jsonOf(value: unknown, onCut?: () => void): unknown {
  if (typeof value !== 'string')
    return typeof value === 'object' && value !== null ? toBoundedTree(value) : (value ?? undefined);
  const first = value.charCodeAt(0);
  if (first === BYTE_ORDER_MARK && value.charCodeAt(1) !== first) return jsonOf(value.slice(1), onCut);
  // Most texts are not JSON, and to catch a SyntaxError costs much.
  if (!startsJson(first) || (first === OPEN_BRACKET && GOS_LIST.test(value))) return printedIn(value) ?? undefined;
  const isNested = first === OPEN_BRACE || first === OPEN_BRACKET;
  const isWord = !isNested && first > SPACE && first !== QUOTE;
  // Long texts that begin like a word of JSON are none. Python's are counted while they are read.
  const isLong = value.length > MAX_WORD_CHARS;
  if (isLong && budgetNow().hasRefused(value)) return undefined;
  const isPython = isLong && startsAsPython(value);
  if (isWord && isLong) return isPython ? parsePythonLiteral(value) : undefined;
  if (!isWord && !isPython && !mayParse(value)) return undefined;
  if (!isNested || value.trimEnd().endsWith(first === OPEN_BRACE ? '}' : ']')) {
    const parsed =
      parsePythonJson(value) ??
      (isNested ? (parseWithQuotedWords(value) ?? parsePrinted(value) ?? protoTextIn(value)) : undefined);
    if (isLong && parsed === undefined && !isNested) budgetNow().refuse(value);
    if (parsed !== undefined || !isNested || areJsonLines(value)) return parsed ?? undefined;
  }
  const isTooMuch = isLong && budgetNow().weight < 0;
  if (isTooMuch || (isPython && !mayParse(value))) return undefined;
  const saved = salvageJson(value);
  if (onCut && (saved !== undefined || looksCut(value))) onCut();
  if (isLong && saved === undefined) budgetNow().refuse(value);
  return saved;
}

function parseWithQuotedWords(text: string): unknown {
  const json = withQuotedWords(text);
  return json === undefined ? undefined : parsePythonJson(json);
}

/** `[]Message{…}`, which ends unlike a list. */
const GOS_LIST = /^\[\][\w*]/;
const BYTE_ORDER_MARK = 0xfeff;
const SPACE = 0x20;
const QUOTE = 0x22;
const MAX_WORD_CHARS = 1_000;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;

/** A text that was encoded twice has one layer of quotes too many, or two. */
const MAX_QUOTES = 2;

/** Takes quotes off parsed JSON if an object or a list is in them. Any other value is returned as it is. */
export function withoutQuotes(parsed: unknown, onCut?: () => void): unknown {
  let inner = parsed;
  for (let layer = 0; layer < MAX_QUOTES && typeof inner === 'string'; layer++) inner = jsonOf(inner, onCut);
  return typeof inner === 'object' ? inner : parsed;
}

/** Returns what a text that is one JSON string says, and any other text as it is. */
export function unquotedText(text: string): string {
  const inner = textInQuotes(text);
  const deeper = inner === undefined ? undefined : textInQuotes(inner);
  // What is said may itself be in quotes.
  return deeper !== undefined && typeof jsonOf(deeper) === 'object' ? deeper : (inner ?? text);
}

function textInQuotes(text: string): string | undefined {
  return text.startsWith('"') && text.endsWith('"') ? textOf(jsonOf(text)) : undefined;
}

/** Returns an object (not a list), structured or parsed from JSON text, which may have been encoded twice. */
export function objectOf(value: unknown): Record<string, unknown> | undefined {
  const parsed = withoutQuotes(jsonOf(value));
  return isObject(parsed) ? parsed : undefined;
}

/** Returns a list, structured or parsed from JSON text, which may have been encoded twice. */
export function listOf(value: unknown): unknown[] | undefined {
  const parsed = withoutQuotes(jsonOf(value));
  return Array.isArray(parsed) ? parsed : undefined;
}

/** Returns the first non-empty string at one of these keys. */
export function firstString(attributes: Attributes, ...keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const found = stringOf(attributes[key]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** JSON starts with `{`, `[`, `"`, `-`, a digit, `t`, `f`, `n` or white space. */
function startsJson(code: number): boolean {
  return (
    code === 0x7b ||
    code === 0x5b ||
    code === 0x22 ||
    code === 0x2d ||
    code <= 0x20 ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x74 ||
    code === 0x66 ||
    code === 0x6e
  );
}

/** Cut JSON starts with `{"`, `[{`, `["` or `[[`. Prose that merely starts with a bracket was not cut. */
function looksCut(text: string): boolean {
  const second = text.charCodeAt(1);
  // As Spring AI prints a map.
  if (/^\["\w{1,40}":"/.test(text) && text.endsWith('"]')) return false;
  if (text.charCodeAt(0) === OPEN_BRACE) return second === QUOTE;
  // Objects of Go and Java begin with a name.
  return second === OPEN_BRACE ? /^\[\{\s{0,100}(?:"|$)/.test(text) : second === QUOTE || second === OPEN_BRACKET;
}

/** Returns the first value at one of these keys that is neither undefined nor null. */
export function firstValue(fields: Attributes, keys: readonly string[]): unknown {
  for (const key of keys) {
    const found = fields[key];
    if (found !== undefined && found !== null) return found;
  }
  return undefined;
}

/**
 * Sets the fields of `more` that are not undefined, and returns `fields`. It takes a tenth of the time of a literal that
 * begins with a spread, `{ ...fields, a, b }`: V8 makes a new layout for each such object.
 */
export function addTo<T extends object>(fields: T, more: Partial<T> | undefined): T {
  for (const key in more) {
    const value = more[key];
    // Assigning to this key would set the prototype.
    if (value !== undefined && key !== '__proto__') fields[key] = value as T[typeof key];
  }
  return fields;
}

/** Returns a copy without the fields that are undefined. */
export function omitUndefined<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): Partial<T> {
  return addTo<Partial<T>>({}, fields as Partial<T>);
}

/** The same, but undefined if no field is left. */
export function unlessEmpty(
  fields: Readonly<Record<string, unknown>> | undefined,
): Record<string, unknown> | undefined {
  const said = addTo<Record<string, unknown>>({}, fields);
  for (const _key in said) return said;
  return undefined;
}

/** Returns a single short word. Anything longer may be content, which is not to pass for structure. */
export function wordOf(value: unknown): string | undefined {
  const name = nameOf(value);
  return name !== undefined && /^\w{1,20}$/.test(name) ? name : undefined;
}

/** Returns a short text without white space, such as a cursor or the name of an environment, as structure is. */
export function tokenOf(value: unknown): string | undefined {
  const name = nameOf(value);
  return name !== undefined && /^\S{1,64}$/.test(name) ? name : undefined;
}
