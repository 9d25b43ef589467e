/**
 * Forgets the words that no log has any more. After deletions a server does so by itself: soon for the words of the logs
 * that were deleted, and now and then for all words, where those that were freed are not known. Each slice is short, and
 * is followed by a pause for the writes of others.
 */
import type pg from 'pg';
import {
  breakOff,
  isRepeatable,
  LONG_MILLIS,
  pipelined,
  type Row,
  type Statement,
  withConnection,
} from '../tables/connection.ts';
import { readByIndex } from '../tables/index-reads.ts';
import { COUNT_FORGOTTEN, type Vocabulary } from './vocabulary.ts';

const SLICE = 50;
/** So many at a time, since all servers then write the words of their turns again. */
const MAX_FORGOTTEN = 1_000;
/** So many of the newest logs have the frequent words, for which the index would be read the longest. */
const NEWEST_LOGS = 200;
const DELAY_MILLIS = 1_000;
const PAUSE_MILLIS = 100;
const MAX_FAILURES = 5;
/** For one word in all logs. */
const INDEX_MILLIS = 60_000;
/** What is then left is forgotten by a look through all words. */
const CLOSING_MILLIS = 2_000;
/** Of the time, for looks through all words, and the shortest pause between two of them. */
const SHARE = 1 / 20;
const SHORTEST_REST_MILLIS = 60_000;

export class UnusedWords {
  readonly #pool: pg.Pool;
  readonly #vocabulary: Vocabulary;
  #timer: NodeJS.Timeout | undefined;
  /** Of the timer, by `performance.now()`. */
  #dueMillis = Number.POSITIVE_INFINITY;
  /** By `performance.now()`: not before this are all words looked through by itself. */
  #allAtMillis = 0;
  #running: Promise<void> = Promise.resolve();
  #isHurried = false;
  #isClosed = false;
  /** By `performance.now()`, once it is closed. */
  #endMillis = 0;
  #isOver = false;
  /** The connection that a slice has now. */
  #client: pg.ClientBase | undefined;

  constructor(pool: pg.Pool, vocabulary: Vocabulary) {
    this.#pool = pool;
    this.#vocabulary = vocabulary;
    vocabulary.onFreed = () => this.#schedule(DELAY_MILLIS);
  }

  /** Looks through all words, whoever freed them. Resolves when those that no log has are forgotten. */
  async forgetAll(): Promise<void> {
    await this.#runNext(true);
  }

  /** Resolves when the words of the logs that were deleted here are forgotten, or after `CLOSING_MILLIS`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#endMillis = performance.now() + CLOSING_MILLIS;
    clearTimeout(this.#timer);
    // One look at the index may take a minute, and waits for nothing that this server could end otherwise.
    const timer = setTimeout(() => {
      this.#isOver = true;
      if (this.#client) breakOff(this.#client);
    }, CLOSING_MILLIS);
    await this.#runNext(false).catch(() => {});
    clearTimeout(timer);
  }

  /** At the latest. */
  #schedule(millis: number): void {
    const dueMillis = performance.now() + millis;
    if (this.#isClosed || dueMillis >= this.#dueMillis) return;
    clearTimeout(this.#timer);
    this.#dueMillis = dueMillis;
    this.#timer = setTimeout(() => {
      this.#dueMillis = Number.POSITIVE_INFINITY;
      void this.#continue();
    }, millis).unref();
  }

  async #continue(): Promise<void> {
    const { areUnknown } = this.#vocabulary.freed();
    const all = areUnknown && performance.now() >= this.#allAtMillis;
    try {
      this.#running = this.#running.catch(() => {}).then(() => this.#run(all));
      await this.#running;
    } catch {
      // The database is away, or has too much to do.
      return this.#schedule(SHORTEST_REST_MILLIS);
    }
    const left = this.#vocabulary.freed();
    if (left.numbers.size > 0) this.#schedule(DELAY_MILLIS);
    else if (left.areUnknown) this.#schedule(Math.max(DELAY_MILLIS, this.#allAtMillis - performance.now()));
  }

  /** Behind what is going on, which then makes no pauses. */
  async #runNext(all: boolean): Promise<void> {
    this.#isHurried = true;
    try {
      this.#running = this.#running.catch(() => {}).then(() => this.#run(all));
      await this.#running;
    } finally {
      this.#isHurried = this.#isClosed;
    }
  }

  async #run(all: boolean): Promise<void> {
    const { numbers } = this.#vocabulary.freed();
    if (!all && numbers.size === 0) return;
    const startMillis = performance.now();
    this.#vocabulary.takeFreed(all);
    try {
      // Where the last look failed, and the database was away.
      await this.#vocabulary.flush();
      const freed = all ? null : [...numbers];
      let unused: Row[] = [];
      for (let after: string | undefined = ''; after !== undefined; ) {
        const from: string = after;
        const slice = await this.#repeat((client) => this.#readSlice(client, from, freed));
        after = slice?.last;
        unused.push(...(slice?.unused ?? []));
        const isFull = unused.length > MAX_FORGOTTEN - SLICE || after === undefined;
        if (isFull) {
          await this.#forget(unused);
          unused = [];
        }
        if (this.#isClosed && (all || performance.now() > this.#endMillis)) return;
        // After words were forgotten, the others write theirs again.
        if (!this.#isHurried || (isFull && !this.#isClosed)) await pause(PAUSE_MILLIS);
      }
    } catch (error) {
      this.#vocabulary.restoreFreed(all ? undefined : numbers);
      throw error;
    }
    const endMillis = performance.now();
    if (all) this.#allAtMillis = endMillis + Math.max(SHORTEST_REST_MILLIS, (endMillis - startMillis) / SHARE);
  }

  /**
   * Where the connections were busy for a moment, a look through all words does not begin again. Resolves to `undefined`
   * once it is over.
   */
  async #repeat<Result>(attempt: (client: pg.ClientBase) => Promise<Result>): Promise<Result | undefined> {
    for (let failures = 1; ; failures += 1) {
      try {
        return await withConnection(this.#pool, async (client) => {
          // It may have waited for a connection until after the end.
          if (this.#isOver) return undefined;
          this.#client = client;
          return await attempt(client).finally(() => {
            this.#client = undefined;
          });
        });
      } catch (error) {
        await this.#vocabulary.flush();
        if (this.#isClosed || failures > MAX_FAILURES || !isRepeatable(error)) throw error;
        await pause(failures * DELAY_MILLIS);
      }
    }
  }

  async #readSlice(client: pg.ClientBase, after: string, freed: readonly number[] | null): Promise<Slice> {
    const { rows } = await client.query<Row>(
      `SELECT bucket, word, number FROM words WHERE word > $1::text AND ($2::int4[] IS NULL OR number = ANY($2::int4[]))
       ORDER BY word LIMIT ${SLICE}`,
      [after, freed],
    );
    const [, unused] = await splitByUse(client, rows);
    return { last: rows.at(-1)?.['word'] as string | undefined, unused };
  }

  async #forget(words: readonly Row[]): Promise<void> {
    if (words.length > 0) await this.#repeat((client) => this.#forgetOnce(client, words));
  }

  /**
   * Words that logs have again are not deleted, or written again. If it is not known whether they do, all are: at once on
   * another connection, or else with the next words of this server. A process that is killed before that leaves them to
   * the next log that has them.
   */
  async #forgetOnce(client: pg.ClientBase, words: readonly Row[]): Promise<void> {
    // The first look at them may be long ago.
    const [, unused] = await splitByUse(client, words);
    this.#vocabulary.forget(unused.map(numberOf));
    const doubtful = new Set(unused);
    const writeAgain = (rows: Iterable<Row>) =>
      this.#vocabulary.keep(Array.from(rows, (row) => [numberOf(row), row['word'] as string] as const));
    try {
      if (unused.length > 0) await forget(client, unused);
      for (let at = 0; at < unused.length; at += SLICE) {
        const slice = unused.slice(at, at + SLICE);
        // By logs that were written meanwhile. What is written after this look finds the words counted as forgotten.
        const [used] = await splitByUse(client, slice);
        for (const row of slice) doubtful.delete(row);
        this.#vocabulary.forget(used.map(numberOf));
        writeAgain(used);
        await this.#vocabulary.flush(client);
      }
    } catch (error) {
      writeAgain(doubtful);
      throw error;
    }
  }
}

/** What a look at some words has found. */
interface Slice {
  /** The last word that was looked at; `undefined` if there are no more. */
  readonly last: string | undefined;
  /** Those that no log has. */
  readonly unused: readonly Row[];
}

async function forget(client: pg.ClientBase, unused: readonly Row[]): Promise<void> {
  const deletions = unused.map(
    ({ bucket, word }): Statement => ({
      name: 'forget word',
      text: 'DELETE FROM words WHERE bucket = $1::smallint AND word = $2::text',
      values: [bucket as number, word as string],
    }),
  );
  await pipelined(client, [{ text: 'BEGIN' }, ...deletions, COUNT_FORGOTTEN, { text: 'COMMIT' }]);
}

/** Resolves to the words that a log has, and to those that none has. */
async function splitByUse(client: pg.ClientBase, words: readonly Row[]): Promise<[used: Row[], unused: Row[]]> {
  const [used, unused]: [Row[], Row[]] = [[], []];
  for (let at = 0; at < words.length; at += SLICE) {
    const slice = words.slice(at, at + SLICE);
    const found = await findUsed(client, slice.map(numberOf));
    for (const row of slice) (found.has(numberOf(row)) ? used : unused).push(row);
  }
  return [used, unused];
}

/** Resolves to those that a log has. */
async function findUsed(client: pg.ClientBase, numbers: readonly number[]): Promise<Set<number>> {
  if (numbers.length === 0) return new Set();
  const { rows } = await client.query<Row>(
    `SELECT DISTINCT number FROM (SELECT words FROM log_words ORDER BY id DESC LIMIT ${NEWEST_LOGS}) AS newest
      CROSS JOIN LATERAL unnest(words) AS number WHERE number = ANY($1::int4[])`,
    [numbers],
  );
  const used = new Set(rows.map(numberOf));
  const rare = numbers.filter((number) => !used.has(number));
  const found = await readByIndex(
    client,
    rare.map((number) => ({
      name: 'is a word used',
      text: 'SELECT 1 FROM log_words WHERE words @> ARRAY[$1::int4] LIMIT 1',
      values: [number],
      query_timeout: LONG_MILLIS,
    })),
    INDEX_MILLIS,
  );
  for (const [index, number] of rare.entries()) if (found[index]!.length > 0) used.add(number);
  return used;
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

function numberOf(row: Row): number {
  return row['number'] as number;
}
