/**
 * Bounds what is parsed of the texts of one span: a few megabytes of JSON can have a million keys, which take seconds to
 * parse and to write again, and nothing else runs meanwhile. What is beyond stays a text.
 *
 * Keys that differ cost most: an object of very many is slow to make. A long history of messages, the rows that its tools
 * have found and the events of a stream have the same few keys again and again.
 */
import { parseJson } from '../../../wire/json.ts';
import { hasLongInteger } from './long-integers.ts';
import { nextMark, PLAIN_CHARS, stringEnd } from './string-end.ts';

/** Texts of so many characters together are parsed without a look: whatever they have takes some milliseconds. */
const FREE_CHARS = 128 * 1024;
/** In all texts. Some 50 ms, with all that is made of what was parsed. */
const MAX_WEIGHT = 1_000_000;
/** Of an object or a list. */
const NODE = 7;
/** Of a key that was there before, beside its text. */
const KEY = 4;
/** Of a key that was not. */
const NEW_KEY = 49;
/** Of a role, beside its key: what is made of a message takes longer than to parse it. */
const ROLE = 15;
/** Of a number or a text in a list. */
const ELEMENT = 4;
/** Of a text in quotes, however long: the engine copies it at once. */
const TEXT = 1;
/** Of one that follows another one at once: no JSON has so many for their other marks. */
const TEXT_AFTER_TEXT = 4;
/** Of a character of a text with escaped ones: to count these takes longer than to parse them. */
const ESCAPED_CHARACTER = 0.02;
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

export class Budget {
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
    if (this.hasRefused(text)) return false;
    const weight = this.#weigh(text);
    if (weight > this.weight) {
      this.refuse(text);
      return false;
    }
    this.weight -= weight;
    return true;
  }

  /** For a long text that cannot be parsed, which is not to be looked at again. */
  refuse(text: string): void {
    this.#refused ??= new Set();
    this.#refused.add(text);
  }

  hasRefused(text: string): boolean {
    return this.#refused?.has(text) ?? false;
  }

  /** Counts what is read without a look before. Returns whether it may go on. */
  spend(weight: number): boolean {
    this.weight -= weight;
    return this.weight >= 0;
  }

  /** Stops where it is too much. What it says of a text that is not JSON does not matter. */
  #weigh(text: string): number {
    let [weight, depth, start, end, plain] = [0, 0, 0, 0, 0];
    /** The next backslash; -1 if there is none. */
    let backslash = 0;
    /** Whether there was a colon since the last comma: then that was no element of a list. */
    let isField = false;
    let isAfterText = false;
    for (let at = 0; at < text.length && weight <= this.weight; at += 1) {
      const code = text.charCodeAt(at);
      plain += 1;
      if (code === QUOTE) {
        start = at + 1;
        // After a text without an end there is none with one. It is no JSON, and whoever reads it so may read on.
        end = end < 0 ? -1 : stringEnd(text, start);
        if (backslash >= 0 && backslash < start) backslash = text.indexOf('\\', start);
        weight += TEXT + (isAfterText ? TEXT_AFTER_TEXT : 0);
        if (backslash >= 0 && backslash < end) weight += (end - start) * ESCAPED_CHARACTER;
        at = Math.max(at, end);
        isAfterText = true;
        plain = 0;
        continue;
      } else if (code === COMMA) {
        weight += isField ? 1 : ELEMENT;
        isField = false;
      } else if (code === COLON) {
        weight += this.#weighKey(text, start, end);
        isField = true;
      } else if (code === EQUALS) weight += KEY;
      else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
        weight += NODE;
        depth += 1;
        if (depth > MAX_DEPTH) return Number.POSITIVE_INFINITY;
      } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
        depth -= 1;
        if (depth < 0) weight += 1;
      } else {
        if (plain > PLAIN_CHARS) at = nextMark(text, at) - 1;
        continue;
      }
      plain = 0;
      isAfterText = false;
    }
    return weight;
  }

  #weighKey(text: string, start: number, end: number): number {
    // No text in double quotes: who reads Python's counts what it has read.
    if (end === 0) return KEY;
    if (end <= start || end - start > MAX_KEY_CHARS) return NEW_KEY;
    this.#keys ??= new Set();
    const key = text.slice(start, end);
    if (this.#keys.has(key)) return key === 'role' ? KEY + ROLE : KEY;
    if (this.#keys.size < MAX_KNOWN_KEYS) this.#keys.add(key);
    return NEW_KEY;
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

/** Returns what the span that is read has left; outside of one, all that a text may have. */
export function budgetNow(): Budget {
  return ofSpan ?? new Budget();
}

/** Returns whether the text may be parsed, and counts it as parsed. */
export function mayParse(text: string): boolean {
  if (ofSpan === undefined && text.length <= FREE_CHARS) return true;
  return budgetNow().take(text);
}

/** Returns the parsed text; undefined if it is not JSON, may not be parsed, or has numbers that no number can hold. */
export function parseWithin(text: string): unknown {
  return mayParse(text) && !hasLongInteger(text) ? parseJson(text) : undefined;
}
