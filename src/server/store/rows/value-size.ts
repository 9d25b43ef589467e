/** How much there is in a value, without writing it as JSON. */

export interface MostOfValue {
  /** In all texts and keys. */
  readonly characters: number;
  /** Entries of objects and elements of lists. */
  readonly elements: number;
}

/** A config is sorted and hashed at once, and is in every answer that has one of its logs. */
export const MOST_OF_CONFIG: MostOfValue = { characters: 4 * 1024 * 1024, elements: 30_000 };

/** Returns whether it has more than that. Looks no further than it has to. */
export function hasMoreThan(most: MostOfValue, value: unknown): boolean {
  return countWithin(most, value) === undefined;
}

/** Returns the characters of the value; undefined if it has more than that. Looks no further than it has to. */
export function countWithin({ characters, elements }: MostOfValue, value: unknown): number | undefined {
  let [charactersLeft, elementsLeft] = [characters, elements];
  const waiting: unknown[] = [value];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next === 'string') charactersLeft -= next.length;
    else if (Array.isArray(next)) {
      elementsLeft -= next.length;
      if (elementsLeft < 0) return undefined;
      for (const element of next) if (isSized(element)) waiting.push(element);
    } else if (typeof next === 'object' && next !== null) {
      for (const key in next) {
        elementsLeft -= 1;
        charactersLeft -= key.length;
        if (elementsLeft < 0) return undefined;
        const element = (next as Record<string, unknown>)[key];
        if (isSized(element)) waiting.push(element);
      }
    }
    if (charactersLeft < 0) return undefined;
  }
  return characters - charactersLeft;
}

function isSized(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'object';
}
