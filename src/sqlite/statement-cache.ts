/**
 * Prepares each SQL text once for a database: that costs more than most statements do. Fixed statements stand in a table
 * by name; texts that are composed for a query are few in shape, but a caller chooses the shape.
 */
import type { SqliteDatabase, SqliteStatement } from './open.ts';

/** When there are more, all are forgotten. Whoever holds a statement keeps it. */
const MAX_STATEMENTS = 200;

export type Prepare = (sql: string) => SqliteStatement;

export function createStatementCache(database: Pick<SqliteDatabase, 'prepare'>): Prepare {
  const prepared = new Map<string, SqliteStatement>();
  return (sql) => {
    let statement = prepared.get(sql);
    if (!statement) {
      if (prepared.size >= MAX_STATEMENTS) prepared.clear();
      statement = database.prepare(sql);
      prepared.set(sql, statement);
    }
    return statement;
  };
}

/** From a table of texts to the table of their statements. */
export function prepareAll<Name extends string>(
  prepare: Prepare,
  sql: Readonly<Record<Name, string>>,
): Readonly<Record<Name, SqliteStatement>> {
  const entries = Object.entries<string>(sql).map(([name, text]) => [name, prepare(text)]);
  return Object.fromEntries(entries);
}
