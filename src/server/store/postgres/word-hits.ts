/** Reads the index of words: the newest logs of a day that a term is in. */
import type pg from 'pg';
import { pipelined, type Row, type Value, withConnection } from './connection.ts';
import { dayOf } from './identifiers.ts';
import type { Uuid } from './keys.ts';
import { logOfWords } from './word-rows.ts';
import type { Term } from './word-terms.ts';

/** The newest logs, which are looked at one by one: a frequent word is in enough of them. */
const WINDOW = 1_000;
const ENOUGH = 40;
/** Read from the index at once; and where most of them are left out by other words. */
const MAX_HITS = 200;
const MAX_HITS_OF_MANY = 2_000;
/** Of a term that is not frequent, on one day. */
const MAX_SESSIONS = 50_000;
/** Of a term, to find the one that is in the fewest logs. */
const MAX_COUNTED = 2_000;
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
}

/** Newest first. */
export async function listDays(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<Row>({
    name: 'days',
    text: `SELECT right(inhrelid::regclass::text, 8) AS day FROM pg_inherits WHERE inhparent = 'log_words'::regclass`,
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
  const { rows } = await pool.query<Row>({
    name: `walk ${condition}`,
    text: `SELECT id, session, ${condition} AS is_hit FROM (SELECT id, session, words FROM log_words
        WHERE day = $1::date AND id < $2::text ORDER BY id DESC LIMIT ${WINDOW}) AS newest`,
    values,
  });
  const hits = rows.filter((row) => row['is_hit']);
  const isEnd = rows.length < WINDOW;
  if (isEnd || hits.length >= ENOUGH) return { rows: hits.map(toHit), isWhole: isEnd };
  const found = await readFromIndex(
    pool,
    `SELECT id, session FROM log_words WHERE day = $1::date AND id < $2::text AND ${condition}
     ORDER BY id DESC LIMIT ${limit}`,
    values,
  );
  return { rows: found.map(toHit), isWhole: found.length < limit };
}

/**
 * Resolves to the sessions that have a log with each term on that day; `undefined` for a frequent term, which leaves out
 * few.
 */
export async function readSessionsOf(
  pool: pg.Pool,
  day: string,
  terms: readonly Term[],
): Promise<(ReadonlySet<Uuid> | undefined)[]> {
  if (terms.length === 0) return [];
  const sampled = await sample(pool, day, terms);
  return Promise.all(
    terms.map(async (term, index) => {
      if (sampled[index]! >= ENOUGH) return undefined;
      const values: Value[] = [day];
      const condition = toCondition(term, values);
      const text = `SELECT session FROM log_words WHERE day = $1::date AND ${condition} LIMIT ${MAX_SESSIONS}`;
      const rows = await readFromIndex(pool, text, values);
      return rows.length < MAX_SESSIONS ? new Set(rows.map((row) => row['session'] as Uuid)) : undefined;
    }),
  );
}

/** Resolves to how many of the newest logs of the day have each term. */
async function sample(pool: pg.Pool, day: string, terms: readonly Term[]): Promise<number[]> {
  const values: Value[] = [day];
  const counts = terms.map((term) => `count(*) FILTER (WHERE ${toCondition(term, values)})::int4`);
  const { rows } = await pool.query<Row>(
    `SELECT ARRAY[${counts.join(', ')}] AS counts
     FROM (SELECT words FROM log_words WHERE day = $1::date ORDER BY id DESC LIMIT ${WINDOW}) AS newest`,
    values,
  );
  return rows[0]!['counts'] as number[];
}

/** Resolves to how many logs of the day have each term; of frequent ones, which is more frequent than others. */
export async function countHits(pool: pg.Pool, day: string, terms: readonly Term[]): Promise<number[]> {
  const sampled = await sample(pool, day, terms);
  return Promise.all(
    terms.map(async (term, index) => {
      if (sampled[index]! >= ENOUGH) return MAX_COUNTED + sampled[index]!;
      const own: Value[] = [day];
      const condition = toCondition(term, own);
      const text = `SELECT 1 FROM log_words WHERE day = $1::date AND ${condition} LIMIT ${MAX_COUNTED}`;
      return (await readFromIndex(pool, text, own)).length;
    }),
  );
}

/** Adds what it compares with to `values`. An empty list of words would be one that every log has. */
function toCondition({ words, beginnings }: Term, values: Value[]): string {
  const add = (list: readonly number[]): string => `$${values.push(list)}::int4[]`;
  return [
    ...(words.length > 0 ? [`words @> ${add(words)}`] : []),
    ...(beginnings ? [`words && ${add(beginnings)}`] : []),
  ].join(' AND ');
}

/** Asked for an order, the planner would walk along the primary key for a rare word. */
async function readFromIndex(pool: pg.Pool, text: string, values: readonly Value[]): Promise<Row[]> {
  return withConnection(pool, async (client) => {
    try {
      const [, hits] = await pipelined(client, [
        {
          text: `BEGIN READ ONLY; SET LOCAL citus.propagate_set_commands TO 'local'; SET LOCAL enable_seqscan TO off;
            SET LOCAL enable_indexscan TO off; SET LOCAL statement_timeout TO '3s'`,
        },
        { text, values },
        { text: 'COMMIT' },
      ]);
      return hits!.rows;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {});
      throw error;
    }
  });
}

function toHit(row: Row): Hit {
  return { id: logOfWords(row['id'] as string), session: row['session'] as Uuid };
}
