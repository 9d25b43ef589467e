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

/** In bytes. */
const LONG_TEXT = 32;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

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
    let [weight, depth, isInText, isEscaped] = [this.#weight, this.#depth, this.#isInText, this.#isEscaped];
    let textStart = 0;
    for (let index = 0; index < bytes.length; index += 1) {
      const byte = bytes[index]!;
      if (isInText) {
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) isInText = false;
        else if (index - textStart > LONG_TEXT) {
          // Most bytes of a large body are in long texts. The engine finds their ends ten times as fast.
          const quote = bytes.indexOf(QUOTE, index);
          const end = quote < 0 ? bytes.length : quote;
          const isEscapedEnd = isEscapedAt(bytes, index, end);
          if (quote < 0) isEscaped = isEscapedEnd;
          else isInText = isEscapedEnd;
          textStart = end;
          index = end;
        }
      } else if (byte === QUOTE) {
        isInText = true;
        textStart = index;
      } else if (byte === COMMA) weight += 1;
      else if (byte === COLON) weight += HEAVY;
      else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        weight += HEAVY;
        depth += 1;
        if (depth > MAX_DEPTH) return 'too deep';
      } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth -= 1;
    }
    [this.#weight, this.#depth, this.#isInText, this.#isEscaped] = [weight, depth, isInText, isEscaped];
    return weight > this.#maxWeight ? 'too much' : undefined;
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
