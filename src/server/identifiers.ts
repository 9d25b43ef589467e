/** Ids as v4 has them: a prefix that names the kind, and 21 random base-62 characters. */
import { randomFillSync } from 'node:crypto';

export type IdentifierPrefix = 'data' | 'pr' | 'sesh' | 'config' | 'ann';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const LENGTH = 21;
/** Bytes above this are thrown away, so that each character is equally likely. */
const LARGEST_FAIR_BYTE = 62 * 4 - 1;

const pool = new Uint8Array(4096);
let next = pool.length;

export function newIdentifier(prefix: IdentifierPrefix): string {
  let id = `${prefix}_`;
  const length = id.length + LENGTH;
  while (id.length < length) {
    if (next === pool.length) {
      randomFillSync(pool);
      next = 0;
    }
    const byte = pool[next++]!;
    if (byte <= LARGEST_FAIR_BYTE) id += ALPHABET[byte % 62];
  }
  return id;
}
