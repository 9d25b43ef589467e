/**
 * Names and keys. All of them are made in Node, so that a write can be repeated with the same ones, and each names the
 * bucket (0 to 1023) by which every table is distributed. Pure but for the clock and random bytes.
 *
 * The key of a session is known from its reference, and its id from the key. The references of one trace are neighbours
 * in their index: their keys begin with 64 bits of the hash of the trace.
 */
import { createHash, randomFillSync } from 'node:crypto';

/** As 32 hexadecimal digits with dashes. */
export type Uuid = string;

export interface Key {
  readonly bucket: number;
  readonly key: Uuid;
}

/** Sorted by character code, so that ids sort by time. */
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SESSION_DIGITS = 21;
const TRACE_REFERENCE = /^([0-9a-f]{32})-[0-9a-f]{16}$/;

export function bucketOf(key: Uuid): number {
  return Number.parseInt(key.slice(0, 3), 16) & 1023;
}

/** 125 bits, which 21 characters of base 62 hold, and three zeros. */
export const sessionKey = remembering((reference: string): Key => {
  const hex = sha256(reference);
  return toKey(`${hex.slice(0, 31)}${lastDigit(hex[31]!)}`);
});

export function randomKey(): Key {
  const hex = Buffer.from(randomBytes(16)).toString('hex');
  return toKey(`${hex.slice(0, 31)}${lastDigit(hex[31]!)}`);
}

/** Keeps the first of the four bits. */
function lastDigit(digit: string): string {
  return Number.parseInt(digit, 16) >= 8 ? '8' : '0';
}

/** The group of a reference of the exporter, `<trace id>-<span id>`, is the trace; of any other, the whole reference. */
export function referenceKey(reference: string): Key {
  const trace = traceOf(reference);
  const own = sha256(reference).slice(0, 16);
  return toKey((trace === undefined ? own : groupOf(trace)) + own);
}

/** Returns the id of the trace that a reference of the exporter is of; `undefined` for any other reference. */
export function traceOf(reference: string): string | undefined {
  return TRACE_REFERENCE.exec(reference)?.[1];
}

const groupOf = remembering((trace: string) => sha256(trace).slice(0, 16));

/** Returns the first and the last key that a reference of the trace can have. */
export function traceRange(traceId: string): { bucket: number; first: Uuid; last: Uuid } {
  const group = groupOf(traceId);
  const first = toKey(`${group}${'0'.repeat(16)}`);
  return { bucket: first.bucket, first: first.key, last: toKey(`${group}${'f'.repeat(16)}`).key };
}

/** Equal configs of a project have one key. */
export function configKey(projectKey: number, content: string): Uuid {
  return sessionKey(`${projectKey} ${content}`).key;
}

export function toKeyed(key: Uuid): Key {
  return { key, bucket: bucketOf(key) };
}

/** `sesh_` or `config_`, and the first 125 bits of the key. */
export function toId(prefix: 'sesh' | 'config', key: Uuid): string {
  return `${prefix}_${toDigitsOfKey(key)}`;
}

const toDigitsOfKey = remembering((key: Uuid): string => {
  let rest = BigInt(`0x${key.replaceAll('-', '')}`) >> 3n;
  let text = '';
  for (let place = 0; place < SESSION_DIGITS; place += 1) {
    text = ALPHABET[Number(rest % 62n)] + text;
    rest /= 62n;
  }
  return text;
});

/** Returns `undefined` for what is no such id. */
export function fromId(prefix: 'sesh' | 'config', id: string): Uuid | undefined {
  const text = id.slice(prefix.length + 1);
  if (!id.startsWith(`${prefix}_`) || text.length !== SESSION_DIGITS) return undefined;
  let value = 0n;
  for (const character of text) {
    const digit = ALPHABET.indexOf(character);
    if (digit < 0) return undefined;
    value = value * 62n + BigInt(digit);
  }
  return value >> 125n === 0n ? toKey((value << 3n).toString(16).padStart(32, '0')).key : undefined;
}

/** For the viewer, which knows rows by numbers: 52 bits. The first half of a key that was moved here is mostly a time. */
export function toNumber(key: Uuid): number {
  return Number.parseInt(key.replaceAll('-', '').slice(16, 29), 16);
}

/** Sorts as the keys do, by their first 52 bits. */
export function toOrder(key: Uuid): number {
  return Number.parseInt(key.slice(0, 8) + key.slice(9, 13) + key[14], 16);
}

/** Letters and digits count as in `ALPHABET`. */
export function digitsToNumber(text: string): number {
  let value = 0;
  for (const character of text) value = value * 62 + ALPHABET.indexOf(character);
  return value;
}

export function toDigits(value: number, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest = Math.floor(rest / 62)) text = ALPHABET[rest % 62] + text;
  return text;
}

/** Not quite equally likely, which does no harm in 47 bits. */
export function randomDigits(length: number): string {
  let text = '';
  for (const byte of randomBytes(length)) text += ALPHABET[byte % 62];
  return text;
}

const pool = new Uint8Array(4096);
let next = pool.length;

function randomBytes(count: number): Uint8Array {
  if (next + count > pool.length) {
    randomFillSync(pool);
    next = 0;
  }
  next += count;
  return pool.slice(next - count, next);
}

const MAX_REMEMBERED = 5_000;
const MAX_REMEMBERED_CHARACTERS = 200;

/** The logs of a session come one after another, and name the same. */
function remembering<Result>(work: (text: string) => Result): (text: string) => Result {
  const known = new Map<string, Result>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const result = work(text);
    if (known.size >= MAX_REMEMBERED) known.clear();
    if (text.length <= MAX_REMEMBERED_CHARACTERS) known.set(text, result);
    return result;
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function toKey(hex: string): Key {
  const key = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  return { key, bucket: bucketOf(key) };
}
