/** Reads whole logs, and joins what belongs to them: configs, feedback, parents, sessions. */
import type pg from 'pg';
import type { LogResponse } from '../../../../wire/v4.ts';
import { createPauses } from '../../heavy-turns.ts';
import { prepareConfig } from '../../rows/config-response.ts';
import { GIVEN_COLUMNS, toLogResponse } from '../../rows/log-row.ts';
import { countCharacters } from '../../rows/row-size.ts';
import { type Row, sendAtOnce, withConnection } from '../tables/connection.ts';
import { toId, type Uuid } from '../tables/keys.ts';
import { type FoundLog, findCurrentSessions, LOG_COLUMNS, readPlaces } from '../tables/lookups.ts';
import { isMissingTable } from '../tables/partitions.ts';
import { ConfigReads } from './config-reads.ts';
import { findParents, toChild } from './parents.ts';

/** Logs that are read at once, so that a page of large ones does not fill the memory. One of them may have more bytes. */
const PORTION = 100;
const PORTION_BYTES = 4 * 1024 * 1024;
/** The lengths are known without the texts. */
const BYTES = GIVEN_COLUMNS.map((column) => `coalesce(octet_length(${column}::text), 0)`).join(' + ');

export interface ShownSession {
  readonly id: string;
  readonly referenceId: string | null;
}

export class LogReads {
  readonly #pool: pg.Pool;
  readonly #configs = new ConfigReads();

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async readOne(id: string): Promise<LogResponse | undefined> {
    return (await this.read([id]))[0];
  }

  /**
   * In the order of the ids. Leaves out those that are not there, and, but for the first, what would make more than
   * `maxCharacters` of text.
   */
  async read(ids: readonly string[], maxCharacters = Number.POSITIVE_INFINITY): Promise<LogResponse[]> {
    const logs: LogResponse[] = [];
    let characters = 0;
    const pause = createPauses();
    for (const portion of await this.#divide(ids)) {
      for (const row of await this.#readRows(portion)) {
        characters += countCharacters(row as never);
        if (characters > maxCharacters && logs.length > 0) return logs;
        await prepareConfig(row as never);
        logs.push(toLogResponse(row as never));
        await pause();
      }
    }
    return logs;
  }

  /** Into what is read at once. */
  async #divide(ids: readonly string[]): Promise<string[][]> {
    if (ids.length < 2) return [[...ids]];
    const rows = await readPlaces(
      this.#pool,
      { name: 'sizes of logs', columns: `id, ${BYTES} AS bytes`, table: 'logs' },
      ids,
    );
    const sizes = new Map(rows.map((row) => [row['id'] as string, Number(row['bytes'])]));
    const portions: string[][] = [];
    let bytes = Number.POSITIVE_INFINITY;
    for (const id of ids) {
      bytes += sizes.get(id) ?? 0;
      if (bytes > PORTION_BYTES || portions.at(-1)!.length >= PORTION) {
        portions.push([]);
        bytes = sizes.get(id) ?? 0;
      }
      portions.at(-1)!.push(id);
    }
    return portions;
  }

  async #readRows(ids: readonly string[]): Promise<Row[]> {
    const read = {
      ...({ name: 'read logs', table: 'logs', join: 'JOIN projects ON projects.key = logs.project' } as const),
      columns: `${LOG_COLUMNS}, projects.id AS project_id, projects.name AS project_name`,
    };
    return this.#withConnection(async (connection) => {
      // Each once, however often its id is asked for: what is joined takes the place of what it is found by.
      const rows = await this.#join(connection, await readPlaces(connection, read, ids));
      const byId = new Map(rows.map((row) => [row['id'] as string, row]));
      return ids.flatMap((id): Row[] => (byId.has(id) ? [byId.get(id)!] : []));
    });
  }

  /**
   * Takes rows of logs with `project_id` and `project_name`, and, where they are known, `has_feedback`,
   * `shown_session` and `shown_parent`, and adds to them. Resolves to the logs, by id.
   */
  async complete(rows: readonly Row[]): Promise<Map<string, LogResponse>> {
    // Where all is known, no connection is needed.
    const joined = await this.#join(this.#pool, rows);
    const logs = new Map<string, LogResponse>();
    const pause = createPauses();
    for (const row of joined) {
      await prepareConfig(row as never);
      logs.set(row['id'] as string, toLogResponse(row as never));
      await pause();
    }
    return logs;
  }

  /** Remembers the configs of these rows for `complete`. */
  async readConfigs(connection: pg.ClientBase, rows: readonly Row[]): Promise<void> {
    await this.#configs.read(connection, toConfigs(rows));
  }

  /** Adds to the rows themselves: of so many columns, a copy costs more than the rest. */
  async #join(connection: pg.ClientBase | pg.Pool, found: readonly Row[]): Promise<Row[]> {
    const reads = sendAtOnce(
      connection,
      () =>
        [
          this.#configs.read(connection, toConfigs(found)),
          readFeedback(
            connection,
            found.flatMap((row) => (row['has_feedback'] === false ? [] : (row['id'] as string))),
          ),
          findParents(connection, found.filter((row) => !('shown_parent' in row)).map(toChild)),
          findCurrentSessions(
            connection,
            found.flatMap((row) => (row['in_session'] && !row['shown_session'] ? [row['session'] as Uuid] : [])),
          ),
        ] as const,
    );
    const [configs, feedback, parents, sessions] = await Promise.all(reads);
    return found.map((row) => {
      const config = configs.get(row['config'] as Uuid);
      const parent = (row['shown_parent'] as FoundLog | undefined) ?? parents.get(row['id'] as string);
      const shown = (row['shown_session'] as ShownSession | undefined) ?? sessions.get(row['session'] as Uuid);
      const session = row['in_session'] ? shown : undefined;
      row['project'] = row['project_name'];
      row['save'] = row['save'] ? 1 : 0;
      row['session_id'] = row['in_session'] ? (session?.id ?? toId('sesh', row['session'] as Uuid)) : null;
      row['session_reference_id'] = session?.referenceId ?? null;
      row['parent_id'] = parent?.id ?? null;
      row['parents_own_reference_id'] = parent?.referenceId ?? null;
      row['config'] = row['config_id'] = null;
      if (config) Object.assign(row, config);
      row['feedback'] = JSON.stringify(feedback.get(row['id'] as string) ?? []);
      return row;
    });
  }

  /** By log, oldest first. Of a value that is longer, there is `…`. */
  readFeedback(ids: readonly string[], maxCharacters: number): Promise<Map<string, object[]>> {
    const value = `CASE WHEN length(value) <= ${maxCharacters} THEN value ELSE '"…"' END AS value`;
    return this.#withConnection((connection) => readFeedback(connection, ids, { name: 'list feedback', value }));
  }

  /** Where a day has no table, the work is done by the pool, which finds nothing of it. */
  async #withConnection<Result>(work: (connection: pg.ClientBase | pg.Pool) => Promise<Result>): Promise<Result> {
    try {
      return await withConnection(this.#pool, work);
    } catch (error) {
      if (!isMissingTable(error)) throw error;
      return work(this.#pool);
    }
  }
}

function toConfigs(rows: readonly Row[]): Uuid[] {
  return rows.flatMap((row) => (row['config'] as Uuid | null) ?? []);
}

async function readFeedback(
  client: pg.ClientBase | pg.Pool,
  ids: readonly string[],
  { name, value: valueSql } = { name: 'read feedback', value: 'value' },
): Promise<Map<string, object[]>> {
  const found = new Map<string, object[]>();
  const columns = `log_id, id, type, ${valueSql}, "user", created_at`;
  const read = { name, columns, table: 'feedback', rest: 'ORDER BY log_id, id' } as const;
  const rows = await readPlaces(client, read, ids);
  for (const { log_id: logId, value, ...row } of rows) {
    const entries = found.get(logId as string) ?? [];
    const { id, type, user, created_at } = row;
    entries.push({ id, type, value: JSON.parse(value as string), user, created_at });
    found.set(logId as string, entries);
  }
  return found;
}
