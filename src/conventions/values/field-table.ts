/**
 * Many fields that may have one of several names each, read in one pass over the keys that are there.
 *
 * A look-up of a key that is absent costs more than a look at a key that is there, and most names are absent: a
 * vocabulary has 30 names for tokens and costs, and a span has 2 or 3 of them.
 */
import type { Attributes } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';

type Read<Value> = (value: unknown) => Value | undefined;

/**
 * For each field the reader of its values, and its names. The first name with a value that can be read wins. A name
 * belongs to one field.
 */
export type FieldNames<Fields> = {
  readonly [K in keyof Fields]?: readonly [read: Read<Fields[K]>, ...names: string[]];
};

interface Place<Fields> {
  readonly field: keyof Fields;
  readonly read: Read<Fields[keyof Fields]>;
  /** 0 for the field's first name. */
  readonly rank: number;
}

export class FieldTable<Fields extends object> {
  readonly #names: FieldNames<Fields>;
  /** Made at the first reading: an app loads all vocabularies and reads few of them. */
  #places: ReadonlyMap<string, Place<Fields>> | undefined;
  /** The names with a dot, by what is before it and what is after it. */
  #nested: ReadonlyMap<string, ReadonlyMap<string, Place<Fields>>> | undefined;

  constructor(names: FieldNames<Fields>) {
    this.#names = names;
  }

  /** Returns the fields that are there. `keys` are those of `source`, if they are known. */
  read(source: Attributes, keys: readonly string[] = Object.keys(source)): Partial<Fields> {
    const found: Partial<Fields> = {};
    this.#places ??= placesOf(this.#names);
    let ranks: Ranks<Fields>;
    for (const key of keys) {
      const place = this.#places.get(key);
      if (place !== undefined) ranks = fill(found, ranks, place, source[key]);
    }
    return found;
  }

  /** Returns the fields of an object in which those with a dot in their names are nested: `{ details: { cached } }`. */
  readNested(source: Attributes): Partial<Fields> {
    const found: Partial<Fields> = {};
    this.#places ??= placesOf(this.#names);
    this.#nested ??= nestedIn(this.#places);
    let ranks: Ranks<Fields>;
    for (const key in source) {
      const value = source[key];
      const inner = isObject(value) ? this.#nested.get(key) : undefined;
      if (inner) {
        const fields = value as Attributes;
        for (const name in fields) {
          const place = inner.get(name);
          if (place !== undefined) ranks = fill(found, ranks, place, fields[name]);
        }
      }
      const place = this.#places.get(key);
      if (place !== undefined) ranks = fill(found, ranks, place, value);
    }
    return found;
  }
}

/** The ranks of the names that were found, if not all of them are 0. */
type Ranks<Fields> = Map<keyof Fields, number> | undefined;

function fill<Fields>(
  found: Partial<Fields>,
  ranks: Ranks<Fields>,
  { field, read, rank }: Place<Fields>,
  raw: unknown,
): Ranks<Fields> {
  if (found[field] !== undefined && (ranks?.get(field) ?? 0) <= rank) return ranks;
  const value = read(raw);
  if (value === undefined) return ranks;
  found[field] = value;
  return rank > 0 || ranks !== undefined ? (ranks ?? new Map()).set(field, rank) : ranks;
}

function nestedIn<Fields>(places: ReadonlyMap<string, Place<Fields>>): Map<string, Map<string, Place<Fields>>> {
  const nested = new Map<string, Map<string, Place<Fields>>>();
  for (const [name, place] of places) {
    const dot = name.indexOf('.');
    if (dot < 0) continue;
    const outer = name.slice(0, dot);
    nested.set(outer, (nested.get(outer) ?? new Map()).set(name.slice(dot + 1), place));
  }
  return nested;
}

function placesOf<Fields extends object>(names: FieldNames<Fields>): Map<string, Place<Fields>> {
  const places = new Map<string, Place<Fields>>();
  for (const field in names) {
    const [read, ...all] = names[field] as readonly [Read<Fields[keyof Fields]>, ...string[]];
    for (const [rank, name] of all.entries()) places.set(name, { field, read, rank });
  }
  return places;
}
