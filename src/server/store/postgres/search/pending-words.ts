/**
 * New words go to a list that every search reads as a whole, and that the writer who fills it has to sort into the index,
 * which takes seconds. So it is sorted every two seconds while there are writes, by one of the servers: the more words are
 * sorted at once, the less each costs.
 */
import type pg from 'pg';
import { pipelined, withConnection } from '../tables/connection.ts';
import { dayOf } from '../tables/identifiers.ts';
import type { Layout } from '../tables/layout.ts';

const LOCK = 0x686c_6f76;
const PAUSE_MILLIS = 2_000;
/** By the clock of the database, which may be set back. Returns a row for who may sort now. */
const CLAIM = `INSERT INTO meta AS known (name, value)
  VALUES ('sorted_words', floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint::text)
  ON CONFLICT (name) DO UPDATE SET value = excluded.value
    WHERE excluded.value::bigint - known.value::bigint NOT BETWEEN 0 AND ${PAUSE_MILLIS / 2} RETURNING name`;

export class PendingWords {
  readonly #pool: pg.Pool;
  readonly #isDistributed: boolean;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(pool: pg.Pool, { isDistributed }: Layout) {
    this.#pool = pool;
    this.#isDistributed = isDistributed;
  }

  /** Must be called with each write. */
  schedule(): void {
    if (this.#isClosed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // Searches are slower until the next time.
      void this.#sort().catch(() => {});
    }, PAUSE_MILLIS).unref();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #sort(): Promise<void> {
    if (!this.#isDistributed && (await this.#pool.query(CLAIM)).rows.length === 0) {
      // Another server sorts, which may have begun before the last words came.
      this.schedule();
      return;
    }
    const table = `log_words_p${dayOf(Date.now()).replaceAll('-', '')}`;
    const clean = (name: string) => `SELECT sum(gin_clean_pending_list(index.indexrelid)) FROM pg_index AS index
      JOIN pg_class AS class ON class.oid = index.indexrelid JOIN pg_am AS method ON method.oid = class.relam
      WHERE index.indrelid = ${name}::regclass AND method.amname = 'gin'`;
    const text = this.#isDistributed
      ? `SELECT run_command_on_shards('${table}', $command$${clean(`'%s'`)}$command$) WHERE pg_try_advisory_xact_lock(${LOCK})`
      : `${clean(`'${table}'`)} AND pg_try_advisory_xact_lock(${LOCK})`;
    await withConnection(this.#pool, (client) => pipelined(client, [{ text }]));
  }
}
