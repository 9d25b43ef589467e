/**
 * Ids of logs and of feedback. Both have 21 characters after their prefix: time in milliseconds (7), a count within the
 * millisecond (2), bucket (2), the process (2), random (8). So the ids of a process sort in the order in which they were
 * made, and the day and the bucket that a log is stored under are read off its id.
 *
 * Logs that were moved here from a SQLite file keep their ids, which have the time, too, and random characters after it.
 * Their buckets are therefore not those of their sessions, whose rows name all of them.
 */
import { digitsToNumber, randomDigits, toDigits } from './keys.ts';

const COUNTS = 62 * 62;
export const DAY_MILLIS = 86_400_000;
/** Within a few days this makes a number of 53 bits with count and process. */
const ORDER_MILLIS = 2 ** 29;
const PROCESS = randomDigits(2);
const BUCKETS = 1024;
const LOG_ID = /^data_[0-9A-Za-z]{21}$/;

let lastMillis = 0;
let count = 0;

export function newLogId(bucket: number): string {
  return newId('data', bucket);
}

export function newFeedbackId(): string {
  return newId('ann', 0);
}

function newId(prefix: string, bucket: number): string {
  const now = Date.now();
  if (now > lastMillis) [lastMillis, count] = [now, 0];
  else if (count < COUNTS - 1) count += 1;
  else [lastMillis, count] = [lastMillis + 1, 0];
  return `${prefix}_${toDigits(lastMillis, 7)}${toDigits(count, 2)}${toDigits(bucket, 2)}${PROCESS}${randomDigits(8)}`;
}

export interface LogPlace {
  /** `2026-01-31`, in UTC. */
  readonly day: string;
  readonly bucket: number;
  readonly id: string;
}

/** Returns `undefined` for what cannot be the id of a log. */
export function placeOf(id: string): LogPlace | undefined {
  if (!LOG_ID.test(id)) return undefined;
  const millis = digitsToNumber(id.slice(5, 12));
  // Only an id that was made elsewhere has a number above the last bucket.
  const bucket = digitsToNumber(id.slice(14, 16)) % BUCKETS;
  return { id, bucket, day: dayOf(millis) };
}

/** Logs that are written together are of few days, each of which is asked for again and again. */
const MAX_DAYS = 64;
let days = new Map<number, string>();

export function dayOf(millis: number): string {
  const number = Math.floor(millis / DAY_MILLIS);
  const known = days.get(number);
  if (known !== undefined) return known;
  const day = new Date(millis).toISOString().slice(0, 10);
  if (days.size >= MAX_DAYS) days = new Map();
  days.set(number, day);
  return day;
}

export function nextDay(day: string, days = 1): string {
  return dayOf(Date.parse(`${day}T00:00:00Z`) + days * DAY_MILLIS);
}

/** A number for each log of a session, higher for those that were made later within a few days. */
export function orderOf(id: string): number {
  const millis = digitsToNumber(id.slice(5, 12)) % ORDER_MILLIS;
  return (millis * 4096 + digitsToNumber(id.slice(12, 14))) * 4096 + digitsToNumber(id.slice(16, 18));
}

/** A text of this time and after it sorts above all ids that were made before. */
export function firstIdOf(millis: number): string {
  return `data_${toDigits(Math.max(0, millis), 7)}`;
}

let lastMicros = 0;

/** The time, in the form of `toTimestamp`; each call of this process returns a later one. */
export function nextTimestamp(): string {
  lastMicros = Math.max(lastMicros + 1, Date.now() * 1000);
  const millis = Math.floor(lastMicros / 1000);
  return `${new Date(millis).toISOString().slice(0, -1)}${String(lastMicros - millis * 1000).padStart(3, '0')}Z`;
}
