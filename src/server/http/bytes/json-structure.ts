/**
 * Looks at JSON text while it arrives, before it is parsed: a body of a few kilobytes, unpacked, can stand for millions
 * of objects, which take far more memory and time than their text.
 */
import { PlainText, QUOTE } from './plain-text.ts';

/** Deeper values cannot be written as JSON again on every stack. The store's own JSON functions end earlier. */
const MAX_DEPTH = 2_000;
/** Half a million numbers, or a hundred thousand keys or objects: what a body of a few megabytes has at most. */
const MAX_WEIGHT = 500_000;
/** Of a key, an object or a list, compared with a number in a list: so much more it takes to parse. */
const HEAVY = 5;

const COMMA = 0x2c;
const COLON = 0x3a;

/** What bytes outside of texts are. Those of numbers, words and spaces are nothing. */
const IN_BETWEEN = 0;
const TEXT = 1;
const SEPARATOR = 2;
const OPEN = 3;
const CLOSE = 4;

const KINDS = new Uint8Array(256);
KINDS[QUOTE] = TEXT;
for (const byte of [COMMA, COLON]) KINDS[byte] = SEPARATOR;
for (const byte of Buffer.from('{[')) KINDS[byte] = OPEN;
for (const byte of Buffer.from('}]')) KINDS[byte] = CLOSE;

/** Reads text piece by piece. What it says of text that is not JSON does not matter: that is refused anyway. */
export class JsonStructure {
  readonly #maxWeight: number;
  #weight = 0;
  #depth = 0;
  #isInText = false;
  #isEscaped = false;

  constructor(maxWeight = MAX_WEIGHT) {
    this.#maxWeight = maxWeight;
  }

  /** How long the text takes to parse, by what is in it. */
  get weight(): number {
    return this.#weight;
  }

  /** Returns what is wrong with the text so far. */
  read(bytes: Buffer): 'too much' | 'too deep' | undefined {
    const plain = new PlainText(bytes);
    let [weight, depth] = [this.#weight, this.#depth];
    let index = this.#isInText ? this.#skipText(bytes, plain, this.#isEscaped ? 1 : 0) : 0;
    while (index < bytes.length) {
      const byte = bytes[index]!;
      const kind = KINDS[byte]!;
      index += 1;
      if (kind === IN_BETWEEN) continue;
      if (kind === TEXT) index = this.#skipText(bytes, plain, index);
      else if (kind === SEPARATOR) weight += byte === COMMA ? 1 : HEAVY;
      else if (kind === OPEN) {
        weight += HEAVY;
        depth += 1;
        if (depth > MAX_DEPTH) return 'too deep';
      } else depth -= 1;
    }
    [this.#weight, this.#depth] = [weight, depth];
    return weight > this.#maxWeight ? 'too much' : undefined;
  }

  /** Returns where the rest of a text is behind, beyond the end if its last byte escapes the next one. */
  #skipText(bytes: Buffer, plain: PlainText, start: number): number {
    let index = plain.endFrom(start);
    while (index < bytes.length) {
      if (bytes[index] === QUOTE) {
        if (this.#isInText) this.#isInText = false;
        return index + 1;
      }
      // A backslash, and what it escapes.
      index = plain.endFrom(index + 2);
    }
    this.#isInText = true;
    this.#isEscaped = index > bytes.length;
    return index;
  }

  /** What is wrong, for the client. */
  explain(fault: 'too much' | 'too deep'): string {
    return fault === 'too deep'
      ? `the body is nested more than ${MAX_DEPTH} levels deep`
      : `the body has more than ${this.#maxWeight / HEAVY} keys, objects and lists, or ${this.#maxWeight} values`;
  }
}
