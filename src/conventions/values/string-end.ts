/** Where a string in JSON text ends. */
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
