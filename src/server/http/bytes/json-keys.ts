/** Finds the keys of JSON's objects by their bytes. */
import { QUOTE } from './plain-text.ts';

/** Returned for a key that is none of those that are asked for. */
export const UNKNOWN = 0;

/** The keys of an object, best in the order in which they mostly come. */
export class Keys<Name extends string> {
  /** Begins with an empty one, which stands for all others. */
  readonly names: readonly (Name | '')[];
  readonly #bytes: readonly Uint8Array[];

  constructor(...names: readonly Name[]) {
    this.names = ['', ...names];
    this.#bytes = this.names.map((name) => Uint8Array.from(Buffer.from(name)));
  }

  /** Returns the index of the key whose first letter is at `start`; looks first at those that follow the one before. */
  find(bytes: Uint8Array, start: number, previous: number): number {
    const all = this.#bytes;
    for (let index = previous + 1; index < all.length; index += 1) if (isKeyAt(bytes, start, all[index]!)) return index;
    for (let index = 1; index <= previous; index += 1) if (isKeyAt(bytes, start, all[index]!)) return index;
    return UNKNOWN;
  }
}

function isKeyAt(bytes: Uint8Array, start: number, key: Uint8Array): boolean {
  const end = start + key.length;
  if (bytes[end] !== QUOTE) return false;
  for (let at = start, of = 0; at < end; at += 1, of += 1) if (bytes[at] !== key[of]) return false;
  return true;
}
