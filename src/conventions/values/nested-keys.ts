/** Objects and lists that were flattened into dotted keys: `file.tools.0.name`. */
import type { Attributes } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { toPlainJson } from './json/plain-json.ts';

const MAX_DEPTH = 32;
const MAX_ITEMS = 100_000;

/**
 * Rebuilds the object below `prefix`, which ends in a dot; undefined if there is none. Objects whose keys are all
 * numbers become lists.
 */
export function unflatten(attributes: Attributes, prefix: string): Record<string, unknown> | undefined {
  let root: Record<string, unknown> | undefined;
  for (const key in attributes) {
    if (!key.startsWith(prefix) || key.length === prefix.length) continue;
    root ??= {};
    place(root, key.slice(prefix.length).split('.', MAX_DEPTH), attributes[key]);
  }
  return root && Object.fromEntries(Object.entries(root).map(([key, value]) => [key, withLists(value)]));
}

function place(into: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let step = into;
  for (const [at, key] of path.entries()) {
    if (key === '__proto__') return;
    if (at === path.length - 1) {
      // If a key has both a value and children, the children win.
      if (!Object.hasOwn(step, key)) step[key] = toPlainJson(value);
      return;
    }
    const inner = Object.hasOwn(step, key) ? step[key] : undefined;
    if (!isObject(inner)) step[key] = {};
    step = step[key] as Record<string, unknown>;
  }
}

function withLists(value: unknown): unknown {
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, withLists(item)] as const);
  const isList = entries.length > 0 && entries.every(([key]) => /^\d{1,6}$/.test(key) && Number(key) < MAX_ITEMS);
  if (!isList) return Object.fromEntries(entries);
  return entries.toSorted(([a], [b]) => Number(a) - Number(b)).map(([, item]) => item);
}
