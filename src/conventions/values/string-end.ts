/** Where a string in JSON text ends, and what is outside of all strings. */
const BACKSLASH = 0x5c;

/** Returns the index of the quote that closes the string starting at `from`, or -1 if there is none. */
export function stringEnd(text: string, from: number): number {
  for (let quote = text.indexOf('"', from); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let before = quote - 1;
    while (text.charCodeAt(before) === BACKSLASH) before--;
    // An even number of backslashes before the quote does not escape it.
    if ((quote - before) % 2 === 1) return quote;
  }
  return -1;
}

/** Returns the text with `by` in place of what matches outside of its strings. What follows a string without end stays. */
export function replaceOutsideStrings(text: string, pattern: RegExp, by: string | ((found: string) => string)): string {
  const replace = (part: string) => (typeof by === 'string' ? part.replace(pattern, by) : part.replace(pattern, by));
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
