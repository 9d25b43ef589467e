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

const CODES = Buffer.from(ALPHABET, 'latin1');

const pool = new Uint8Array(4096);
let next = pool.length;
/** Made into a text at once: one that is put together letter by letter takes several times as long, also to be read. */
const random = Buffer.alloc(RANDOM_LENGTH);
/** Of many ids, the time is the same. */
let encodedMillis = Number.NaN;
let encodedTime = '';

export function newIdentifier(prefix: IdentifierPrefix, nowMillis = Date.now()): string {
  for (let length = 0; length < RANDOM_LENGTH; ) {
    if (next === pool.length) {
      randomFillSync(pool);
      next = 0;
    }
    const byte = pool[next++]!;
    if (byte <= LARGEST_FAIR_BYTE) random[length++] = CODES[byte % 62]!;
  }
  if (nowMillis !== encodedMillis) [encodedMillis, encodedTime] = [nowMillis, encodeTime(nowMillis)];
  return `${prefix}_${encodedTime}${random.toString('latin1')}`;
}

function encodeTime(millis: number): string {
  let text = '';
  for (let rest = millis; text.length < TIME_LENGTH; rest = Math.floor(rest / 62)) text = ALPHABET[rest % 62] + text;
  return text;
}
