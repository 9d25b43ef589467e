/** The `inputs` object of a v4 log: arguments of a tool, variables of a template, input of a chain. */

import { isObject } from '../../wire/json.ts';
import { jsonOf, objectOf, unlessEmpty, withoutQuotes } from '../values/attributes.ts';
import { toPlainJson, toPlainObject } from '../values/json/plain-json.ts';
import { goMapIn } from '../values/printed/go-map.ts';
import { javaMapIn } from '../values/printed/java-map.ts';
import { phpArrayIn } from '../values/printed/php-array.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { onlyTextIn } from './parts/tool-parts.ts';

type Fields = Record<string, unknown>;

/** Returns an object as it is, and texts, scalars and lists as `{ input }`; undefined if nothing was captured. */
export function inputsOf(value: unknown): Record<string, unknown> | undefined {
  return toInputs(value, withoutQuotes(jsonOf(value)));
}

/** The same of the value at a key. */
export function inputsAt(fields: SpanFields, key: string | undefined): Record<string, unknown> | undefined {
  return key === undefined ? undefined : toInputs(fields.attributes[key], fields.structure(key));
}

/** Whether these are the arguments of a function as Python's decorators record them. */
function isRecordedCall({ args, kwargs, ...rest }: Fields): boolean {
  return isObject(kwargs) && (args === undefined || Array.isArray(args)) && Object.keys(rest).length === 0;
}

/**
 * Reads `{ args, kwargs }`: the one object that was passed, and keyword arguments. If both have the same name, the record stays
 * as it is.
 */
function inputsOfCall(call: Fields): Fields | undefined {
  const { args } = call;
  const kwargs = isObject(call['kwargs']) ? call['kwargs'] : {};
  const values: readonly unknown[] = Array.isArray(args) ? args : [];
  const only = values.length === 1 ? objectOf(values[0]) : undefined;
  const positional = only ?? (values.length === 0 ? {} : { input: values.length === 1 ? values[0] : values });
  if (Object.keys(kwargs).some((name) => Object.hasOwn(positional, name))) return toPlainObject(call);
  return unlessEmpty(toPlainObject({ ...positional, ...kwargs }));
}

/** Returns a map that a language prints without quotes around its texts. */
function mapIn(text: unknown): Fields | undefined {
  const map = javaMapIn(text) ?? goMapIn(text) ?? phpArrayIn(text);
  return isObject(map) ? map : undefined;
}

function toInputs(value: unknown, parsed: unknown): Record<string, unknown> | undefined {
  if (value === undefined || value === null || value === '' || value === 'null') return undefined;
  const only = Array.isArray(parsed) ? onlyTextIn(parsed) : undefined;
  const object = isObject(parsed) ? parsed : only === undefined ? mapIn(value) : objectOf(only);
  if (object) return 'kwargs' in object && isRecordedCall(object) ? inputsOfCall(object) : toPlainObject(object);
  const input = toPlainJson(parsed ?? value);
  return input === undefined ? undefined : { input };
}
