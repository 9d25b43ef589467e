/**
 * Lists that were flattened into attribute keys: `llm.input_messages.10.message.role`.
 *
 * One pass over the attributes reads all lists of a span; a nested list is read by a second call with the fields of one
 * entry. Indexes are sorted as numbers, may have gaps, and may come in any order.
 */
import type { Attributes } from '../../otel/span-slice.ts';

export interface IndexedGroup {
  readonly index: number;
  /**
   * Keyed by what follows the index: `message.role`, or `''` for a value at the index itself. Never has `__proto__`.
   */
  readonly fields: Attributes;
}

/** Larger ones are not told apart. */
const MAX_INDEX = Number.MAX_SAFE_INTEGER;

const DOT = 0x2e;

/** Returns the entries below each prefix, in the order of `prefixes`. A prefix ends in a dot. */
export function groupByIndex(attributes: Attributes, prefixes: readonly string[]): IndexedGroup[][] {
  const found: FieldGroup[][] = prefixes.map(() => []);
  for (const key in attributes) {
    for (let i = 0; i < prefixes.length; i++) {
      const prefix = prefixes[i]!;
      // The position of the dot rules out most keys for the price of one comparison.
      if (key.charCodeAt(prefix.length - 1) !== DOT || !key.startsWith(prefix)) continue;
      place(found[i]!, key, prefix.length, attributes[key]);
      break;
    }
  }
  return found;
}

/** Returns the values below one prefix, keyed by what follows it, without `__proto__`; undefined if there are none. */
export function fieldsBelow(attributes: Attributes, prefix: string): Record<string, unknown> | undefined {
  let found: Record<string, unknown> | undefined;
  for (const key in attributes) {
    if (!key.startsWith(prefix) || key.length === prefix.length) continue;
    const name = key.slice(prefix.length);
    if (name === '__proto__') continue;
    found ??= {};
    found[name] = attributes[key];
  }
  return found;
}

interface FieldGroup extends IndexedGroup {
  readonly fields: Record<string, unknown>;
}

function place(groups: FieldGroup[], key: string, from: number, value: unknown): void {
  let at = from;
  let index = 0;
  for (; at < key.length; at++) {
    const digit = key.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) break;
    index = index * 10 + digit;
  }
  if (at === from || index > MAX_INDEX) return;
  if (at < key.length && key.charCodeAt(at) !== DOT) return;
  const name = key.slice(at + 1);
  if (name !== '__proto__') findOrAddGroup(groups, index).fields[name] = value;
}

/** Keeps the groups sorted by index. Most of them arrive in order. */
function findOrAddGroup(groups: FieldGroup[], index: number): FieldGroup {
  let low = 0;
  let high = groups.length;
  const last = groups[high - 1];
  if (last?.index === index) return last;
  if (last === undefined || last.index < index) low = high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (groups[middle]!.index < index) low = middle + 1;
    else high = middle;
  }
  const found = groups[low];
  if (found?.index === index) return found;
  const group: FieldGroup = { index, fields: {} };
  groups.splice(low, 0, group);
  return group;
}
