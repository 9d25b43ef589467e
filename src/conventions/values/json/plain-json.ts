/**
 * Turns any value into plain JSON of bounded depth and size, so that it can go into a datapoint.
 *
 * Structured attribute values may hold cycles, bigints, dates, buffers, lone surrogates and `__proto__` keys, and
 * parsed JSON may be so deep that the next `JSON.stringify` overflows the stack.
 */
import { isLargeData, placeholderOf } from './large-data.ts';
import { markOf, withIntegers } from './long-integers.ts';

const MAX_DEPTH = 64;
/** A few shared references can expand to any number of nodes. */
const MAX_NODES = 200_000;

/**
 * Returns the value as plain JSON, copying only what has to change. Returns undefined for what JSON cannot hold:
 * functions, symbols, undefined.
 */
export function toPlainJson(value: unknown): unknown {
  return typeof value === 'object' ? toPlain(value, [], { nodes: 0 }) : scalarToPlain(value);
}

/** What a walk has seen, and what it makes of integers that no number can hold, if not texts. */
interface Walk {
  nodes: number;
  readonly ofInteger?: (integer: bigint) => unknown;
}

/** Like `toPlainObject`, for a JSON Schema: its bounds stay numbers, rounded, since texts would make it invalid. */
export function toPlainSchema(schema: object): Record<string, unknown> {
  return toPlain(schema, [], { nodes: 0, ofInteger: Number }) as Record<string, unknown>;
}

/** Like `toPlainJson`, but returns undefined for anything other than an object. */
export function toPlainObject(value: unknown): Record<string, unknown> | undefined {
  const plain = toPlainJson(value);
  return typeof plain === 'object' && plain !== null && !Array.isArray(plain)
    ? (plain as Record<string, unknown>)
    : undefined;
}

/** Returns the value itself, or a bounded copy if it has cycles, is too deep or too large to be walked. */
export function toBoundedTree(value: object): object {
  return countNodes(value, 0, 0) <= MAX_NODES ? value : (toPlain(value, [], { nodes: 0 }) as object);
}

/** Counts the nodes of a tree; returns more than `MAX_NODES` if it has cycles or is too deep or large. */
function countNodes(value: object, depth: number, before: number): number {
  let nodes = before + 1;
  if (depth > MAX_DEPTH) return Number.POSITIVE_INFINITY;
  if (ArrayBuffer.isView(value)) return nodes;
  for (const item of Array.isArray(value) ? value : Object.values(value)) {
    if (typeof item === 'object' && item !== null) nodes = countNodes(item, depth + 1, nodes);
    if (nodes > MAX_NODES) break;
  }
  return nodes;
}

/** Returns strings as they are and everything else as JSON text. */
export function toText(value: unknown): string {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value === 'bigint') return `${value}`;
  if (typeof value !== 'object') return JSON.stringify(scalarToPlain(value)) ?? '';
  let isMarked = false;
  const ofInteger = (integer: bigint) => {
    isMarked = true;
    return markOf(integer);
  };
  const json = JSON.stringify(toPlain(value, [], { nodes: 0, ofInteger })) ?? '';
  return isMarked ? withIntegers(json) : json;
}

function scalarToPlain(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
      return isLargeData(value) ? placeholderOf(value) : value.toWellFormed();
    case 'number':
      return Number.isFinite(value) ? value : null;
    case 'boolean':
      return value;
    case 'bigint':
      return value.toString();
    default:
      return undefined;
  }
}

function toPlain(value: unknown, ancestors: object[], budget: Walk): unknown {
  if (typeof value === 'bigint' && budget.ofInteger) return budget.ofInteger(value);
  if (typeof value !== 'object') return scalarToPlain(value);
  if (value === null) return null;
  if (ancestors.includes(value)) return '[circular]';
  if (ancestors.length >= MAX_DEPTH || ++budget.nodes > MAX_NODES) return '[too deep]';
  if (Array.isArray(value)) {
    if (value.length > MAX_NODES) return `[list of ${value.length}]`;
    ancestors.push(value);
    const list = listToPlain(value, ancestors, budget);
    ancestors.pop();
    return list;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === Object.prototype || prototype === null;
  if (!isPlain && value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (!isPlain && value instanceof Uint8Array) return placeholderOf(value);
  const source = value as Record<string, unknown>;
  if (source['type'] === 'Buffer' && Array.isArray(source['data'])) return placeholderOf(toBytes(source['data']));
  const bytes = typeof source['0'] === 'number' ? bytesOfTypedArray(source) : undefined;
  if (bytes) return placeholderOf(bytes);
  ancestors.push(source);
  const result = fieldsToPlain(source, isPlain, ancestors, budget);
  ancestors.pop();
  return result;
}

function listToPlain(list: unknown[], ancestors: object[], budget: Walk): unknown[] {
  let copy: unknown[] | undefined;
  for (let at = 0; at < list.length; at++) {
    const item = toPlain(list[at], ancestors, budget) ?? null;
    if (item === list[at]) continue;
    copy ??= list.slice();
    copy[at] = item;
  }
  return copy ?? list;
}

function fieldsToPlain(
  source: Record<string, unknown>,
  isPlain: boolean,
  ancestors: object[],
  budget: Walk,
): Record<string, unknown> {
  const keys = Object.keys(source);
  let copy: Record<string, unknown> | undefined = isPlain ? undefined : {};
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at]!;
    const name = key.toWellFormed();
    // Assigning to this key would set the prototype.
    const item = key === '__proto__' ? undefined : toPlain(source[key], ancestors, budget);
    if (copy === undefined && item !== undefined && item === source[key] && name === key) continue;
    copy ??= copyFirstFields(source, keys, at);
    if (item !== undefined) copy[name] = item;
  }
  return copy ?? source;
}

function copyFirstFields(
  source: Record<string, unknown>,
  keys: readonly string[],
  count: number,
): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (let at = 0; at < count; at++) fields[keys[at]!] = source[keys[at]!];
  return fields;
}

/** Returns the bytes of a `Buffer` that went through JSON; `data` is its list of numbers. */
export function toBytes(data: unknown[]): Uint8Array {
  return Uint8Array.from(data, (byte) => (typeof byte === 'number' ? byte : 0));
}

/** Fewer numbers under numeric keys may be an object of the app. */
const MIN_TYPED_ARRAY = 8;

/** Returns the bytes of a `Uint8Array` that went through JSON: `{ "0": 137, "1": 80, … }`. */
function bytesOfTypedArray(fields: Record<string, unknown>): Uint8Array | undefined {
  const bytes = Object.values(fields);
  if (bytes.length < MIN_TYPED_ARRAY || fields[bytes.length - 1] === undefined) return undefined;
  const areBytes = bytes.every((byte) => typeof byte === 'number' && (byte & 0xff) === byte);
  return areBytes ? toBytes(bytes) : undefined;
}

/** Like `toText`, but returns undefined for null and undefined. */
export function toOptionalText(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : toText(value);
}
