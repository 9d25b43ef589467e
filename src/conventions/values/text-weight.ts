/**
 * Bounds what is parsed of the texts of one span: a few megabytes of JSON can have a million keys, which take seconds to
 * parse and to write again, and nothing else runs meanwhile. What is beyond stays a text.
 */
import { parseJson } from '../../wire/json.ts';
import { stringEnd } from './string-end.ts';

/** Texts of so many characters together are parsed without a look: whatever they have takes some 20 ms. */
const FREE_CHARS = 512 * 1024;
/** In all texts: half a million numbers, or a hundred thousand keys, objects and lists. No request may have more. */
const MAX_WEIGHT = 500_000;
/** Of a key, an object or a list, compared with a number in a list: so much more it takes to parse. */
const HEAVY = 5;
/** The events of a stream all have the same keys, and take so much less. */
const SHARE_OF_EVENTS = 1 / 4;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;

interface Budget {
  freeChars: number;
  weight: number;
}

let ofSpan: Budget | undefined;

/** All texts that `read` parses share one budget. Outside of it, each text has its own. */
export function withOneBudget<Result>(read: () => Result): Result {
  const outer = ofSpan;
  ofSpan = newBudget();
  try {
    return read();
  } finally {
    ofSpan = outer;
  }
}

/** Returns whether the text may be parsed, and counts it as parsed. */
export function mayParse(text: string): boolean {
  return take(text, 1);
}

/** The same for a text that is a stream of events. What is in an event counts no more. */
export function mayParseEvents(text: string): boolean {
  return take(text, SHARE_OF_EVENTS);
}

/** Returns the parsed text; undefined if it is not JSON, or may not be parsed. */
export function parseWithin(text: string): unknown {
  return mayParse(text) ? parseJson(text) : undefined;
}

function newBudget(): Budget {
  return { freeChars: FREE_CHARS, weight: MAX_WEIGHT };
}

function take(text: string, share: number): boolean {
  if (ofSpan === undefined && text.length <= FREE_CHARS) return true;
  const budget = ofSpan ?? newBudget();
  if (text.length <= budget.freeChars) {
    budget.freeChars -= text.length;
    return true;
  }
  const weight = weigh(text, budget.weight / share) * share;
  if (weight > budget.weight) return false;
  budget.weight -= weight;
  return true;
}

/** Stops where it is more than `most`. What it says of a text that is not JSON does not matter. */
function weigh(text: string, most: number): number {
  let weight = 0;
  for (let at = 0; at < text.length && weight <= most; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = stringEnd(text, at + 1);
      if (end < 0) break;
      at = end;
    } else if (code === COMMA) weight += 1;
    else if (code === COLON || code === OPEN_BRACE || code === OPEN_BRACKET) weight += HEAVY;
  }
  return weight;
}
