/** Where a string in JSON text ends, and what is outside of all strings. */
const BACKSLASH = 0x5c;
const QUOTE = 0x22;
const MARK = /["{}[\],:=]/g;
/** After so many characters without a mark, to let the engine look for the next one takes less time than to go on. */
export const PLAIN_CHARS = 32;

/** Nobody escapes so many backslashes in a row. */
const MAX_BACKSLASHES = 100_000;
/** What is escaped so soon after the last one is looked at, which takes less time than to let the engine look. */
const NEAR_CHARS = 2;

/** Returns the index of the quote that closes the string starting at `from`, or -1 if there is none. */
export function stringEnd(text: string, from: number): number {
  for (let quote = text.indexOf('"', from); quote >= 0; quote = text.indexOf('"', quote)) {
    let before = quote - 1;
    while (text.charCodeAt(before) === BACKSLASH && quote - before <= MAX_BACKSLASHES) before--;
    if (quote - before > MAX_BACKSLASHES) return -1;
    // An even number of backslashes before the quote does not escape it.
    if ((quote - before) % 2 === 1) return quote;
    quote = passNear(text, quote + 1);
  }
  return -1;
}

/** Returns where the next quote that is not escaped is to be looked for, or where it is. */
function passNear(text: string, from: number): number {
  let at = from;
  for (let near = at + NEAR_CHARS; at < near; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code !== BACKSLASH) continue;
    at += 1;
    near = at + NEAR_CHARS;
  }
  return at;
}

/**
 * Finds the ends of one string after the other, and counts what is escaped in them. However many strings there are, each
 * character is looked at once or twice.
 */
export class TextEnds {
  readonly #text: string;
  readonly #mark: string;
  /** Where the next of each is, at or after the last start that was asked for; -1 if there is none. */
  #quote = 0;
  #escape = 0;
  /** In the string whose end was found last, or until it was given up. */
  escapes = 0;

  constructor(text: string, mark = '"') {
    this.#text = text;
    this.#mark = mark;
  }

  /** Returns the index of the mark that closes the string starting at `from`, or -1 if there is none. */
  endFrom(from: number, maxEscapes = Number.POSITIVE_INFINITY): number {
    this.escapes = 0;
    this.#quote = this.#next(this.#mark, this.#quote, from);
    this.#escape = this.#next('\\', this.#escape, from);
    while (this.#escape >= 0 && this.#escape < this.#quote && this.escapes <= maxEscapes) {
      this.escapes += 1;
      const after = this.#escape + 2;
      this.#quote = this.#next(this.#mark, this.#quote, after);
      this.#escape = this.#next('\\', this.#escape, after);
    }
    return this.escapes > maxEscapes ? -1 : this.#quote;
  }

  #next(character: string, known: number, from: number): number {
    return known < 0 || known >= from ? known : this.#text.indexOf(character, from);
  }
}

/** Returns the text with `by` in place of what matches outside of its strings. What follows a string without end stays. */
export function replaceOutsideStrings(text: string, pattern: RegExp, by: string | ((found: string) => string)): string {
  const replace = (part: string) =>
    typeof by === 'string' ? part.replace(pattern, by) : replaceEach(part, pattern, by);
  let replaced = '';
  let at = 0;
  while (at < text.length) {
    const quote = text.indexOf('"', at);
    if (quote < 0) break;
    const end = stringEnd(text, quote + 1);
    replaced += replace(text.slice(at, quote));
    if (end < 0) return replaced + text.slice(quote);
    replaced += text.slice(quote, end + 1);
    at = end + 1;
  }
  return replaced + replace(text.slice(at));
}

/** One by one: the engine would look for all of them before it asks for the first one. */
function replaceEach(part: string, pattern: RegExp, by: (found: string) => string): string {
  let replaced = '';
  let from = 0;
  pattern.lastIndex = 0;
  for (let found = pattern.exec(part); found; found = pattern.exec(part)) {
    replaced += part.slice(from, found.index) + by(found[0]);
    from = pattern.lastIndex;
  }
  return replaced + part.slice(from);
}

/** Returns how often the part is in the text, or `most`. */
export function countUpTo(most: number, text: string, part: string): number {
  let count = 0;
  for (let at = text.indexOf(part); at >= 0 && count < most; at = text.indexOf(part, at + part.length)) count += 1;
  return count;
}

/** Returns the index of the next quote, bracket, comma, colon or equals sign; the length of the text if there is none. */
export function nextMark(text: string, from: number): number {
  MARK.lastIndex = from;
  return MARK.test(text) ? MARK.lastIndex - 1 : text.length;
}
