/**
 * Makes a value safe to pass through into a datapoint: plain JSON of bounded depth and size, whatever it was.
 *
 * Structured attribute values may hold cycles, bigints, dates, buffers, lone surrogates and `__proto__` keys, and parsed JSON may
 * be nested so deep that the next `JSON.stringify` overflows the stack.
 */
import { isLargeData, placeholderOf } from './large-data.ts';

const MAX_DEPTH = 64;
/** Bounds what shared references can blow up to. */
const MAX_NODES = 200_000;

/** The value as plain JSON, copied only where it is none; `undefined` for what has no JSON (functions, symbols, `undefined`). */
export function plainJson(value: unknown): unknown {
  return typeof value === 'object' ? plain(value, [], { nodes: 0 }) : plainScalar(value);
}

/** Like `plainJson`, for objects: `undefined` for anything else. */
export function plainObject(value: unknown): Record<string, unknown> | undefined {
  const plain = plainJson(value);
  return typeof plain === 'object' && plain !== null && !Array.isArray(plain)
    ? (plain as Record<string, unknown>)
    : undefined;
}

/** The value itself if it is a tree that can be walked whole; a bounded copy if it has cycles, or is too deep or large. */
export function boundedTree(value: object): object {
  return countNodes(value, 0, 0) <= MAX_NODES ? value : (plain(value, [], { nodes: 0 }) as object);
}

/** Nodes of a tree, or more than `MAX_NODES` for what is none. */
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

/** Text of a value: strings as they are, everything else as JSON. */
export function textOrJson(value: unknown): string {
  if (typeof value === 'string') return value.toWellFormed();
  return JSON.stringify(plainJson(value)) ?? '';
}

function plainScalar(value: unknown): unknown {
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

function plain(value: unknown, ancestors: object[], budget: { nodes: number }): unknown {
  if (typeof value !== 'object') return plainScalar(value);
  if (value === null) return null;
  if (ancestors.includes(value)) return '[circular]';
  if (ancestors.length >= MAX_DEPTH || ++budget.nodes > MAX_NODES) return '[too deep]';
  if (Array.isArray(value)) {
    if (value.length > MAX_NODES) return `[list of ${value.length}]`;
    ancestors.push(value);
    const list = plainList(value, ancestors, budget);
    ancestors.pop();
    return list;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === Object.prototype || prototype === null;
  if (!isPlain && value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (!isPlain && value instanceof Uint8Array) return placeholderOf(value);
  const source = value as Record<string, unknown>;
  if (source['type'] === 'Buffer' && Array.isArray(source['data'])) return placeholderOf(bufferOf(source['data']));
  const bytes = typeof source['0'] === 'number' ? typedArrayOf(source) : undefined;
  if (bytes) return placeholderOf(bytes);
  ancestors.push(source);
  const result = plainFields(source, isPlain, ancestors, budget);
  ancestors.pop();
  return result;
}

function plainList(list: unknown[], ancestors: object[], budget: { nodes: number }): unknown[] {
  let copy: unknown[] | undefined;
  for (let at = 0; at < list.length; at++) {
    const item = plain(list[at], ancestors, budget) ?? null;
    if (item === list[at]) continue;
    copy ??= list.slice();
    copy[at] = item;
  }
  return copy ?? list;
}

function plainFields(
  source: Record<string, unknown>,
  isPlain: boolean,
  ancestors: object[],
  budget: { nodes: number },
): Record<string, unknown> {
  const keys = Object.keys(source);
  let copy: Record<string, unknown> | undefined = isPlain ? undefined : {};
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at]!;
    const name = key.toWellFormed();
    // Assigning this one key would set the prototype instead of storing data.
    const item = key === '__proto__' ? undefined : plain(source[key], ancestors, budget);
    if (copy === undefined && item !== undefined && item === source[key] && name === key) continue;
    copy ??= firstFields(source, keys, at);
    if (item !== undefined) copy[name] = item;
  }
  return copy ?? source;
}

/** What has been seen to be plain already. */
function firstFields(source: Record<string, unknown>, keys: readonly string[], count: number): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (let at = 0; at < count; at++) fields[keys[at]!] = source[keys[at]!];
  return fields;
}

/** The bytes of a `Buffer` that went through JSON. */
export function bufferOf(data: unknown[]): Uint8Array {
  return Uint8Array.from(data, (byte) => (typeof byte === 'number' ? byte : 0));
}

/** Fewer numbers under numeric keys may be what the app means. */
const MIN_TYPED_ARRAY = 8;

/** The bytes of a `Uint8Array` that went through JSON: `{ "0": 137, "1": 80, … }`. */
function typedArrayOf(fields: Record<string, unknown>): Uint8Array | undefined {
  const bytes = Object.values(fields);
  if (bytes.length < MIN_TYPED_ARRAY || fields[bytes.length - 1] === undefined) return undefined;
  const areBytes = bytes.every((byte) => typeof byte === 'number' && (byte & 0xff) === byte);
  return areBytes ? bufferOf(bytes) : undefined;
}

/** Text as it is, everything else as JSON text; `undefined` where there is no value. */
export function jsonOrText(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : textOrJson(value);
}
