/** What the spans of a tree name of its context, counted: in most traces, all that name a session name the same. */
import type { Skeleton } from './skeleton.ts';

type Field = 'session' | 'user' | 'tags';

const FIELDS: readonly Field[] = ['session', 'user', 'tags'];

interface Counted {
  readonly value: NonNullable<Skeleton[Field]>;
  count: number;
}

export class NamedContexts {
  readonly #counts: Readonly<Record<Field, Map<string, Counted>>> = {
    session: new Map(),
    user: new Map(),
    tags: new Map(),
  };

  /** Counts what a span names now instead of what it named before. */
  replace(before: Skeleton | undefined, now: Skeleton | undefined): void {
    for (const field of FIELDS) {
      const [left, added] = [before?.[field], now?.[field]];
      if (left === added) continue;
      if (added !== undefined) this.#add(field, added);
      if (left !== undefined) this.#remove(field, left);
    }
  }

  /** Whether spans name different things. */
  isDisputed(field: Field): boolean {
    return this.#counts[field].size > 1;
  }

  /** Returns what those that name it agree on; undefined if none does. */
  agreedOn<Name extends Field>(field: Name): Skeleton[Name] {
    for (const { value } of this.#counts[field].values()) return value as Skeleton[Name];
    return undefined;
  }

  #add(field: Field, value: Counted['value']): void {
    const counts = this.#counts[field];
    const key = keyOf(value);
    const known = counts.get(key);
    if (known) known.count += 1;
    else counts.set(key, { value, count: 1 });
  }

  #remove(field: Field, value: Counted['value']): void {
    const counts = this.#counts[field];
    const key = keyOf(value);
    const known = counts.get(key) as Counted;
    known.count -= 1;
    if (known.count === 0) counts.delete(key);
  }
}

function keyOf(value: Counted['value']): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
