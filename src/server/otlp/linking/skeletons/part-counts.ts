/** When the parts of a trace become one. */

/**
 * So many parts become one, if the others have more in them than the first, which most of them became before: the work
 * then grows with the spans, and not with their square.
 */
const ENOUGH_PARTS = 16;
/** More parts become one in any case: all are read with each request. */
const MAX_PARTS = 64;

export function shouldBeOne(parts: readonly Uint8Array[]): boolean {
  if (parts.length < ENOUGH_PARTS || parts.length >= MAX_PARTS) return parts.length >= MAX_PARTS;
  const [first, ...others] = parts as readonly [Uint8Array, ...Uint8Array[]];
  return others.reduce((sum, { length }) => sum + length, 0) >= first.length;
}
