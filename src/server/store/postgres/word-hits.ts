/** Reads the index of words: the newest logs of a day that a term is in. */
import type pg from 'pg';
import { pipelined, type Row, withConnection } from './connection.ts';
import { dayOf } from './identifiers.ts';
import type { Uuid } from './keys.ts';
import { logOfWords } from './word-rows.ts';
import type { Term } from './word-terms.ts';

/** The newest logs, which are looked at one by one: a frequent word is in enough of them. */
const WINDOW = 1_000;
const ENOUGH = 40;
/** Read from the index at once. */
const MAX_HITS = 200;
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
export async function readHits(pool: pg.Pool, day: string, term: Term, before: string): Promise<Hits> {
  const { condition, values } = toCondition(term);
  const { rows } = await pool.query<Row>({
    name: `walk ${condition}`,
    text: `SELECT id, session, ${condition} AS is_hit FROM (SELECT id, session, words FROM log_words
        WHERE day = $1::date AND id < $2::text ORDER BY id DESC LIMIT ${WINDOW}) AS newest`,
    values: [day, before, ...values],
  });
  const hits = rows.filter((row) => row['is_hit']);
  const isEnd = rows.length < WINDOW;
  if (isEnd || hits.length >= ENOUGH) return { rows: hits.map(toHit), isWhole: isEnd };
  const found = await readFromIndex(
    pool,
    `SELECT id, session FROM log_words WHERE day = $1::date AND id < $2::text AND ${condition}
     ORDER BY id DESC LIMIT ${MAX_HITS}`,
    [day, before, ...values],
  );
  return { rows: found.map(toHit), isWhole: found.length < MAX_HITS };
}

/** Resolves to how many logs of the day have the term; of a frequent one, that it is more frequent than others. */
export async function countHits(pool: pg.Pool, day: string, term: Term): Promise<number> {
  const { condition, values } = toCondition(term);
  const { rows } = await pool.query<Row>({
    name: `sample ${condition}`,
    text: `SELECT count(*) FILTER (WHERE ${condition}) AS count FROM (SELECT words FROM log_words
      WHERE day = $1::date AND id < $2::text ORDER BY id DESC LIMIT ${WINDOW}) AS newest`,
    values: [day, LAST_ID, ...values],
  });
  const sampled = rows[0]!['count'] as number;
  if (sampled >= ENOUGH) return MAX_COUNTED + sampled;
  const found = await readFromIndex(
    pool,
    `SELECT 1 FROM log_words WHERE day = $1::date AND id < $2::text AND ${condition} LIMIT ${MAX_COUNTED}`,
    [day, LAST_ID, ...values],
  );
  return found.length;
}

/** An empty list of words would be one that every log has. */
function toCondition({ words, beginnings }: Term) {
  const conditions = [
    ...(words.length > 0 ? ['words @> $3::int4[]'] : []),
    ...(beginnings ? [`words && $${words.length > 0 ? 4 : 3}::int4[]`] : []),
  ];
  return {
    condition: conditions.join(' AND '),
    values: [...(words.length > 0 ? [words] : []), ...(beginnings ? [beginnings] : [])],
  };
}

/** Asked for an order, the planner would walk along the primary key for a rare word. */
async function readFromIndex(pool: pg.Pool, text: string, values: readonly unknown[]): Promise<Row[]> {
  return withConnection(pool, async (client) => {
    try {
      const [, hits] = await pipelined(client, [
        {
          text: `BEGIN READ ONLY; SET LOCAL citus.propagate_set_commands TO 'local'; SET LOCAL enable_seqscan TO off;
            SET LOCAL enable_indexscan TO off; SET LOCAL statement_timeout TO '3s'`,
        },
        { text, values: values as never },
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
