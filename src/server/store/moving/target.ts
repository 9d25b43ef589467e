/**
 * The PostgreSQL database that a file is moved to. How far the move has come is in it, and changes in the transactions
 * that write, so that a move that was ended at any point goes on where it was.
 */
import type pg from 'pg';
import { HumanloopError } from '../../../errors.ts';
import { isObject, parseJson } from '../../../wire/json.ts';
import { explainPostgresError } from '../postgres/explain-error.ts';
import {
  type Connections,
  codeOf,
  commit,
  connect,
  isRepeatable,
  LONG_MILLIS,
  rollBack,
} from '../postgres/tables/connection.ts';
import { isNewerSchema, type Layout, prepareSchema, toBegin } from '../postgres/tables/layout.ts';
import {
  isMissingPartition,
  makeMissingPartitions,
  makePartitionsOf,
  missingDaysOf,
} from '../postgres/tables/partitions.ts';
import { RepeatTurn } from '../postgres/tables/repeat-turn.ts';
import { NO_LIMITS } from '../postgres/tables/session-settings.ts';

/** Then the database has been away for about a minute. */
const MAX_ATTEMPTS = 20;
const PAUSE_MILLIS = 100;
const MAX_PAUSE_MILLIS = 5_000;
/** A partition that was dropped again, or a row that is about to become visible. */
const REPEATABLE = new Set(['23514', '23505']);

/** Keys of the file's rows up to which everything is in the database. */
export interface Place {
  readonly sessions: number;
  readonly logs: number;
}

export class Target {
  readonly connections: Connections;
  readonly layout: Layout;
  readonly #name: string;
  readonly #days = new Set<string>();
  place: Place = { sessions: 0, logs: 0 };

  private constructor(connections: Connections, layout: Layout, name: string) {
    this.connections = connections;
    this.layout = layout;
    this.#name = name;
  }

  /** `source` names the file: two files can be moved into one database. Rejects with a `HumanloopError`. */
  static async open(url: string, source: string): Promise<Target> {
    const connections = connect(url, () => {});
    try {
      const layout = await prepareSchema(connections.writes);
      if (await isNewerSchema(connections.writes)) {
        throw new HumanloopError('the database was made by a newer version of humanloop-otel: update this package');
      }
      const target = new Target(connections, layout, `moved ${source}`);
      await target.#readPlace();
      return target;
    } catch (error) {
      await connections.close().catch(() => {});
      throw explainPostgresError(error);
    }
  }

  async #readPlace(): Promise<void> {
    const { rows } = await this.connections.writes.query('SELECT value FROM meta WHERE name = $1', [this.#name]);
    const value = parseJson(rows[0]?.value ?? '{}');
    const read = (name: keyof Place) =>
      isObject(value) && Number.isSafeInteger(value[name]) ? Number(value[name]) : 0;
    this.place = { sessions: read('sessions'), logs: read('logs') };
  }

  /** For logs that arrived on these days. */
  async makePartitions(days: Iterable<string>): Promise<void> {
    const missing = [...new Set(days)].filter((day) => !this.#days.has(day));
    if (missing.length === 0) return;
    await this.#again(async () => {
      const client = await this.connections.writes.connect();
      try {
        await makePartitionsOf(client, missing);
        client.release();
      } catch (error) {
        client.release(true);
        throw error;
      }
    });
    for (const day of missing) this.#days.add(day);
  }

  /** Runs `work` in a transaction, again where it was overtaken or lost, until it and the new place are on disk. */
  async write(place: Place, work: (client: pg.ClientBase) => Promise<void>): Promise<void> {
    const before = JSON.stringify(this.place);
    const after = JSON.stringify(place);
    await this.#again(async (attempt) => {
      // The commit of an attempt may have been done though its answer was lost.
      if (attempt > 1) await this.#readPlace();
      if (attempt > 1 && before !== after && JSON.stringify(this.place) === after) return;
      await this.#transact(async (client) => {
        await this.#lockPlace(client, before);
        await work(client);
        if (before !== after) await client.query('UPDATE meta SET value = $2 WHERE name = $1', [this.#name, after]);
      });
    });
    this.place = place;
  }

  async #transact(work: (client: pg.ClientBase) => Promise<void>): Promise<void> {
    const client = await this.connections.writes.connect();
    try {
      await client.query(toBegin(this.layout));
      await work(client);
      await commit(client);
      client.release();
    } catch (error) {
      await rollBack(client, error);
      throw error;
    }
  }

  async #lockPlace(client: pg.ClientBase, expected: string): Promise<void> {
    await client.query('INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING', [
      ...[this.#name, expected],
    ]);
    const { rows } = await client.query('SELECT value FROM meta WHERE name = $1 FOR UPDATE', [this.#name]);
    if (rows[0]?.value !== expected) throw new HumanloopError('another humanloop-otel migrate moves the same file');
  }

  async #again(work: (attempt: number) => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work(attempt);
      } catch (error) {
        // Servers drop days that are old and empty.
        if (isMissingPartition(error)) await makeMissingPartitions(this.connections.writes, missingDaysOf(error));
        const mayPass = error instanceof RepeatTurn || isRepeatable(error) || REPEATABLE.has(codeOf(error) ?? '');
        if (!mayPass || attempt === MAX_ATTEMPTS) throw explainPostgresError(error);
        const pauseMillis = Math.min(MAX_PAUSE_MILLIS, PAUSE_MILLIS * 2 ** Math.min(attempt, 6));
        await new Promise((resolve) => setTimeout(resolve, pauseMillis * (0.5 + Math.random() / 2)));
      }
    }
  }

  /** What was written changes what the planner knows. */
  async analyze(): Promise<void> {
    await this.#again(async () => {
      const client = await this.connections.writes.connect();
      try {
        await client.query(`BEGIN; ${NO_LIMITS}`);
        await client.query({
          query_timeout: LONG_MILLIS,
          text: 'ANALYZE logs, log_words, words, feedback, sessions, session_facets, session_projects, log_references',
        } as pg.QueryConfig);
        await client.query('COMMIT');
        client.release();
      } catch (error) {
        client.release(true);
        throw error;
      }
    });
  }

  close(): Promise<void> {
    return this.connections.close();
  }
}
