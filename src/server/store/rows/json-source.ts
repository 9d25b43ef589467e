/**
 * Remembers the text of what was parsed, so that it can be stored as it came: to write the JSON of a log again takes longer
 * than to parse it, and makes as much garbage.
 *
 * A text belongs to the very object or list that was parsed from it. Whoever changes something makes another one, of which
 * nothing is remembered.
 */

/** Makes a class whose constructor adds its private fields to the value that it is given. */
const Given = class {
  constructor(value: object) {
    // biome-ignore lint/correctness/noConstructorReturn: it is what this class is for.
    return value;
  }
};

/**
 * A text in a private field of the value itself, which nobody else sees and no copy has. For values whose keys were seen
 * before, a `WeakMap` takes several times as long, with the collections of garbage; for those with new keys, no longer.
 */
class Source extends Given {
  #text: string | undefined;

  private constructor(value: object, text: string) {
    super(value);
    this.#text = text;
  }

  static of(value: object): string | undefined {
    return #text in value ? value.#text : undefined;
  }

  /** `undefined` forgets the one that was set before. */
  static set(value: object, text: string | undefined): void {
    if (#text in value) value.#text = text;
    else if (text !== undefined) new Source(value, text);
  }
}

/** Returns the JSON that the value was parsed from, where it is remembered. */
export function sourceOf(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null ? Source.of(value) : undefined;
}

/** `text` must be what `JSON.stringify` would write, but for the order of keys. `undefined` forgets the one before. */
export function rememberSource(value: object, text: string | undefined): void {
  Source.set(value, text);
}
