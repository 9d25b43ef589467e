/**
 * Configs as answers have them. Logs of one agent share a few, and a config never changes but for the time of its last
 * use, which is written now and then: so they are remembered for a moment.
 */
import type pg from 'pg';
import type { Row } from '../tables/connection.ts';
import { toId, type Uuid } from '../tables/keys.ts';
import { toList } from '../tables/row-keys.ts';

const REMEMBERED_MILLIS = 2_000;
const MAX_CHARACTERS = 4 * 1024 * 1024;
/** Longer ones are not remembered. */
const MAX_CHARACTERS_OF_ONE = 128 * 1024;

export class ConfigReads {
  #known = new Map<Uuid, Row>();
  #characters = 0;
  #since = performance.now();

  /** By key, with the columns that an answer has of a config. */
  async read(client: pg.ClientBase | pg.Pool, keys: Iterable<Uuid>): Promise<Map<Uuid, Row>> {
    this.#forget();
    const found = new Map<Uuid, Row>();
    const unknown: Uuid[] = [];
    for (const key of new Set(keys)) {
      const known = this.#known.get(key);
      if (known) found.set(key, known);
      else unknown.push(key);
    }
    if (unknown.length === 0) return found;
    const { rows } = await client.query<Row>({
      name: 'read configs',
      text: `SELECT key, content, created_at, last_used FROM configs WHERE key = ANY($1::uuid[])`,
      values: [toList(unknown)],
    });
    for (const row of rows) {
      const key = row['key'] as Uuid;
      const config = {
        config: row['content'],
        config_id: toId('config', key),
        config_created_at: row['created_at'],
        config_last_used: row['last_used'],
      };
      found.set(key, config);
      const { length } = row['content'] as string;
      if (length > MAX_CHARACTERS_OF_ONE) continue;
      this.#known.set(key, config);
      this.#characters += length;
    }
    return found;
  }

  #forget(): void {
    const now = performance.now();
    if (now - this.#since < REMEMBERED_MILLIS && this.#characters < MAX_CHARACTERS) return;
    this.#known = new Map();
    [this.#characters, this.#since] = [0, now];
  }
}
