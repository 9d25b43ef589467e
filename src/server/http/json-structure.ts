/**
 * Looks at JSON text while it arrives, before it is parsed: a body of a few kilobytes, unpacked, can stand for millions
 * of objects, which take far more memory and time than their text.
 */

/** Deeper values cannot be written as JSON again on every stack. The store's own JSON functions end earlier. */
const MAX_DEPTH = 2_000;
/** Half a million numbers, or a hundred thousand keys or objects: what a body of a few megabytes has at most. */
const MAX_WEIGHT = 500_000;
/** Of a key, an object or a list, compared with a number in a list: so much more it takes to parse. */
const HEAVY = 5;

/** In bytes. Shorter ends of texts are found faster byte by byte. */
const LONG_TEXT = 128;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
/** Brackets and braces differ in this bit alone, and no other character becomes one of these by it. */
const AS_BRACE = 0x20;
const OPEN = 0x7b;
const CLOSE = 0x7d;

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
    let [weight, depth] = [this.#weight, this.#depth];
    let index = this.#isInText ? this.#skipText(bytes, this.#isEscaped ? 1 : 0) : 0;
    while (index < bytes.length) {
      const byte = bytes[index]!;
      index += 1;
      if (byte === QUOTE) index = this.#skipText(bytes, index);
      else if (byte === COMMA) weight += 1;
      else if (byte === COLON) weight += HEAVY;
      else if ((byte | AS_BRACE) === OPEN) {
        weight += HEAVY;
        depth += 1;
        if (depth > MAX_DEPTH) return 'too deep';
      } else if ((byte | AS_BRACE) === CLOSE) depth -= 1;
    }
    [this.#weight, this.#depth] = [weight, depth];
    return weight > this.#maxWeight ? 'too much' : undefined;
  }

  /** Returns where the rest of a text is behind, beyond the end if its last byte escapes the next one. */
  #skipText(bytes: Buffer, start: number): number {
    let index = start;
    let longAt = start + LONG_TEXT;
    while (index < bytes.length) {
      const byte = bytes[index]!;
      if (byte === QUOTE) {
        this.#isInText = false;
        return index + 1;
      }
      index += byte === BACKSLASH ? 2 : 1;
      if (index < longAt || index >= bytes.length) continue;
      // Most bytes of a large body are in long texts. The engine finds their ends ten times as fast.
      const quote = bytes.indexOf(QUOTE, index);
      const end = quote < 0 ? bytes.length : quote;
      index = isEscapedAt(bytes, index, end) ? end + 1 : end;
      longAt = index + LONG_TEXT;
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

/** Whether the backslashes before `end` escape what is there. Nothing before `from` does. */
function isEscapedAt(bytes: Buffer, from: number, end: number): boolean {
  let start = end;
  while (start > from && bytes[start - 1] === BACKSLASH) start -= 1;
  return (end - start) % 2 === 1;
}
