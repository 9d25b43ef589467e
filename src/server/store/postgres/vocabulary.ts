/**
 * The words that logs have, for a search by the beginning of one: the index itself has only their numbers. A word is
 * written once it is committed with a log, and before that write is answered. It is in no log's row, so that it is
 * forgotten after its logs, see `UnusedWords`.
 */
import type pg from 'pg';
import { pipelined, type Row, withConnection } from './connection.ts';
import { type Insertion, inLockOrder, insertRows } from './insert-rows.ts';
import type { Layout } from './layout.ts';
import { hashWord, MAX_WORD_CHARACTERS, type NewWord } from './words.ts';

const WORDS: Insertion = {
  table: 'words',
  columns: ['bucket::smallint', 'word::text', 'number::int4'],
  rest: 'ON CONFLICT DO NOTHING',
};

/** Ids and hashes, of which each log has its own, are found as a whole only. */
const MAX_CHARACTERS = 40;
const MAX_DIGITS = 4;
const MAX_REMEMBERED = 200_000;
/** What another server has removed as unused is written again after this time at the latest. */
const REMEMBERED_MILLIS = 10 * 60 * 1000;
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
  /** Numbers of words that are written, or need not be. */
  #known = new Set<number>();
  #knownSince = performance.now();
  #new = new Map<number, string>();
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

  /** To be called with each word of a log. */
  readonly add: NewWord = (number, wordOf) => {
    if (this.#known.has(number) || this.#new.has(number)) return;
    const word = wordOf();
    if (isFoundByBeginning(word)) this.#new.set(number, word);
    else this.#known.add(number);
  };

  /**
   * On this connection behind the commit of a transaction, which need not be answered yet; default: on one of its own.
   * Words that could not be written are written with the next ones.
   */
  async flush(client?: pg.ClientBase): Promise<void> {
    if (this.#known.size > MAX_REMEMBERED || performance.now() - this.#knownSince > REMEMBERED_MILLIS) {
      this.#known = new Set();
      this.#knownSince = performance.now();
    }
    if (this.#new.size === 0) return;
    const words = this.#new;
    this.#new = new Map();
    const rows = inLockOrder(
      Array.from(words, ([number, word]) => ({ bucket: number & 1023, key: word, number })),
      this.#layout,
      (row) => row,
    );
    try {
      const values = rows.map(({ bucket, key, number }) => [bucket, key, number]);
      const inserts = insertRows(WORDS, values, this.#layout);
      // The disk is waited for once.
      const statements = inserts.length > 1 ? [{ text: 'BEGIN' }, ...inserts, { text: 'COMMIT' }] : inserts;
      const write = (connection: pg.ClientBase) => pipelined(connection, statements);
      await (client ? write(client) : withConnection(this.#pool, write));
      for (const number of words.keys()) this.#known.add(number);
    } catch {
      if (this.#new.size < MAX_REMEMBERED) for (const [number, word] of words) this.#new.set(number, word);
    }
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

  /** To be called with the words of deleted logs; without words where they are not known. */
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

function isFoundByBeginning(word: string): boolean {
  if (word.length > Math.min(MAX_CHARACTERS, MAX_WORD_CHARACTERS)) return false;
  let digits = 0;
  for (let at = 0; at < word.length; at += 1) {
    const code = word.charCodeAt(at);
    if (code >= 48 && code <= 57) digits += 1;
  }
  return digits <= MAX_DIGITS;
}
