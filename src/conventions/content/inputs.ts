/** The `inputs` object of a v4 log: arguments of a tool, variables of a template, input of a chain. */

import { isObject } from '../../wire/json.ts';
import { jsonOf, withoutQuotes } from '../values/attributes.ts';
import { javaMapIn } from '../values/java-map.ts';
import { toPlainJson, toPlainObject } from '../values/plain-json.ts';
import type { SpanFields } from '../values/span-fields.ts';

/** Returns an object as it is, and texts, scalars and lists as `{ input }`; undefined if nothing was captured. */
export function inputsOf(value: unknown): Record<string, unknown> | undefined {
  return toInputs(value, withoutQuotes(jsonOf(value)));
}

/** The same of the value at a key. */
export function inputsAt(fields: SpanFields, key: string | undefined): Record<string, unknown> | undefined {
  return key === undefined ? undefined : toInputs(fields.attributes[key], fields.structure(key));
}

function toInputs(value: unknown, parsed: unknown): Record<string, unknown> | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const object = isObject(parsed) ? parsed : javaMapIn(value);
  if (object) return toPlainObject(object);
  const input = toPlainJson(parsed ?? value);
  return input === undefined ? undefined : { input };
}
