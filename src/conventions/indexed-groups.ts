/**
 * Lists that were flattened into attribute keys: `llm.input_messages.10.message.role`.
 *
 * One pass over the attributes serves all the lists of a span; nested lists are read by asking again with the fields
 * of one entry. Indexes are sorted as numbers, may have gaps, and may come in any order.
 */
import type { Attributes } from '../otel.ts';

export interface IndexedGroup {
  readonly index: number;
  /**
   * What stands behind the index: `message.role`, … ; a value directly at the index has the key `''`. The object has no
   * prototype, so keys such as `__proto__` are data.
   */
  readonly fields: Attributes;
}

const MAX_INDEX = 100_000;

/** The entries below each prefix (which ends in a dot), in the order of `prefixes`. */
export function indexedGroups(attributes: Attributes, prefixes: readonly string[]): IndexedGroup[][] {
  const found = prefixes.map(() => new Map<number, Record<string, unknown>>());
  for (const key in attributes) {
    for (let i = 0; i < prefixes.length; i++) {
      const prefix = prefixes[i]!;
      if (key.startsWith(prefix)) {
        place(found[i]!, key, prefix.length, attributes[key]);
        break;
      }
    }
  }
  return found.map((entries) => [...entries].sort(([a], [b]) => a - b).map(([index, fields]) => ({ index, fields })));
}

/** The values below one prefix, keyed by what follows it. Prototype keys are left out. */
export function prefixed(attributes: Attributes, prefix: string): Record<string, unknown> | undefined {
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

function place(entries: Map<number, Record<string, unknown>>, key: string, from: number, value: unknown): void {
  let at = from;
  let index = 0;
  for (; at < key.length; at++) {
    const digit = key.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) break;
    index = index * 10 + digit;
  }
  if (at === from || index > MAX_INDEX) return;
  if (at < key.length && key.charCodeAt(at) !== 0x2e) return;
  let fields = entries.get(index);
  if (!fields) {
    fields = Object.create(null) as Record<string, unknown>;
    entries.set(index, fields);
  }
  fields[key.slice(at + 1)] = value;
}
