/**
 * Looks at JSON text while it arrives, before it is parsed: a body of a few kilobytes, unpacked, can stand for millions
 * of objects, which take far more memory and time than their text.
 */
import type { JsonPlaces, Tally } from './json-places.ts';
import { PlainText, QUOTE, SPACE } from './plain-text.ts';

/** Deeper values cannot be written as JSON again on every stack. The store's own JSON functions end earlier. */
const MAX_DEPTH = 2_000;
/** Half a million numbers, or a hundred thousand keys or objects: what a body of a few megabytes has at most. */
const MAX_WEIGHT = 500_000;
/** No text is so deep. */
const NEVER = MAX_DEPTH + 2;
/** Of a key, an object or a list, compared with a number in a list: so much more it takes to parse. */
const HEAVY = 5;

/** No number of so many digits is read as another one. */
const MAX_EXACT_DIGITS = 15;
const ZERO = 0x30;
const NINE = 0x39;
/** What is escaped without need, or in more than one way: `\\u` and `\\/`. */
const LETTER_U = 0x75;
const SLASH = 0x2f;

/** What bytes outside of texts are. Those of words are nothing. */
const IN_BETWEEN = 0;
const TEXT = 1;
const COMMA = 2;
const COLON = 3;
const OPEN = 4;
const CLOSE = 5;
const NUMBER = 6;
const BLANK = 7;

const KINDS = new Uint8Array(256);
KINDS.fill(BLANK, 0, SPACE + 1);
for (const [kind, bytes] of [
  [TEXT, '"'],
  [COMMA, ','],
  [COLON, ':'],
  [OPEN, '{['],
  [CLOSE, '}]'],
  [NUMBER, '-0123456789'],
] as const) {
  for (const byte of Buffer.from(bytes)) KINDS[byte] = kind;
}

/** Bytes of numbers besides those that they begin with. */
const IN_NUMBERS: ReadonlySet<number> = new Set(Buffer.from('+.eE'));

/** Reads text piece by piece. What it says of text that is not JSON does not matter: that is refused anyway. */
export class JsonStructure {
  readonly #maxWeight: number;
  readonly #places: JsonPlaces | undefined;
  #weight = 0;
  #depth = 0;
  /** Of all pieces before. */
  #length = 0;
  /** Where the text begins that a piece has ended in. */
  #textStart = 0;
  #isInText = false;
  #isEscaped = false;
  readonly #tally: Tally = { keys: 0, oddities: 0 };

  /** `places` are told what is where. */
  constructor(maxWeight = MAX_WEIGHT, places?: JsonPlaces) {
    this.#maxWeight = maxWeight;
    this.#places = places;
  }

  /** How long the text takes to parse, by what is in it. */
  get weight(): number {
    return this.#weight;
  }

  /** Returns what is wrong with the text so far. */
  read(bytes: Buffer): 'too much' | 'too deep' | undefined {
    const plain = new PlainText(bytes);
    const places = this.#places;
    const tally = this.#tally;
    const base = this.#length;
    let [weight, depth, level] = [this.#weight, this.#depth, places?.level ?? NEVER];
    let index = 0;
    if (this.#isInText) {
      index = this.#skipText(bytes, plain, this.#isEscaped ? 1 : 0);
      if (depth === level && !this.#isInText) places?.passText(this.#textStart, base + index);
    }
    while (index < bytes.length) {
      const kind = KINDS[bytes[index]!]!;
      index += 1;
      if (kind === IN_BETWEEN) continue;
      if (kind === TEXT) {
        const start = index - 1;
        index = this.#skipText(bytes, plain, index);
        if (this.#isInText) this.#textStart = base + start;
        else if (depth === level) places?.passText(base + start, base + index);
      } else if (kind === COMMA) {
        weight += 1;
        if (depth === 1) places?.passItem();
      } else if (kind === COLON) {
        weight += HEAVY;
        tally.keys += 1;
      } else if (kind === OPEN) {
        weight += HEAVY;
        if (depth === level) places?.open(base + index - 1, tally);
        else if (depth === 1) places?.passBorder(base + index - 1);
        else if (depth === 0 && places) level = places.begin(bytes[index - 1]!);
        depth += 1;
        if (depth > MAX_DEPTH) return 'too deep';
      } else if (kind === CLOSE) {
        depth -= 1;
        if (depth === level) places?.close(base + index, tally);
        else if (depth === 1) places?.passBorder(base + index);
      } else if (kind === NUMBER) {
        const start = index - 1;
        index = endOfNumber(bytes, index);
        if (depth > level && !isAsWritten(bytes, start, index)) tally.oddities += 1;
      } else tally.oddities += 1;
    }
    [this.#weight, this.#depth, this.#length] = [weight, depth, base + bytes.length];
    places?.passPiece(bytes.length);
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
      // A backslash, and what it escapes: where that is in the next piece, it is not looked at.
      const escaped = bytes[index + 1] ?? LETTER_U;
      if (escaped === LETTER_U || escaped === SLASH) this.#places?.forget();
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

function endOfNumber(bytes: Buffer, start: number): number {
  let end = start;
  while (end < bytes.length && (KINDS[bytes[end]!] === NUMBER || IN_NUMBERS.has(bytes[end]!))) end += 1;
  return end;
}

/**
 * Whether `JSON.stringify` writes the number in the same way. A longer one is read as another one, and is searched for
 * as that. Of one that the piece ends with, there may be more.
 */
function isAsWritten(bytes: Buffer, start: number, end: number): boolean {
  if (end === bytes.length) return false;
  if (end - start <= MAX_EXACT_DIGITS && isCount(bytes, start, end)) return true;
  const number = bytes.toString('latin1', start, end);
  return String(Number(number)) === number;
}

/** Whether it has nothing but digits, as most numbers. */
function isCount(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (bytes[at]! < ZERO || bytes[at]! > NINE) return false;
  return true;
}
