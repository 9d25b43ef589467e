/**
 * Bounds what the schema has to look at. It checks lists and objects to their end and makes a detail for each fault, so
 * that one item with a hundred thousand wrong messages would hold up all other requests for seconds.
 */
import { isObject } from '../../wire/json.ts';
import type { ValidationDetail } from '../../wire/v4.ts';

/** In all lists of one item that the schema knows. */
const MAX_ELEMENTS = 10_000;
/** In one object that the schema knows. */
const MAX_KEYS = 1_000;
/** May have any JSON: the schema does not look into them. */
const FREE = new Set([
  ...['inputs', 'metadata', 'provider_request', 'provider_response', 'other', 'parameters', 'json_schema'],
  'arguments',
]);
/** A known list is nowhere deeper than `config.model_config.chat_template[0].content[0]`. */
const MAX_DEPTH = 8;

/** Returns the first place in the item where there is too much to check. */
export function findOversize(item: unknown, loc: readonly (string | number)[]): ValidationDetail | undefined {
  let elements = 0;
  const find = (value: unknown, at: readonly (string | number)[], depth: number): ValidationDetail | undefined => {
    if (depth > MAX_DEPTH) return undefined;
    if (Array.isArray(value)) {
      elements += value.length;
      if (elements > MAX_ELEMENTS) return tooMuch(at, `the lists have more than ${MAX_ELEMENTS} elements`);
      for (const [index, element] of value.entries()) {
        const found = find(element, [...at, index], depth + 1);
        if (found) return found;
      }
    } else if (isObject(value)) {
      let keys = 0;
      for (const key in value) {
        keys += 1;
        if (keys > MAX_KEYS) return tooMuch(at, `the object has more than ${MAX_KEYS} keys`);
        const found =
          FREE.has(key) || typeof value[key] !== 'object' ? undefined : find(value[key], [...at, key], depth + 1);
        if (found) return found;
      }
    }
    return undefined;
  };
  return find(item, loc, 0);
}

/** Returns the place of the first list with more elements than that, of those that the schema knows. */
export function findLongList(item: unknown, elements: number): (string | number)[] | undefined {
  const find = (value: unknown, depth: number): (string | number)[] | undefined => {
    if (depth > MAX_DEPTH || typeof value !== 'object' || value === null) return undefined;
    if (Array.isArray(value) && value.length > elements) return [];
    for (const [key, child] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
      const found = FREE.has(key as string) ? undefined : find(child, depth + 1);
      if (found) return [key, ...found];
    }
    return undefined;
  };
  return find(item, 0);
}

function tooMuch(loc: readonly (string | number)[], msg: string): ValidationDetail {
  return { loc: [...loc], msg, type: 'value_error' };
}
