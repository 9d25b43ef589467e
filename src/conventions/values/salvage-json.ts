/**
 * Reads JSON text that was cut at its end, as `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT` does.
 *
 * One scan finds what was open at the cut. A string value cut in the middle is kept as far as it goes; a key, number or
 * word cut in the middle is dropped, since half of it would be wrong.
 */

import { nextMark, PLAIN_CHARS, TextEnds } from './json/string-end.ts';
import { parsePythonJson } from './printed/python-json.ts';

/** No message of an LLM call is nested deeper. */
const MAX_DEPTH = 200;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Returns what is left of the object or list; undefined if the text is not cut JSON or nothing is left. */
export function salvageJson(text: string): object | undefined {
  const closers: string[] = [];
  /** Where the text can last be closed into valid JSON, and how deep it is there. */
  let safeEnd = 0;
  let safeDepth = 0;
  let expectsValue = false;
  let plain = 0;
  const texts = new TextEnds(text);

  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (plain++ > PLAIN_CHARS) {
      at = nextMark(text, at) - 1;
      plain = 0;
    } else if (code === QUOTE) {
      plain = 0;
      const end = texts.endFrom(at + 1);
      const isValue = expectsValue || closers.at(-1) === ']';
      if (end < 0)
        return isValue ? parse(`${text.slice(0, partialStringEnd(text, at))}"${close(closers)}`) : cutAtSafe();
      at = end;
      if (isValue) markSafe(at + 1);
      expectsValue = false;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (closers.length === MAX_DEPTH) return cutAtSafe();
      closers.push(code === OPEN_BRACE ? '}' : ']');
      expectsValue = false;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      if (closers.pop() !== text[at] || closers.length === 0) return undefined;
      markSafe(at + 1);
      expectsValue = false;
    } else if (code === COLON) {
      expectsValue = true;
    } else if (code === COMMA) {
      // Before a comma everything is complete, numbers and words too.
      markSafe(at);
      expectsValue = false;
    }
  }
  return cutAtSafe();

  function markSafe(end: number): void {
    safeEnd = end;
    safeDepth = closers.length;
  }

  function cutAtSafe(): object | undefined {
    return parse(text.slice(0, safeEnd) + close(closers.slice(0, safeDepth)));
  }
}

function close(closers: readonly string[]): string {
  return closers.toReversed().join('');
}

/** Returns the end of an unfinished string, leaving out an escape sequence that was cut. */
function partialStringEnd(text: string, quote: number): number {
  const tail = text.slice(Math.max(quote + 1, text.length - 6));
  const slash = tail.lastIndexOf('\\');
  if (slash < 0) return text.length;
  let backslashes = 0;
  for (let at = text.length - tail.length + slash; at > quote && text.charCodeAt(at) === BACKSLASH; at--) backslashes++;
  const rest = tail.length - slash;
  const isCut = backslashes % 2 === 1 && (rest === 1 || (tail[slash + 1] === 'u' && rest < 6));
  return isCut ? text.length - rest : text.length;
}

function parse(text: string): object | undefined {
  const value = parsePythonJson(text);
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0 ? value : undefined;
}
