/**
 * Bounds what is parsed of the texts of one span: a few megabytes of JSON can have a million keys, which take seconds to
 * parse and to write again, and nothing else runs meanwhile. What is beyond stays a text.
 *
 * Keys that differ cost most: an object of very many is slow to make. A long history of messages, the rows that its tools
 * have found and the events of a stream have the same few keys again and again.
 */
import { parseJson } from '../../wire/json.ts';
import { stringEnd } from './string-end.ts';

/** Texts of so many characters together are parsed without a look: whatever they have takes some milliseconds. */
const FREE_CHARS = 128 * 1024;
/** In all texts. A number in a list counts as one. */
const MAX_WEIGHT = 2_000_000;
/** Of an object, a list, or a key that was there before. */
const HEAVY = 5;
/** Of a key that was not. */
const NEW_KEY = 20;
/** So many keys are remembered, of so many characters. Others always count as new. */
const MAX_KNOWN_KEYS = 1_000;
const MAX_KEY_CHARS = 64;

/** What is nested deeper is nothing that an app has written. */
const MAX_DEPTH = 1_000;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
/** Behind a key, as Java prints it. */
const EQUALS = 0x3d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

class Budget {
  freeChars = FREE_CHARS;
  weight = MAX_WEIGHT;
  #keys: Set<string> | undefined;
  /** Several readers ask for the same text, and what was too much stays too much. */
  #refused: Set<string> | undefined;

  /** Returns whether the text may be parsed, and counts it as parsed. */
  take(text: string): boolean {
    if (text.length <= this.freeChars) {
      this.freeChars -= text.length;
      return true;
    }
    if (this.#refused?.has(text)) return false;
    const weight = this.#weigh(text);
    if (weight > this.weight) {
      this.#refused ??= new Set();
      this.#refused.add(text);
      return false;
    }
    this.weight -= weight;
    return true;
  }

  /** Stops where it is too much. What it says of a text that is not JSON does not matter. */
  #weigh(text: string): number {
    let [weight, depth, start, end] = [0, 0, 0, 0];
    for (let at = 0; at < text.length && weight <= this.weight; at += 1) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        start = at + 1;
        end = stringEnd(text, start);
        if (end < 0) break;
        at = end;
      } else if (code === COMMA) weight += 1;
      else if (code === COLON) weight += this.#isKnown(text, start, end) ? HEAVY : NEW_KEY;
      else if (code === EQUALS) weight += HEAVY;
      else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
        weight += HEAVY;
        depth += 1;
        if (depth > MAX_DEPTH) return Number.POSITIVE_INFINITY;
      } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth -= 1;
    }
    return weight;
  }

  #isKnown(text: string, start: number, end: number): boolean {
    if (end <= start || end - start > MAX_KEY_CHARS) return false;
    this.#keys ??= new Set();
    const key = text.slice(start, end);
    if (this.#keys.has(key)) return true;
    if (this.#keys.size < MAX_KNOWN_KEYS) this.#keys.add(key);
    return false;
  }
}

let ofSpan: Budget | undefined;

/** All texts that `read` parses share one budget. Outside of it, each text has its own. */
export function withOneBudget<Result>(read: () => Result): Result {
  const outer = ofSpan;
  ofSpan = new Budget();
  try {
    return read();
  } finally {
    ofSpan = outer;
  }
}

/** Returns whether the text may be parsed, and counts it as parsed. */
export function mayParse(text: string): boolean {
  if (ofSpan === undefined && text.length <= FREE_CHARS) return true;
  return (ofSpan ?? new Budget()).take(text);
}

/** Returns the parsed text; undefined if it is not JSON, or may not be parsed. */
export function parseWithin(text: string): unknown {
  return mayParse(text) ? parseJson(text) : undefined;
}
