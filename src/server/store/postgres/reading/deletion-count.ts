/**
 * Counts deletions in the database, by which servers hear of those of each other: of a session that is gone no row is
 * left that a look would find.
 */
import type pg from 'pg';
import type { Row } from '../tables/connection.ts';

/** Many that follow each other, as when old sessions are pruned, are counted together. */
const PAUSE_MILLIS = 200;
const NAME = 'deletions';
const READ = { name: 'deletions', text: `SELECT value FROM meta WHERE name = '${NAME}'` };
const COUNT = {
  name: 'count deletion',
  text: `INSERT INTO meta VALUES ('${NAME}', '1')
    ON CONFLICT (name) DO UPDATE SET value = (meta.value::bigint + 1)::text`,
};

export class DeletionCount {
  readonly #pool: pg.Pool;
  #isPending = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async read(): Promise<number> {
    const { rows } = await this.#pool.query<Row>(READ);
    return Number(rows[0]?.['value'] ?? 0);
  }

  /** Counts soon, and until it has worked. */
  note(): void {
    this.#isPending = true;
    this.#timer ??= setTimeout(() => void this.flush().catch(() => this.note()), PAUSE_MILLIS).unref();
  }

  /** Counts now what is not counted yet. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#isPending) return;
    this.#isPending = false;
    await this.#pool.query(COUNT);
  }
}
