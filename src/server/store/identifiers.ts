/**
 * Makes ids as v4 has them: a prefix that names the kind, and 21 base-62 characters. The first 7 are the time in
 * milliseconds (until the year 2081), the other 14 are random (83 bits). With the time first, new ids are neighbours in
 * their index; random ones would touch one page of a large file each.
 */
import { randomFillSync } from 'node:crypto';

export type IdentifierPrefix = 'data' | 'pr' | 'sesh' | 'config' | 'ann';

/** Sorted by character code, so that ids sort by time. */
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const TIME_LENGTH = 7;
const RANDOM_LENGTH = 14;
/** Larger bytes are thrown away, so that each character is equally likely. */
const LARGEST_FAIR_BYTE = 62 * 4 - 1;

const pool = new Uint8Array(4096);
let next = pool.length;

export function newIdentifier(prefix: IdentifierPrefix, nowMillis = Date.now()): string {
  let id = `${prefix}_${encodeTime(nowMillis)}`;
  const length = id.length + RANDOM_LENGTH;
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

function encodeTime(millis: number): string {
  let text = '';
  for (let rest = millis; text.length < TIME_LENGTH; rest = Math.floor(rest / 62)) text = ALPHABET[rest % 62] + text;
  return text;
}
