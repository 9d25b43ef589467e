/** Short stand-ins for texts that are compared later, so that no content has to be kept. */

/** A longer text is known by its beginning and its length. */
const MAX_READ = 4_096;

/** Returns 53 bits and the length of a text. Equal texts have equal fingerprints. */
export function fingerprint(text: string): string {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  const end = Math.min(text.length, MAX_READ);
  for (let at = 0; at < end; at++) {
    const code = text.charCodeAt(at);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  const bits = 4294967296 * (2097151 & low) + (high >>> 0);
  return `${bits.toString(36)}.${text.length}`;
}
