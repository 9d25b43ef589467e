/**
 * The words that logs have, for a search by the beginning of one: the index itself has only their numbers. A word is
 * written with the commit of a log that has it or behind it, and before that write is answered, unless the database goes
 * away in between: then with the next words, or when the server closes. It is in no log's row, so that it is forgotten
 * after its logs, see `UnusedWords`.
 *
 * A server remembers what is written. Another one may forget it meanwhile: it then counts a number up, and looks again
 * for logs with the words that it has forgotten. A turn reads this number behind its commit. If it has not changed, what
 * the turn took for written was there, or the other server sees the turn's logs; else all words of the turn are written.
 */
import type pg from 'pg';
import { NotCommitted, pipelined, type Row, type Statement, withConnection } from '../tables/connection.ts';
import { type Insertion, inLockOrder, insertRows } from '../tables/insert-rows.ts';
import type { Layout } from '../tables/layout.ts';
import { hashWord, MAX_WORD_CHARACTERS, type NewWord } from '../tables/words.ts';

const WORDS: Insertion = {
  table: 'words',
  columns: ['bucket::smallint', 'word::text', 'number::int4'],
  rest: 'ON CONFLICT DO NOTHING',
};

/** Ids and hashes, of which each log has its own, are found as a whole only. */
const MAX_CHARACTERS = 40;
const MAX_DIGITS = 4;
const MAX_REMEMBERED = 200_000;
const REMEMBERED_MILLIS = 10 * 60 * 1000;
/** How often words were forgotten, by all servers. */
const FORGOTTEN = 'forgotten_words';
const READ_FORGOTTEN: Statement = {
  name: 'forgotten words',
  text: `SELECT value FROM meta WHERE name = '${FORGOTTEN}'`,
};
/**
 * To be committed after words were deleted or with them, and before it is looked whether a log has them again. All servers
 * then write the words of their next turns again, so that it must not be done often.
 */
export const COUNT_FORGOTTEN: Statement = {
  name: 'count forgotten words',
  text: `INSERT INTO meta VALUES ('${FORGOTTEN}', '1')
    ON CONFLICT (name) DO UPDATE SET value = (meta.value::bigint + 1)::text`,
};
/** Of a turn whose words are forgotten again and again while it writes them. */
const MAX_WRITES = 5;
/** That begin with the same letters. Further ones are not looked for. */
const MAX_BEGINNINGS = 500;
/** Of more, it is not known which they are. */
const MAX_FREED = 20_000;

export interface Freed {
  readonly numbers: ReadonlySet<number>;
  readonly areUnknown: boolean;
}

export class Vocabulary {
  readonly #pool: pg.Pool;
  readonly #layout: Layout;
  /** Numbers of words that are written. */
  #known = new Set<number>();
  /** Numbers of words that need not be written. */
  #whole = new Set<number>();
  #knownSince = performance.now();
  /** Numbers by word, of words that could not be written, or whose logs may have been committed. */
  #left = new Map<string, number>();
  /** How often words were forgotten, when it was read last. What is known was written after that, or seen by it. */
  #forgotten: string | undefined;
  /** Called when words were freed. */
  onFreed: () => void = () => {};
  /** Numbers of words that deleted logs had. */
  #freed = new Set<number>();
  /** Whether others were freed, too. */
  #areFreedUnknown = false;

  constructor(pool: pg.Pool, layout: Layout) {
    this.#pool = pool;
    this.#layout = layout;
  }

  /** For the words of one turn. To be made before the first of them. */
  ofTurn(): TurnWords {
    return new TurnWords(this, this.#forgotten);
  }

  isFoundAsAWhole(number: number): boolean {
    return this.#whole.has(number);
  }

  noteFoundAsAWhole(number: number): void {
    this.#whole.add(number);
  }

  /** These are written with the next ones, also those that are taken for written. */
  keep(words: Iterable<readonly [number: number, word: string]>): void {
    if (this.#left.size > MAX_REMEMBERED) return;
    // As copies: a part of a string keeps all of it in memory.
    for (const [number, word] of words) this.#left.set(Buffer.from(word).toString(), number);
  }

  get hasLeft(): boolean {
    return this.#left.size > 0;
  }

  /** Writes what could not be written before. Never rejects. */
  async flush(client?: pg.ClientBase): Promise<void> {
    if (this.hasLeft) await this.write(new Map(), client);
  }

  /**
   * Writes those that are not there, by number, and what could not be written before: on this connection behind the
   * commit of a transaction, which need not be answered yet; default: on one of its own. Resolves to how often words were
   * forgotten, after these were written; to `undefined` if they could not be written. Never rejects.
   */
  async write(words: ReadonlyMap<number, string>, client?: pg.ClientBase): Promise<string | undefined> {
    const isFull = this.#known.size + this.#whole.size > MAX_REMEMBERED;
    if (isFull || performance.now() - this.#knownSince > REMEMBERED_MILLIS) {
      this.forgetKnown();
      this.#whole = new Set();
    }
    // What is forgotten meanwhile stays so.
    const [left, before, known] = [this.#left, this.#forgotten, this.#known];
    this.#left = new Map();
    const missing = new Map(left);
    for (const [number, word] of words) if (!known.has(number)) missing.set(word, number);
    const rows = inLockOrder(
      Array.from(missing, ([key, number]) => ({ bucket: number & 1023, key, number })),
      this.#layout,
      (row) => row,
    );
    try {
      const values = rows.map(({ bucket, key, number }) => [bucket, key, number]);
      const inserts = insertRows(WORDS, values, this.#layout);
      // The disk is waited for once.
      const statements = inserts.length > 1 ? [{ text: 'BEGIN' }, ...inserts, { text: 'COMMIT' }] : inserts;
      const write = (connection: pg.ClientBase) => pipelined(connection, [...statements, READ_FORGOTTEN]);
      const results = await (client ? write(client) : withConnection(this.#pool, write));
      const forgotten = String(results.at(-1)!.rows[0]?.['value'] ?? 0);
      if (forgotten !== this.#forgotten) this.forgetKnown();
      this.#forgotten = forgotten;
      // Else they may have been forgotten since.
      if (forgotten === before) for (const number of missing.values()) known.add(number);
      return forgotten;
    } catch {
      for (const [word, number] of left) this.#left.set(word, number);
      return undefined;
    }
  }

  /** All words of the next turns are written again. */
  forgetKnown(): void {
    this.#known = new Set();
    this.#knownSince = performance.now();
  }

  /** Resolves to the numbers of the words that begin so. The beginning is folded. */
  async numbersOf(beginning: string): Promise<number[]> {
    const { rows } = await this.#pool.query<Row>({
      name: 'words by beginning',
      text: `SELECT number FROM words WHERE word >= $1::text AND word < $2::text ORDER BY word LIMIT ${MAX_BEGINNINGS}`,
      values: [beginning, `${beginning}\u{10ffff}`],
    });
    // The word itself may be one that is found as a whole only.
    return [...new Set([hashWord(beginning), ...rows.map((row) => row['number'] as number)])];
  }

  /** To be called with words that logs had or should have had; without words where they are not known. */
  noteFreed(words?: Iterable<number>): void {
    this.restoreFreed(words);
    this.onFreed();
  }

  /** What was freed and not taken. */
  freed(): Freed {
    return { numbers: this.#freed, areUnknown: this.#areFreedUnknown };
  }

  /** With `all`, also those that are not known. */
  takeFreed(all: boolean): void {
    this.#freed = new Set();
    if (all) this.#areFreedUnknown = false;
  }

  /** For those that were taken, and could not be looked for. */
  restoreFreed(words?: Iterable<number>): void {
    if (!words) this.#areFreedUnknown = true;
    else for (const word of words) this.#freed.add(word);
    if (this.#freed.size > MAX_FREED) this.#areFreedUnknown = true;
    if (this.#freed.size > MAX_FREED) this.#freed = new Set();
  }

  /** Logs that have one of these from now on write it again. */
  forget(numbers: Iterable<number>): void {
    for (const number of numbers) this.#known.delete(number);
  }
}

/** Keeps the words of a turn, each once, until they are there for sure. */
export class TurnWords {
  readonly #vocabulary: Vocabulary;
  #forgotten: string | undefined;
  #words = new Map<number, string>();

  constructor(vocabulary: Vocabulary, forgotten: string | undefined) {
    this.#vocabulary = vocabulary;
    this.#forgotten = forgotten;
  }

  /** How many words it keeps. */
  get size(): number {
    return this.#words.size;
  }

  /** To be called with each word of a log. */
  readonly add: NewWord = (number, text, start, end) => {
    if (this.#words.has(number) || this.#vocabulary.isFoundAsAWhole(number)) return;
    const word = text.slice(start, end).toLowerCase();
    if (isFoundByBeginning(word)) this.#words.set(number, word);
    else this.#vocabulary.noteFoundAsAWhole(number);
  };

  /** To be called with the commit of the turn. Where its outcome is not known, the words may be needed. */
  async keepUnlessCommitted(committed: Promise<void>): Promise<void> {
    try {
      await committed;
    } catch (error) {
      if (!(error instanceof NotCommitted)) this.#vocabulary.keep(this.#words);
      throw error;
    }
  }

  /** Those of a turn that was rolled back may have been written behind its commit. */
  get numbers(): Iterable<number> {
    return this.#words.keys();
  }

  /** Writes the words before their commit, after which they have to be flushed all the same. Never rejects. */
  async write(): Promise<void> {
    await this.#vocabulary.write(this.#words);
  }

  /**
   * See `Vocabulary.write`. Resolves when the words are there, or will be written with the next ones. Rejects with
   * `committed`, and then asks nothing more of the connection.
   */
  async flush(client?: pg.ClientBase, committed?: Promise<void>): Promise<void> {
    if (this.#words.size === 0 && !this.#vocabulary.hasLeft) return;
    for (let writes = 1; ; writes += 1) {
      const forgotten = await this.#vocabulary.write(this.#words, client);
      await committed;
      if (forgotten !== undefined && forgotten === this.#forgotten) break;
      this.#forgotten = forgotten;
      this.#vocabulary.forget(this.#words.keys());
      if (forgotten === undefined || writes === MAX_WRITES) {
        this.#vocabulary.keep(this.#words);
        break;
      }
    }
    this.#words = new Map();
  }
}

function isFoundByBeginning(word: string): boolean {
  if (word.length > Math.min(MAX_CHARACTERS, MAX_WORD_CHARACTERS)) return false;
  let digits = 0;
  for (let at = 0; at < word.length; at += 1) {
    const code = word.charCodeAt(at);
    if (code >= 48 && code <= 57) digits += 1;
  }
  return digits <= MAX_DIGITS;
}
