/**
 * Many fields that may have one of several names each, read in one pass over the keys that are there.
 *
 * A look-up of a key that is absent costs more than a look at a key that is there, and most names are absent: a
 * vocabulary has 30 names for tokens and costs, and a span has 2 or 3 of them.
 */
import type { Attributes } from '../../otel/span-slice.ts';

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

  constructor(names: FieldNames<Fields>) {
    this.#names = names;
  }

  /** Returns the fields that are there. `keys` are those of `source`, if they are known. */
  read(source: Attributes, keys: readonly string[] = Object.keys(source)): Partial<Fields> {
    const found: Partial<Fields> = {};
    this.#places ??= placesOf(this.#names);
    let ranks: Map<keyof Fields, number> | undefined;
    for (const key of keys) {
      const place = this.#places.get(key);
      if (place === undefined) continue;
      const { field, read, rank } = place;
      if (found[field] !== undefined && (ranks?.get(field) ?? 0) <= rank) continue;
      const value = read(source[key]);
      if (value === undefined) continue;
      found[field] = value;
      if (rank > 0 || ranks !== undefined) ranks = (ranks ?? new Map()).set(field, rank);
    }
    return found;
  }
}

function placesOf<Fields extends object>(names: FieldNames<Fields>): Map<string, Place<Fields>> {
  const places = new Map<string, Place<Fields>>();
  for (const field in names) {
    const [read, ...all] = names[field] as readonly [Read<Fields[keyof Fields]>, ...string[]];
    for (const [rank, name] of all.entries()) places.set(name, { field, read, rank });
  }
  return places;
}
