/**
 * Under which ids and keys PostgreSQL has what comes from a file. Ids are kept: that of a log has the time of its arrival,
 * and so its day, that of a session or a config is a key. A session that has a reference is stored under the key of that,
 * as all servers find it; its own key then leads there. Pure.
 */
import { createHash } from 'node:crypto';
import type { SqliteRow } from '../../../sqlite/open.ts';
import { placeOf } from '../postgres/tables/identifiers.ts';
import { fromId, type Key, sessionKey, toDigits, toKeyed } from '../postgres/tables/keys.ts';
import { storableText } from '../storable-text.ts';

/** No version of this package is older. */
const FIRST_MILLIS = Date.parse('2025-01-01T00:00:00Z');
const DAY_MILLIS = 86_400_000;

/**
 * Early versions made ids of random characters alone, which would be stored under days that never were. Such a log gets
 * an id that has a time, and the same one each time that it is moved.
 */
export function logIdOf(id: string, updatedAt: string): string {
  const place = placeOf(id);
  const updatedMillis = Date.parse(updatedAt);
  const madeMillis = place ? Date.parse(place.day) : Number.NaN;
  if (madeMillis >= FIRST_MILLIS && madeMillis <= updatedMillis + DAY_MILLIS) return id;
  const digits = createHash('sha256').update(id).digest().subarray(0, 14);
  const arrivedMillis = updatedMillis > 0 ? updatedMillis : FIRST_MILLIS;
  return `data_${toDigits(arrivedMillis, 7)}${[...digits].map((byte) => toDigits(byte % 62, 1)).join('')}`;
}

/** Where the session is stored, and the key that its id names if that is another one. */
export function sessionKeys(id: string, reference: string | null): { readonly key: Key; readonly alias?: Key } {
  const named = fromId('sesh', id);
  const own = named === undefined ? sessionKey(`id ${id}`) : toKeyed(named);
  return reference === null ? { key: own } : { key: sessionKey(storableText(reference)), alias: own };
}

/** Of logs that are in no session, under that at their top. */
export function looseKey(logId: string): Key {
  return toKeyed(fromId('sesh', `sesh_${logId.slice('data_'.length)}`)!);
}

/**
 * Feedback is shown in the order of its ids, which are random within a millisecond: those of one log are given out again
 * in the order in which they came.
 */
export function feedbackIdsOf(entries: readonly SqliteRow[]): string[] {
  const ids = entries.map(({ id }) => id as string);
  return [...ids].sort();
}
