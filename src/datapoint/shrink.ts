/**
 * Cuts a datapoint that is too large for one request. The longest strings are cut first, each with a visible marker;
 * structure, ids, tokens and short texts stay whole.
 */

/** Shorter strings are never cut: they may be names or ids. */
const MIN_STRING_LENGTH = 256;

/**
 * Returns the beginning of the text and a marker with the cut length. `maxLength` is in UTF-16 units, without marker.
 */
export function cutText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const kept = text.slice(0, maxLength).toWellFormed();
  return `${kept}… [${text.length - maxLength} characters cut by humanloop-otel]`;
}

/**
 * Returns the JSON text of an object with its longest strings cut until it has at most `maxBytes` bytes; undefined if
 * that is impossible.
 */
export function shrinkJson(json: string, maxBytes: number): string | undefined {
  const value: unknown = JSON.parse(json);
  for (
    let maxLength = longestStringLength(value);
    maxLength >= MIN_STRING_LENGTH;
    maxLength = Math.floor(maxLength / 2)
  ) {
    const cut = JSON.stringify(value, (_, text) => (typeof text === 'string' ? cutText(text, maxLength) : text));
    if (Buffer.byteLength(cut) <= maxBytes) return cut;
  }
  return undefined;
}

function longestStringLength(root: unknown): number {
  let longest = 0;
  const open: unknown[] = [root];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value === 'string') longest = Math.max(longest, value.length);
    else if (typeof value === 'object' && value !== null)
      for (const child of Object.values(value)) open.push(child ?? 0);
  }
  return longest;
}
