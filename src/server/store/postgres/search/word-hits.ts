/** Reads the index of words: the newest logs of a day that a term is in. */
import type pg from 'pg';
import { codeOf, type Row, type Statement, type Value, withConnection } from '../tables/connection.ts';
import { dayOf } from '../tables/identifiers.ts';
import { readAlongIds, readByIndex } from '../tables/index-reads.ts';
import type { Uuid } from '../tables/keys.ts';
import { logOfWords } from './word-rows.ts';
import type { Term } from './word-terms.ts';

/** The newest logs, which are looked at one by one: a frequent word is in enough of them. */
export const WINDOW = 1_000;
export const ENOUGH = 40;
/** With so many hits among the newest logs, the index may give too many: then more of the newest are looked at. */
export const MANY = 8;
const WIDE_WINDOW = 20_000;
/** The index gives so many of a day sooner than a wide window is looked through. */
const MAX_OF_DAY = 2_000;
/** Read from the index at once; and where most of them are left out by other words. */
const MAX_HITS = 200;
const MAX_HITS_OF_MANY = 10_000;
/** Of days that are asked at once. */
export const MAX_EARLIER = 4_000;
/** Of the database that one search has at once, beside which others read. */
const MAX_CONNECTIONS = 2;
/** In which the index answers what a search cannot do without, and what only makes it faster. */
const INDEX_MILLIS = 3_000;
export const HINT_MILLIS = 1_000;
const TIMED_OUT = '57014';
export const LAST_ID = 'data_zzzzzzzzzzzzzzzzzzzzz';

export interface Hit {
  readonly id: string;
  readonly session: Uuid;
}

export interface Hits {
  /** Newest first. */
  readonly rows: readonly Hit[];
  /** Whether these are all of the day. */
  readonly isWhole: boolean;
  /** Where the search goes on if the last hit does not say it. */
  readonly next?: string;
}

/** Newest first. */
export async function listDays(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<Row>({
    name: 'days',
    text: `SELECT right(relname, 8) AS day FROM pg_inherits JOIN pg_class ON oid = inhrelid
      WHERE inhparent = 'log_words'::regclass`,
  });
  const today = dayOf(Date.now() + 86_400_000);
  return rows
    .map((row) => String(row['day']).replace(/^(\d{4})(\d{2})(\d{2})$/, '$1-$2-$3'))
    .filter((day) => day <= today)
    .sort()
    .reverse();
}

/** Of the logs before an id. The index gives all logs of a word in no order: for a frequent one, that takes too long. */
export async function readHits(pool: pg.Pool, day: string, term: Term, before: string, areFew: boolean): Promise<Hits> {
  const limit = areFew ? MAX_HITS_OF_MANY : MAX_HITS;
  const values: Value[] = [day, before];
  const condition = toCondition(term, values);
  const walk = (statement: Statement) => withConnection(pool, (client) => readAlongIds(client, statement));
  // The last two rows say where the window ends.
  const rows = await walk({
    name: `walk ${condition}`,
    text: `SELECT id, session, is_hit, place FROM (
        SELECT id, session, ${condition} AS is_hit, row_number() OVER () AS place FROM (
          SELECT id, session, words FROM log_words WHERE day = $1::date AND id < $2::text
          ORDER BY id DESC LIMIT ${WINDOW}) AS newest) AS placed
      WHERE is_hit OR place >= ${WINDOW - 1}`,
    values,
  });
  const hits = rows.filter((row) => row['is_hit']);
  const isEnd = rows.at(-1)?.['place'] !== WINDOW;
  if (isEnd || hits.length >= ENOUGH) return { rows: hits.map(toHit), isWhole: isEnd };
  if (!areFew && hits.length >= MANY) {
    const all = await readFromIndex(
      pool,
      `SELECT id, session FROM log_words WHERE day = $1::date AND id || '' < $2::text AND ${condition}
       LIMIT ${MAX_OF_DAY + 1}`,
      values,
      HINT_MILLIS,
    );
    if (all && all.length <= MAX_OF_DAY) return { rows: newestFirst(all.map(toHit)), isWhole: true };
    const wide = await walk({
      name: `walk far ${condition} ${limit}`,
      text: `SELECT id, session FROM (SELECT id, session, words FROM log_words
          WHERE day = $1::date AND id < $2::text ORDER BY id DESC LIMIT ${WIDE_WINDOW}) AS newest
        WHERE ${condition} LIMIT ${limit}`,
      values,
    });
    if (wide.length >= ENOUGH) return { rows: wide.map(toHit), isWhole: false };
  }
  // In an order that no index has: PostgreSQL 18 would walk along the logs for that of the ids, even if it must not. And
  // by a condition that none has: where the planner knows nothing of the day, it would go through all ids of it as well.
  const found = await readFromIndex(
    pool,
    `SELECT id, session FROM log_words WHERE day = $1::date AND id || '' < $2::text AND ${condition}
     ORDER BY id || '' DESC LIMIT ${limit}`,
    values,
    INDEX_MILLIS,
  );
  // Too many logs have it for the index, and too few of the newest: these are looked at one by one.
  // Words that were added to a log come before its own, which may be outside: it is looked at again.
  if (!found) return { rows: hits.map(toHit), isWhole: false, next: lastLogOf(rows) };
  return { rows: found.map(toHit), isWhole: found.length < limit };
}

/** Some days in a row. */
export interface DayRange {
  readonly first: string;
  readonly last: string;
}

/** Returns a condition, and adds what it compares with to `values`. */
export function inDays({ first, last }: DayRange, values: Value[]): string {
  return `day >= $${values.push(first)}::date AND day <= $${values.push(last)}::date`;
}

/** `undefined` where these are many, or the index needs long for them. */
export async function readHitsOfDays(pool: pg.Pool, days: DayRange, term: Term): Promise<Hits | undefined> {
  const values: Value[] = [];
  const text = `SELECT id, session FROM log_words WHERE ${inDays(days, values)}
    AND ${toCondition(term, values)} LIMIT ${MAX_EARLIER + 1}`;
  const rows = await readFromIndex(pool, text, values, HINT_MILLIS);
  if (!rows || rows.length > MAX_EARLIER) return undefined;
  return { rows: newestFirst(rows.map(toHit)), isWhole: true };
}

function newestFirst(hits: Hit[]): Hit[] {
  return hits.sort((left, right) => (left.id < right.id ? 1 : -1));
}

/** In their order, a few at once. */
export async function mapTogether<Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += MAX_CONNECTIONS) {
    const slice = items.slice(at, at + MAX_CONNECTIONS);
    results.push(...(await Promise.all(slice.map((item, index) => work(item, at + index)))));
  }
  return results;
}

/** Adds what it compares with to `values`. An empty list of words would be one that every log has. */
export function toCondition({ words, beginnings }: Term, values: Value[]): string {
  const add = (list: readonly number[]): string => `$${values.push(list)}::int4[]`;
  return [
    ...(words.length > 0 ? [`words @> ${add(words)}`] : []),
    ...(beginnings ? [`words && ${add(beginnings)}`] : []),
  ].join(' AND ');
}

/** Resolves to `undefined` if it takes longer than that. */
export async function readFromIndex(
  pool: pg.Pool,
  text: string,
  values: readonly Value[],
  maxMillis: number,
): Promise<Row[] | undefined> {
  try {
    const [rows] = await withConnection(pool, (client) => readByIndex(client, [{ text, values }], maxMillis));
    return rows;
  } catch (error) {
    if (codeOf(error) === TIMED_OUT) return undefined;
    throw error;
  }
}

/** Of rows whose last one may be words that were added to a log, the log before that. */
function lastLogOf(rows: readonly Row[]): string {
  const [last, beforeLast] = [rows.at(-1)!['id'] as string, rows.at(-2)?.['id'] as string];
  return logOfWords(last === logOfWords(last) ? last : beforeLast);
}

function toHit(row: Row): Hit {
  return { id: logOfWords(row['id'] as string), session: row['session'] as Uuid };
}
