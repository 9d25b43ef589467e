/** Finds rows by what names them. Each is one statement, whatever the number of names. */
import type pg from 'pg';
import { GIVEN_COLUMNS } from '../../rows/log-row.ts';
import type { Row, Statement, Value } from './connection.ts';
import { placeOf } from './identifiers.ts';
import { referenceKey, toKeyed, type Uuid } from './keys.ts';
import { isMissingTable, tableOf } from './partitions.ts';
import { type KeyCondition, MAX_PAIRS, toList, whereKeys } from './row-keys.ts';

type Connection = pg.ClientBase | pg.Pool;

/** Resolves to the ids of the logs by their reference; without those that are not known. */
export async function findReferences(
  connection: Connection,
  references: Iterable<string>,
): Promise<Map<string, string>> {
  const byKey = new Map([...references].map((reference) => [referenceKey(reference).key, reference]));
  const found = new Map<string, string>();
  if (byKey.size === 0) return found;
  const values: Value[] = [];
  const { sql, name } = whereReferences([...byKey.keys()], values);
  const { rows } = await connection.query<Row>({
    name: `find references ${name}`,
    text: `SELECT reference, log_id FROM log_references WHERE ${sql} AND log_id IS NOT NULL`,
    values,
  });
  for (const row of rows) found.set(byKey.get(row['reference'] as Uuid)!, row['log_id'] as string);
  return found;
}

/**
 * Many are found by one list, since the reference is first in the key of its table: PostgreSQL may join a list of pairs by
 * reading all of the table, where that was small when the statement was planned.
 */
function whereReferences(keys: readonly Uuid[], values: Value[]): KeyCondition {
  if (keys.length <= MAX_PAIRS) return whereKeys('bucket, reference', keys.map(toKeyed), values);
  return { sql: `reference = ANY($${values.push(keys)}::uuid[])`, name: 'of many' };
}

export interface FoundLog {
  readonly id: string;
  readonly session: Uuid;
  readonly inSession: boolean;
  readonly projectKey: number;
  readonly referenceId: string | null;
  readonly parentId: string | null;
  readonly parentReferenceId: string | null;
  readonly parentCut: boolean;
}

/** By id. */
export async function findLogs(connection: Connection, ids: Iterable<string>): Promise<Map<string, FoundLog>> {
  const found = new Map<string, FoundLog>();
  const columns = 'id, session, in_session, project, reference_id, parent_id, parent_reference_id, parent_cut';
  for (const row of await readPlaces(connection, { name: 'find logs', columns, table: 'logs' }, ids)) {
    found.set(row['id'] as string, {
      id: row['id'] as string,
      session: row['session'] as Uuid,
      inSession: row['in_session'] as boolean,
      projectKey: row['project'] as number,
      referenceId: row['reference_id'] as string | null,
      parentId: row['parent_id'] as string | null,
      parentReferenceId: row['parent_reference_id'] as string | null,
      parentCut: row['parent_cut'] as boolean,
    });
  }
  return found;
}

/** What is read of logs, or of rows that belong to them. */
export interface PlacedRead {
  /** Of the prepared statement. */
  readonly name: string;
  readonly columns: string;
  readonly table: 'logs' | 'feedback';
  readonly join?: string;
  /** After the condition. */
  readonly rest?: string;
}

/**
 * Of a whole log, with what `toLogRequest` and `toLogResponse` read. By name: a prepared statement fails once it would
 * have a column more, which a later version may add while this one runs.
 */
export const LOG_COLUMNS = [
  ...['id', 'reference_id', 'session', 'in_session', 'project', 'config', 'parent_id', 'parent_reference_id'],
  ...['parent_cut', 'created_at', 'updated_at', 'save', ...GIVEN_COLUMNS],
]
  .map((column) => `logs.${column}`)
  .join(', ');

const ID_COLUMNS = { logs: 'id', feedback: 'log_id' } as const;

/**
 * Resolves to the rows, which are found in their partitions and shards. On a day that has no table yet there are none: a
 * pool says so, while on a connection it is an error, which ends its transaction (`isMissingTable`).
 */
export async function readPlaces(connection: Connection, read: PlacedRead, ids: Iterable<string>): Promise<Row[]> {
  const all = [...ids];
  const statement = byPlaces(read, all);
  if (!statement) return [];
  try {
    return (await connection.query<Row>(statement as pg.QueryConfig)).rows;
  } catch (error) {
    if (!isMissingTable(error) || !('totalCount' in connection)) throw error;
    const ofAllDays = byPlaces(read, all, (table) => table)!;
    return (await connection.query<Row>(ofAllDays as pg.QueryConfig)).rows;
  }
}

/** Returns `undefined` if no id is that of a log. */
export function byPlaces(read: PlacedRead, ids: Iterable<string>, toTable = tableOf): Statement | undefined {
  const { name, columns, table, join = '', rest = '' } = read;
  const places = [...new Set(ids)].flatMap((id) => placeOf(id) ?? []);
  if (places.length === 0) return undefined;
  const [days, buckets] = [new Set(places.map(({ day }) => day)), new Set(places.map(({ bucket }) => bucket))];
  const from = days.size === 1 ? toTable(table, places[0]!.day) : table;
  const values: Value[] = [toList(places.map(({ id }) => id)), toList(buckets)];
  const conditions = [`${table}.${ID_COLUMNS[table]} = ANY($1::text[])`, `${table}.bucket = ANY($2::smallint[])`];
  if (from === table) {
    conditions.push(`${table}.day = ANY($3::date[])`);
    values.push([...days]);
  }
  return {
    name: `${name} in ${from}`,
    text: `SELECT ${columns} FROM ${from} AS ${table} ${join} WHERE ${conditions.join(' AND ')} ${rest}`,
    values,
  };
}

export interface FoundSession {
  readonly key: Uuid;
  readonly id: string | null;
  readonly referenceId: string | null;
  readonly logId: string | null;
  readonly mergedInto: Uuid | null;
  readonly keys: Uuid[];
  readonly buckets: number[];
  readonly firstDay: string;
  readonly lastDay: string;
  readonly logs: number;
}

/** The logs of a session: see `valuesOf`. Without the days, the tables of all of them are asked. */
export const OF_SESSION = `bucket = ANY($1::smallint[]) AND session = ANY($2::uuid[]) AND day BETWEEN $3::date AND $4::date`;

/** The parameters of `OF_SESSION`. */
export function valuesOf({ buckets, keys, firstDay, lastDay }: FoundSession): Value[] {
  return [buckets, keys, firstDay, lastDay];
}

/** By key. */
export async function findSessions(connection: Connection, keys: Iterable<Uuid>): Promise<Map<Uuid, FoundSession>> {
  const wanted = [...new Set(keys)];
  const found = new Map<Uuid, FoundSession>();
  if (wanted.length === 0) return found;
  const values: Value[] = [];
  const { sql, name } = whereKeys('bucket, key', wanted.map(toKeyed), values);
  const { rows } = await connection.query<Row>({
    name: `find sessions ${name}`,
    text: `SELECT key, id, reference_id, log_id, merged_into, keys, buckets, first_day, last_day, logs FROM sessions WHERE ${sql}`,
    values,
  });
  for (const row of rows) {
    found.set(row['key'] as Uuid, {
      ...{ key: row['key'] as Uuid, id: row['id'] as string | null, logId: row['log_id'] as string | null },
      ...{ referenceId: row['reference_id'] as string | null, mergedInto: row['merged_into'] as Uuid | null },
      ...{ keys: row['keys'] as Uuid[], buckets: row['buckets'] as number[] },
      ...{ firstDay: row['first_day'] as string, lastDay: row['last_day'] as string, logs: row['logs'] as number },
    });
  }
  return found;
}

/** Steps from a session to that which it was merged into, and on: earlier versions left chains of any length. */
const MAX_MERGES = 1_000;

/** Resolves to each session as it is now, by the key under which it was asked for. */
export async function findCurrentSessions(
  connection: Connection,
  keys: Iterable<Uuid>,
): Promise<Map<Uuid, FoundSession>> {
  const current = new Map<Uuid, FoundSession>();
  let open = new Map([...keys].map((key) => [key, [key]]));
  for (let step = 0; step < MAX_MERGES && open.size > 0; step += 1) {
    const found = await findSessions(connection, open.keys());
    const next = new Map<Uuid, Uuid[]>();
    for (const [key, askedFor] of open) {
      const session = found.get(key);
      if (session?.mergedInto) next.set(session.mergedInto, [...(next.get(session.mergedInto) ?? []), ...askedFor]);
      else if (session) for (const each of askedFor) current.set(each, session);
    }
    open = next;
  }
  return current;
}
