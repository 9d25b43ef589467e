/** Remembers names that come again and again, so that their bytes need not become a new text each time. */

/** A longer name is not remembered. */
export const MAX_NAME_BYTES = 64;
/** Many times as many names as the attributes of most apps have. */
const NAMES = 1_024;
const PLACE_BITS = Math.log2(NAMES);
/** 2^32 by the golden ratio: what it multiplies differs in the upper bits wherever it differed before. */
const SPREAD = 0x9e3779b1;

/** Names in ASCII, each at the place that its bytes choose, until another one is read that has this place. */
const names: string[] = new Array<string>(NAMES).fill('');

/** Returns the text of these bytes, of which there are at most `MAX_NAME_BYTES`. */
export function nameAt(bytes: Buffer, start: number, size: number): string {
  const end = start + size;
  let hash = size;
  let at = start;
  // Four bytes at once: byte by byte takes twice as long.
  for (; at + 4 <= end; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    hash = Math.imul(hash, SPREAD) ^ word;
  }
  for (; at < end; at += 1) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
  const place = Math.imul(hash, SPREAD) >>> (32 - PLACE_BITS);
  if (isAt(bytes, start, size, names[place]!)) return names[place]!;
  const text = bytes.toString('utf8', start, end);
  // Else it is not in ASCII. A byte that is no text becomes one character, too, and is never found again.
  if (text.length === size) names[place] = text;
  return text;
}

/** Whether the bytes are this text in ASCII. */
function isAt(bytes: Uint8Array, start: number, size: number, text: string): boolean {
  if (text.length !== size) return false;
  for (let at = 0; at < size; at += 1) if (bytes[start + at] !== text.charCodeAt(at)) return false;
  return true;
}
