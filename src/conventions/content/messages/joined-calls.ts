/**
 * Calls of a stream whose pieces an instrumentation has added up without regard to the call that they belong to: one call, whose
 * arguments are several objects in a row, `{"city":"Oslo"}{"city":"Rome"}`.
 */
import { isObject } from '../../../wire/json.ts';
import { jsonOf } from '../../values/attributes.ts';
import type { PartCall } from '../parts/tool-parts.ts';

const MAX_CALLS = 128;

export function mayBeSeveral(text: string): boolean {
  return text.includes('}{');
}

/**
 * Returns the calls that were joined; the call itself if it is one. A call with its own id and name is one, whatever its input
 * looks like: a text in the tool's own language, or what a model wrote in error.
 */
export function separateCalls(call: PartCall): readonly PartCall[] {
  const { arguments: text } = call;
  const inputs = mayBeSeveral(text) ? objectsIn(text) : undefined;
  if (!inputs) return [call];
  const names = sameTimes(call.name, inputs.length);
  const ids = call.id === undefined ? [] : idsIn(call.id, inputs.length);
  if (!ids && names === undefined) return [call];
  const [first] = ids ?? [call.id];
  return inputs.map((input, at) => ({
    id: at === 0 ? first : ids?.[at],
    name: names ?? call.name,
    arguments: input,
  }));
}

/** Returns the texts of objects in a row; undefined if the text is anything else. */
function objectsIn(text: string): string[] | undefined {
  const found: string[] = [];
  let depth = 0;
  let start = 0;
  let isText = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (isText) {
      if (char === '\\') at++;
      else if (char === '"') isText = false;
    } else if (char === '"') isText = true;
    else if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') {
      depth--;
      if (depth > 0) continue;
      found.push(text.slice(start, at + 1).trim());
      start = at + 1;
    }
  }
  if (found.length < 2 || found.length > MAX_CALLS || text.slice(start).trim() !== '') return undefined;
  return found.every((input) => isObject(jsonOf(input))) ? found : undefined;
}

/** Returns the name that was written as many times; undefined if it was not. */
function sameTimes(name: string, count: number): string | undefined {
  const once = name.slice(0, name.length / count);
  return once !== '' && once.repeat(count) === name ? once : undefined;
}

/** Ids of one provider begin alike, `call_…`, `toolu_…`. */
function idsIn(id: string, count: number): string[] | undefined {
  const prefix = /^[a-z]+[_-]/i.exec(id)?.[0];
  if (prefix === undefined) return undefined;
  const ids = id.slice(prefix.length).split(prefix);
  return ids.length === count && !ids.includes('') ? ids.map((rest) => prefix + rest) : undefined;
}
