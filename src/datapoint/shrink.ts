/**
 * Cuts a datapoint that is too large for one request: the longest strings first, each with a visible marker, so that
 * structure, ids, tokens and all short texts stay whole.
 */

/** Strings shorter than this are never cut: they are names, ids and the like. */
const MIN_STRING_LENGTH = 256;

/** The text's beginning, and how much of it is missing. `maxLength` counts UTF-16 units, the marker not included. */
export function cutText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const kept = text.slice(0, maxLength).toWellFormed();
  return `${kept}… [${text.length - maxLength} characters cut by humanloop-otel]`;
}

/**
 * The JSON text of an object with its longest strings cut until it has at most `maxBytes`, or `undefined` where that
 * cannot be reached.
 */
export function shrinkJson(json: string, maxBytes: number): string | undefined {
  const value: unknown = JSON.parse(json);
  for (let maxLength = longestString(value); maxLength >= MIN_STRING_LENGTH; maxLength = Math.floor(maxLength / 2)) {
    const cut = JSON.stringify(value, (_, text) => (typeof text === 'string' ? cutText(text, maxLength) : text));
    if (Buffer.byteLength(cut) <= maxBytes) return cut;
  }
  return undefined;
}

function longestString(root: unknown): number {
  let longest = 0;
  const open: unknown[] = [root];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value === 'string') longest = Math.max(longest, value.length);
    else if (typeof value === 'object' && value !== null)
      for (const child of Object.values(value)) open.push(child ?? 0);
  }
  return longest;
}
