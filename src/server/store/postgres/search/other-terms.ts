/** The terms of a search beside the one that leads: the sessions that have them are known before a hit is looked at. */
import type pg from 'pg';
import { type Row, type Value, withConnection } from '../tables/connection.ts';
import { readAlongIds } from '../tables/index-reads.ts';
import type { Uuid } from '../tables/keys.ts';
import {
  type DayRange,
  ENOUGH,
  HINT_MILLIS,
  inDays,
  MANY,
  mapTogether,
  readFromIndex,
  toCondition,
  WINDOW,
} from './word-hits.ts';
import type { Term } from './word-terms.ts';

/** Of a term that is not frequent, on the days that are read at once. */
const MAX_SESSIONS = 50_000;
/** So many are read in the time in which one hit is looked at. */
const SESSIONS_PER_HIT = 20;
/** Of a term, to find the one that is in the fewest logs. */
const MAX_COUNTED = 2_000;

export class OtherTerms {
  readonly #pool: pg.Pool;
  readonly #terms: readonly Term[];
  /** Without those that are frequent, which leave out few. `undefined` until a day with logs was looked at. */
  #telling: readonly Term[] | undefined;

  constructor(pool: pg.Pool, terms: readonly Term[]) {
    this.#pool = pool;
    this.#terms = terms;
  }

  /**
   * Resolves to the sessions that have a log with the term on these days, for each of the terms of which that is known:
   * not for a frequent one, and not for one that the index needs long for, or is not asked for before `end`, nor for one
   * of so many sessions that the hits of the leading term are sooner looked at.
   *
   * @param hits of the leading term on these days; default: not known.
   * @param end by `performance.now()`.
   */
  async sessionsOf(days: DayRange, end: number, hits = Number.POSITIVE_INFINITY): Promise<ReadonlySet<Uuid>[]> {
    this.#telling ??= await this.#findTelling(days);
    const limit = Math.min(MAX_SESSIONS, SESSIONS_PER_HIT * hits);
    const known: ReadonlySet<Uuid>[] = [];
    const useless = new Set<Term>();
    await mapTogether(this.#telling ?? [], async (term) => {
      const sessions = performance.now() > end ? undefined : await this.#read(days, term, limit);
      if (sessions && sessions.length < limit) known.push(new Set(sessions));
      // What took too long, or was too much, would be so on other days.
      else if (!sessions || limit === MAX_SESSIONS) useless.add(term);
    });
    this.#telling = this.#telling?.filter((term) => !useless.has(term));
    return known;
  }

  /** As one text: the driver takes far longer for as many rows. */
  async #read(days: DayRange, term: Term, limit: number): Promise<Uuid[] | undefined> {
    const values: Value[] = [];
    const text = `SELECT string_agg(session::text, ' ') AS sessions FROM (SELECT session FROM log_words
      WHERE ${inDays(days, values)} AND ${toCondition(term, values)} LIMIT ${limit}) AS found`;
    const rows = await readFromIndex(this.#pool, text, values, HINT_MILLIS);
    return rows && (((rows[0]!['sessions'] as string | null)?.split(' ') as Uuid[] | undefined) ?? []);
  }

  async #findTelling(days: DayRange): Promise<readonly Term[] | undefined> {
    if (this.#terms.length === 0) return [];
    const { logs, counts } = await sample(this.#pool, days, this.#terms);
    return logs === 0 ? undefined : this.#terms.filter((_, index) => counts[index]! < ENOUGH);
  }
}

/**
 * Resolves to how many logs of these days have each term; of frequent ones, and those that the index needs long for or is
 * not asked for before `end`, which is more frequent than others.
 *
 * @param end by `performance.now()`.
 */
export async function countHits(pool: pg.Pool, days: DayRange, terms: readonly Term[], end: number): Promise<number[]> {
  const { counts: sampled } = await sample(pool, days, terms);
  // The newest logs say enough of terms that are all among them.
  const areAllThere = sampled.every((count) => count >= MANY);
  return mapTogether(terms, async (term, index) => {
    const many = MAX_COUNTED + sampled[index]!;
    if (areAllThere || sampled[index]! >= ENOUGH || performance.now() > end) return many;
    const values: Value[] = [];
    const text = `SELECT count(*) AS logs FROM (SELECT 1 FROM log_words WHERE ${inDays(days, values)}
      AND ${toCondition(term, values)} LIMIT ${MAX_COUNTED}) AS found`;
    const rows = await readFromIndex(pool, text, values, HINT_MILLIS);
    return rows ? (rows[0]!['logs'] as number) : many;
  });
}

/** Resolves to how many of the newest logs have each term, and how many were looked at. */
async function sample(pool: pg.Pool, days: DayRange, terms: readonly Term[]) {
  const values: Value[] = [];
  const within = inDays(days, values);
  const counts = terms.map((term) => `count(*) FILTER (WHERE ${toCondition(term, values)})::int4`);
  const text = `SELECT count(*) AS logs, ARRAY[${counts.join(', ')}] AS counts
    FROM (SELECT words FROM log_words WHERE ${within} ORDER BY id DESC LIMIT ${WINDOW}) AS newest`;
  const [row] = await withConnection(pool, (client) => readAlongIds(client, { text, values }));
  const { logs, counts: found } = row as Row & { logs: number; counts: number[] };
  return { logs, counts: found };
}
