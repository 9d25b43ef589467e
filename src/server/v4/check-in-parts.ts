/** Checks items with long lists in parts, and lets others work in between: to say what is wrong with elements takes long. */
import type { z } from 'zod';
import { isObject } from '../../wire/json.ts';
import type { ValidationDetail } from '../../wire/v4.ts';
import { type Loc, MAX_DETAILS } from './checked-body.ts';
import { findLongList, findOversize } from './checked-size.ts';
import { type Checked, check } from './validation-detail.ts';

type Path = readonly (string | number)[];

const ELEMENTS_AT_ONCE = 500;

/** Like `checkItem`, which it is for an item without long lists. What is returned is the item itself. */
export async function checkInParts(
  schema: z.ZodType,
  item: unknown,
  loc: Loc,
  pause: () => Promise<void>,
): Promise<Checked<unknown>> {
  const oversize = findOversize(item, loc);
  const details = oversize ? [oversize] : await findFaults(schema, item, loc, pause);
  return details.length > 0 ? { details } : { data: item };
}

/** Those of the first part that has some. */
async function findFaults(
  schema: z.ZodType,
  item: unknown,
  loc: Loc,
  pause: () => Promise<void>,
): Promise<ValidationDetail[]> {
  const paths: Path[] = [];
  let rest = item;
  for (let path = findLongList(rest, ELEMENTS_AT_ONCE); path; path = findLongList(rest, ELEMENTS_AT_ONCE)) {
    paths.push(path);
    rest = withValue(rest, path, []);
  }
  const details = check(schema, rest, loc, MAX_DETAILS).details ?? [];
  for (const path of paths) {
    const list = valueAt(item, path) as unknown[];
    for (let from = 0; from < list.length && details.length === 0; from += ELEMENTS_AT_ONCE) {
      await pause();
      const part = withValue(rest, path, list.slice(from, from + ELEMENTS_AT_ONCE));
      const found = await findFaults(schema, part, loc, pause);
      for (const detail of found) details.push({ ...detail, loc: moved(detail.loc, [...loc, ...path], from) });
    }
  }
  return details;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<string | number, unknown>)[key], value);
}

/** Returns a copy with another value at the path. */
function withValue(value: unknown, [key, ...path]: Path, replaced: unknown): unknown {
  if (key === undefined) return replaced;
  const copy = (Array.isArray(value) ? [...value] : { ...(isObject(value) ? value : {}) }) as Record<
    string | number,
    unknown
  >;
  copy[key] = withValue(copy[key], path, replaced);
  return copy;
}

/** Returns the place in the whole list of what is at `loc` in the part. */
function moved(loc: ValidationDetail['loc'], list: Path, from: number): ValidationDetail['loc'] {
  const isInList = loc.length > list.length && list.every((key, at) => loc[at] === key);
  return isInList ? loc.map((key, at) => (at === list.length ? Number(key) + from : key)) : loc;
}
