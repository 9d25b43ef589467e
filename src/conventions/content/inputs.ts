/** The `inputs` object of a v4 log: arguments of a tool, variables of a template, input of a chain. */

import { isObject } from '../../wire/json.ts';
import { type Damage, jsonOf } from '../values/attributes.ts';
import { toPlainJson, toPlainObject } from '../values/plain-json.ts';

/** Returns an object as it is, and texts, scalars and lists as `{ input }`; undefined if nothing was captured. */
export function inputsOf(value: unknown, damage?: Damage, key?: string): Record<string, unknown> | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const parsed = jsonOf(value, damage, key) ?? value;
  if (isObject(parsed)) return toPlainObject(parsed);
  const plain = toPlainJson(parsed);
  return plain === undefined ? undefined : { input: plain };
}
