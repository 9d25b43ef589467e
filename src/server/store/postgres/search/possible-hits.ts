/** Of the hits of one term, those whose sessions may have the other terms, which their keys alone decide. */
import type pg from 'pg';
import type { Row, Value } from '../tables/connection.ts';
import { toKeyed, type Uuid } from '../tables/keys.ts';
import { whereKeys } from '../tables/row-keys.ts';
import type { Hit } from './word-hits.ts';

/** Whose keys are looked at together. */
const HITS_AT_ONCE = 2_000;

export interface HitPortion {
  /** In their order. */
  readonly hits: readonly Hit[];
  /** How many hits before the end of the portion were left out. */
  readonly leftOut: number;
  /** The id of the last hit that was looked at, which may have been left out. */
  readonly last: string;
}

/**
 * Yields the hits of which more has to be read, at most `size` at once, in portions that go on one after the other.
 *
 * @param sessionsOf that have a log of another term on the days of the hits, for each of those of which that is known.
 */
export async function* findPossibleHits(
  pool: pg.Pool,
  hits: readonly Hit[],
  sessionsOf: readonly ReadonlySet<Uuid>[],
  size: number,
): AsyncGenerator<HitPortion> {
  for (let at = 0; at < hits.length; at += HITS_AT_ONCE) {
    const chunk = hits.slice(at, at + HITS_AT_ONCE);
    const sessions = await keepPossible(pool, chunk, sessionsOf);
    const possible = chunk.filter(({ session }) => sessions.has(session));
    for (let from = 0; from === 0 || from < possible.length; from += size) {
      const portion = possible.slice(from, from + size);
      const isLast = from + size >= possible.length;
      yield {
        hits: portion,
        leftOut: isLast ? chunk.length - possible.length : 0,
        last: (isLast ? chunk : portion).at(-1)!.id,
      };
    }
  }
}

/** Resolves to the sessions that may have all terms. Most do not, so that no more is read of them than that. */
async function keepPossible(
  pool: pg.Pool,
  hits: readonly Hit[],
  sessionsOf: readonly ReadonlySet<Uuid>[],
): Promise<Set<Uuid>> {
  const possible = new Set(hits.map(({ session }) => session));
  const others = [...possible].filter((session) => !sessionsOf.every((sessions) => sessions.has(session)));
  for (const session of others) possible.delete(session);
  if (others.length === 0) return possible;
  const values: Value[] = [];
  const { sql } = whereKeys('bucket, key', others.map(toKeyed), values);
  // Of a session of several days, or of several sessions that became one, another log may have the other word.
  const { rows } = await pool.query<Row>(
    `SELECT key FROM sessions WHERE ${sql} AND (merged_into IS NOT NULL OR cardinality(keys) > 1 OR first_day < last_day)`,
    values,
  );
  for (const row of rows) possible.add(row['key'] as Uuid);
  return possible;
}
