/** v4 `inputs` are an object: arguments of a tool, variables of a template, the input of a chain. */

import { isObject } from '../../wire/json.ts';
import { type Damage, jsonOf } from '../values/attributes.ts';
import { plainJson, plainObject } from '../values/plain-json.ts';

/** An object as it is; text, scalars and lists as `{ input }`. `undefined` where nothing was captured. */
export function inputsOf(value: unknown, damage?: Damage, key?: string): Record<string, unknown> | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const parsed = jsonOf(value, damage, key) ?? value;
  if (isObject(parsed)) return plainObject(parsed);
  const plain = plainJson(parsed);
  return plain === undefined ? undefined : { input: plain };
}
