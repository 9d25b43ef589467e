/** Reads ids, times and attribute values from OTLP's JSON. What is of a wrong type throws a `MalformedError`. */
import type { HrTime } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import type { Budget } from './budget.ts';
import { MAX_ATTRIBUTES, MAX_DEPTH, setEntry, TOO_DEEP } from './decoded.ts';
import { withJsonNames } from './json-names.ts';

/** The request is not what OTLP says. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';

  constructor(where: string, expected: string, value: unknown) {
    super(`${where}: expected ${expected}, got ${describe(value)}`);
  }
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (isObject(value)) return 'an object';
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

export function objectOf(value: unknown, where: string): Record<string, unknown> {
  if (isObject(value)) return value;
  throw new MalformedError(where, 'an object', value);
}

export function listOf(value: unknown, where: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw new MalformedError(where, 'a list', value);
}

export function textOf(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '';
  throw new MalformedError(where, 'a text', value);
}

/** Returns a whole number from 0 to 2^32 - 1, also from its text. */
export function countOf(value: unknown, where: string): number {
  if (value === undefined || value === null) return 0;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number < 2 ** 32) return number;
  throw new MalformedError(where, 'a whole number', value);
}

const INTEGER = /^[+-]?\d+$/;

/**
 * Returns the number of an enum's member, which may be given by its name; 0 for negative ones, which are not known. A name
 * that is not known is that of a later version, or of another protocol: it is passed to `ignore`, and counts as not set,
 * as a field that is not known. So the sender loses no span by it, as it loses none by a number that is not known.
 */
export function enumOf(
  value: unknown,
  names: readonly string[],
  where: string,
  ignore: (reason: string) => void,
): number {
  if (typeof value === 'number' && Number.isInteger(value) && value < 0) return 0;
  if (typeof value !== 'string') return countOf(value, where);
  const index = names.indexOf(value);
  if (index >= 0) return index;
  if (INTEGER.test(value)) return countOf(Math.max(0, Number(value)), where);
  ignore(`${where} ${describe(value)} is not known, and counts as not set`);
  return 0;
}

export const KINDS = [
  'SPAN_KIND_UNSPECIFIED',
  'SPAN_KIND_INTERNAL',
  'SPAN_KIND_SERVER',
  'SPAN_KIND_CLIENT',
  'SPAN_KIND_PRODUCER',
  'SPAN_KIND_CONSUMER',
];
export const CODES = ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR'];

const HEX = /^[0-9a-f]*$/i;
/** Of 16 and 8 bytes, in either alphabet, with or without its end: no text of these lengths is an id in hex. */
const BASE64 = /^(?:[\w+/-]{22}(?:==)?|[\w+/-]{11}=?)$/;

/** Returns the id in lower-case hex. What is neither hex nor base64 is returned as it is, and no id. */
export function idOf(value: unknown, where: string): string {
  const text = textOf(value, where);
  if (HEX.test(text)) return text.toLowerCase();
  return BASE64.test(text) ? Buffer.from(text, 'base64').toString('hex') : text;
}

/** Protobuf's JSON allows these for whole numbers, too. */
const DECIMAL = /^[+-]?\d+(?:\.\d*)?(?:e[+-]?\d+)?$/i;
const DIGITS = /^\d{1,20}$/;
const NANO_DIGITS = 9;

/** Returns undefined for 0, which stands for no time. A number, or its text with a point, has lost its last digits. */
export function timeOf(value: unknown, where: string): HrTime | undefined {
  if (value === undefined || value === null || value === 0 || value === '0' || value === '') return undefined;
  if (typeof value === 'string' && DIGITS.test(value)) {
    return [Number(value.slice(0, -NANO_DIGITS)), Number(value.slice(-NANO_DIGITS))];
  }
  const number = typeof value === 'string' && DECIMAL.test(value) ? Number(value) : value;
  if (number === 0) return undefined;
  if (typeof number === 'number' && number >= 0 && number < 2 ** 64) {
    return [Math.floor(number / 1e9), Math.floor(number % 1e9)];
  }
  throw new MalformedError(where, 'nanoseconds since 1970', value);
}

/** Returns the attributes of a list of keys and values. One without a value says nothing. */
export function attributesOf(value: unknown, budget: Budget, depth = 0): Record<string, unknown> {
  const attributes: Record<string, unknown> = {};
  let count = 0;
  for (const item of listOf(value, 'attributes')) {
    count += 1;
    if (count > MAX_ATTRIBUTES) break;
    if (!budget.take(1)) break;
    const { key, value: given } = objectOf(item, 'attributes');
    const read = anyValueOf(given, budget, depth);
    if (read !== undefined) setEntry(attributes, textOf(key, 'attributes.key'), read);
  }
  return attributes;
}

/** Returns the value; undefined if none is set. */
export function anyValueOf(given: unknown, budget: Budget, depth = 0): unknown {
  if (given === undefined || given === null) return undefined;
  const value = objectOf(given, 'value');
  const read = setValueOf(value, budget, depth);
  if (read !== undefined) return read;
  // None is set, or it has the schema's name.
  const renamed = withJsonNames(value);
  return renamed === value ? undefined : setValueOf(renamed, budget, depth);
}

function setValueOf(value: Readonly<Record<string, unknown>>, budget: Budget, depth: number): unknown {
  // The only key, in nearly all cases: looked up in the order in which they are frequent.
  if (isSet(value['stringValue'])) return textOf(value['stringValue'], 'stringValue');
  if (isSet(value['intValue'])) return int64Of(value['intValue']);
  if (isSet(value['doubleValue'])) return doubleOf(value['doubleValue']);
  if (isSet(value['boolValue'])) return booleanOf(value['boolValue']);
  if (isSet(value['arrayValue'])) return listIn(value['arrayValue'], budget, depth + 1);
  if (isSet(value['kvlistValue'])) return mapIn(value['kvlistValue'], budget, depth + 1);
  if (isSet(value['bytesValue'])) return base64Of(value['bytesValue']);
  return undefined;
}

/** As of all fields, null is as good as absent. */
function isSet(given: unknown): boolean {
  return given !== undefined && given !== null;
}

function listIn(given: unknown, budget: Budget, depth: number): unknown {
  if (depth > MAX_DEPTH) return TOO_DEEP;
  const list: unknown[] = [];
  for (const item of listOf(objectOf(given ?? {}, 'arrayValue')['values'], 'arrayValue.values')) {
    if (!budget.take(1)) break;
    list.push(anyValueOf(item, budget, depth) ?? null);
  }
  return list;
}

function mapIn(given: unknown, budget: Budget, depth: number): unknown {
  if (depth > MAX_DEPTH) return TOO_DEEP;
  return attributesOf(objectOf(given ?? {}, 'kvlistValue')['values'], budget, depth);
}

const EITHER_BASE64 = /^[\w+/-]*={0,2}$/;

/** Returns bytes in the alphabet and with the end that all others have; what is not base64, as it is. */
export function base64Of(given: unknown): string {
  const text = textOf(given, 'bytesValue');
  const isUsual = text.length % 4 === 0 && !text.includes('-') && !text.includes('_');
  return isUsual || !EITHER_BASE64.test(text) ? text : Buffer.from(text, 'base64').toString('base64');
}

const INT64 = /^[+-]?\d{1,19}$/;

/** Returns a number; the decimal text of one that a number cannot hold. */
export function int64Of(given: unknown): number | string {
  if (typeof given === 'number' && Number.isInteger(given)) return given;
  if (typeof given === 'string' && INT64.test(given)) {
    const number = Number(given);
    return Number.isSafeInteger(number) ? number : given;
  }
  if (typeof given === 'string' && DECIMAL.test(given) && Number.isSafeInteger(Number(given))) return Number(given);
  throw new MalformedError('intValue', 'a whole number', given);
}

const WORDS: ReadonlyMap<unknown, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

export function doubleOf(given: unknown): number {
  if (typeof given === 'number') return given;
  const number = WORDS.get(given) ?? (typeof given === 'string' && given.trim() !== '' ? Number(given) : Number.NaN);
  if (WORDS.has(given) || !Number.isNaN(number)) return number;
  throw new MalformedError('doubleValue', 'a number', given);
}

export function booleanOf(given: unknown): boolean {
  if (typeof given === 'boolean') return given;
  throw new MalformedError('boolValue', 'true or false', given);
}
