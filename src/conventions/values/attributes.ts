/**
 * Total readers of attribute values: whatever an instrumentation put there, they answer with a value of the asked type
 * or `undefined`, and never throw.
 *
 * They take values, not keys, so that they serve attributes, event bodies and parsed JSON alike. A value may be of the
 * right type, its text (`"42"`, `"true"`, JSON), or a nested object, which SDK 3 keeps on spans.
 */

import type { Attributes } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { boundedTree } from './plain-json.ts';
import { salvageJson } from './salvage-json.ts';

/** Keys whose JSON did not parse because it had been cut; flagged in the log's metadata. */
export type Damage = Set<string>;

/** A non-empty string. Lone surrogates, which no UTF-8 body can carry, become U+FFFD. */
export function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.toWellFormed() : undefined;
}

/** A string that may be empty: for what a model really answered. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.toWellFormed() : undefined;
}

/** A finite number, also from its text. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** A whole number, also from its text. */
export function integerOf(value: unknown): number | undefined {
  const number = numberOf(value);
  return number !== undefined && Number.isSafeInteger(number) ? number : undefined;
}

/** A whole number that is not negative: a token count. */
export function countOf(value: unknown): number | undefined {
  const number = integerOf(value);
  return number !== undefined && number >= 0 ? number : undefined;
}

export function booleanOf(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') return undefined;
  const word = value.toLowerCase();
  return word === 'true' ? true : word === 'false' ? false : undefined;
}

/** A list of strings, from a list or its JSON. A single other string is a list of one. */
export function stringListOf(value: unknown): string[] | undefined {
  let list = value;
  if (typeof value === 'string') {
    const parsed = value.startsWith('[') ? jsonOf(value) : undefined;
    list = Array.isArray(parsed) ? parsed : [value];
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
 * The value behind JSON text, or a structured value as it is. Text that is no JSON gives `undefined`.
 *
 * JSON that was cut by a value length limit gives what can be saved, and its key is noted in `damage`; where nothing
 * can be saved it gives `undefined`, with the key noted too, and the caller keeps the raw text.
 */
export function jsonOf(value: unknown, damage?: Damage, key?: string): unknown {
  if (typeof value !== 'string')
    return typeof value === 'object' && value !== null ? boundedTree(value) : (value ?? undefined);
  const first = value.charCodeAt(0);
  // Most texts are no JSON; a thrown and caught SyntaxError costs ten times a parse.
  if (!startsJson(first)) return undefined;
  const isNested = first === OPEN_BRACE || first === OPEN_BRACKET;
  if (!isNested || endsWith(value, first === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET)) {
    try {
      return JSON.parse(value) ?? undefined;
    } catch {
      if (!isNested) return undefined;
    }
  }
  const saved = salvageJson(value);
  if (damage && key && (saved !== undefined || looksCut(value))) damage.add(key);
  return saved;
}

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Whether the last character, but for white space, is this one. */
function endsWith(text: string, code: number): boolean {
  let at = text.length - 1;
  while (at > 0 && text.charCodeAt(at) <= 0x20) at--;
  return text.charCodeAt(at) === code;
}

/** An object (no list), structured or as JSON text. */
export function objectOf(value: unknown, damage?: Damage, key?: string): Record<string, unknown> | undefined {
  const parsed = jsonOf(value, damage, key);
  return isObject(parsed) ? parsed : undefined;
}

/** A list, structured or as JSON text. */
export function listOf(value: unknown, damage?: Damage, key?: string): unknown[] | undefined {
  const parsed = jsonOf(value, damage, key);
  return Array.isArray(parsed) ? parsed : undefined;
}

/** The first of these keys that holds a non-empty string. */
export function firstString(attributes: Attributes, ...keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const found = stringOf(attributes[key]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The first of these keys that holds a finite number. */
export function firstNumber(attributes: Attributes, ...keys: string[]): number | undefined {
  for (const key of keys) {
    const found = numberOf(attributes[key]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The first of these keys that holds a whole number, not negative. */
export function firstCount(attributes: Attributes, ...keys: string[]): number | undefined {
  for (const key of keys) {
    const found = countOf(attributes[key]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `{`, `[`, `"`, `-`, digits, `t`, `f`, `n`, and white space before them. */
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

/** `{"` and `[{`, `["`, `[[`: prose that only begins with a bracket is no damage. */
function looksCut(text: string): boolean {
  const second = text.charCodeAt(1);
  return text.charCodeAt(0) === 0x7b ? second === 0x22 : second === 0x7b || second === 0x22 || second === 0x5b;
}

/** The first of these keys that holds anything but `null`. */
export function firstValue(fields: Attributes, keys: readonly string[]): unknown {
  for (const key of keys) {
    const found = fields[key];
    if (found !== undefined && found !== null) return found;
  }
  return undefined;
}

/** Sets a field unless its value is `undefined`: absent means not said. Spreading costs ten times as much. */
export function put<T extends object, Key extends keyof T>(into: T, key: Key, value: T[Key] | undefined): void {
  if (value !== undefined) into[key] = value;
}

export function noneIfEmpty<T extends object>(value: T): T | undefined {
  for (const _key in value) return value;
  return undefined;
}

/** A copy without the fields that are `undefined`: absent means not said. */
export function defined<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): Partial<T> {
  const result: Partial<T> = {};
  for (const key in fields) {
    const value = fields[key];
    if (value !== undefined) result[key] = value;
  }
  return result;
}

/** `defined`, or `undefined` if nothing is left. */
export function definedOrNone<T extends object>(
  fields: { readonly [K in keyof T]: T[K] | undefined },
): Partial<T> | undefined {
  const result = defined<T>(fields);
  for (const _key in result) return result;
  return undefined;
}
