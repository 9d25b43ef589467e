/** The object that says what a call has used, however it was written: structured, as JSON, or as a language prints it. */
import { isObject } from '../../wire/json.ts';
import { jsonOf, withoutQuotes } from './attributes.ts';
import { printedCountsIn } from './printed-counts.ts';
import type { SpanFields } from './span-fields.ts';

type Fields = Record<string, unknown>;

/** Returns the tokens or costs in a value. */
export function usageObjectOf(value: unknown): Fields | undefined {
  return isRubys(value) ? printedCountsIn(value) : opened(withoutQuotes(jsonOf(value)) ?? value);
}

/** The same of the value at a key. */
export function usageObjectAt(fields: SpanFields, key: string): Fields | undefined {
  const value = fields.attributes[key];
  if (value === undefined) return undefined;
  return isRubys(value) ? printedCountsIn(value) : opened(fields.structure(key) ?? value);
}

/** A hash of Ruby with texts for keys begins like JSON, as if that had been cut. */
function isRubys(value: unknown): value is string {
  return typeof value === 'string' && value.includes('=>');
}

function opened(value: unknown): Fields | undefined {
  const counts = typeof value === 'string' ? printedCountsIn(value) : value;
  return isObject(counts) ? withSmallInitials(counts, 0) : undefined;
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
