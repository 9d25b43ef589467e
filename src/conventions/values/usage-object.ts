/** The object that says what a call has used, however it was written: structured, as JSON, or as a language prints it. */
import { isObject } from '../../wire/json.ts';
import { addTo, jsonOf, withoutQuotes } from './attributes.ts';
import { printedCountsIn } from './printed/printed-counts.ts';
import type { SpanFields } from './span-fields.ts';

type Fields = Record<string, unknown>;

/** Returns the tokens or costs in a value. */
export function usageObjectOf(value: unknown): Fields | undefined {
  return isPrinted(value) ? printedCountsIn(value) : opened(withoutQuotes(jsonOf(value)) ?? value);
}

/** The same of the value at a key. */
export function usageObjectAt(fields: SpanFields, key: string): Fields | undefined {
  const value = fields.attributes[key];
  if (value === undefined) return undefined;
  return isPrinted(value) ? printedCountsIn(value) : opened(fields.structure(key) ?? value);
}

/** A hash of Ruby with texts for keys begins like JSON, as if that had been cut, and so does a dictionary of Swift. */
function isPrinted(value: unknown): value is string {
  return typeof value === 'string' && (value.includes('=>') || /^\[\s{0,8}"\w{1,100}"\s{0,8}:/.test(value));
}

function opened(value: unknown): Fields | undefined {
  const written = typeof value === 'string' ? printedCountsIn(value) : value;
  const counts = Array.isArray(written) ? ofList(written) : written;
  if (!isObject(counts)) return undefined;
  const inner = counts['usage'] ?? counts['token_usage'];
  return withSmallInitials(isObject(inner) ? inner : counts, 0);
}

const MAX_ITEMS = 100;

/** Returns the fields of a list of pairs, of names with values, or of objects, each of which may be its JSON. */
function ofList(items: readonly unknown[]): Fields | undefined {
  if (items.length > MAX_ITEMS) return undefined;
  const fields: Fields = {};
  for (const item of items) {
    const part = typeof item === 'string' ? (jsonOf(item) ?? printedCountsIn(item)) : item;
    const pair = Array.isArray(part) ? part : isObject(part) ? pairOf(part) : undefined;
    if (pair === undefined) addTo(fields, isObject(part) ? part : undefined);
    else if (pair.length === 2 && typeof pair[0] === 'string' && pair[0] !== '__proto__')
      fields[pair[0]] = openedList(pair[1]);
  }
  return fields;
}

function pairOf({ name, key = name, type = key, value, count = value }: Fields): readonly unknown[] | undefined {
  return typeof type === 'string' && count !== undefined ? [type, count] : undefined;
}

function openedList(value: unknown): unknown {
  return Array.isArray(value) ? ofList(value) : value;
}

/** Details are in an object each. */
const MAX_DEPTH = 3;

/** .NET, Go and AWS write names as their code does: `InputTokenCount`. */
function withSmallInitials(fields: Fields, depth: number): Fields {
  if (depth > MAX_DEPTH || !hasCapital(fields)) return fields;
  const named: Fields = {};
  for (const key in fields) {
    if (key === '__proto__') continue;
    const value = fields[key];
    named[key.slice(0, 1).toLowerCase() + key.slice(1)] = isObject(value) ? withSmallInitials(value, depth + 1) : value;
  }
  return named;
}

function hasCapital(fields: Fields): boolean {
  for (const key in fields) if (key.charCodeAt(0) >= CAPITAL_A && key.charCodeAt(0) <= CAPITAL_Z) return true;
  return false;
}

const CAPITAL_A = 0x41;
const CAPITAL_Z = 0x5a;
