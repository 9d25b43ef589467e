/**
 * Prepares each SQL text of a database once, since preparing costs more than running most statements. Fixed statements
 * are prepared together, from a table of texts by name; texts that are composed for a query are prepared when they
 * come.
 */
import type { SqliteDatabase, SqliteStatement } from './open.ts';

/**
 * Callers choose the shape of composed texts. At this number all are forgotten; a statement that is held stays usable.
 */
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

/** Returns the statements under the names of their texts. */
export function prepareAll<Name extends string>(
  prepare: Prepare,
  sql: Readonly<Record<Name, string>>,
): Readonly<Record<Name, SqliteStatement>> {
  const entries = Object.entries<string>(sql).map(([name, text]) => [name, prepare(text)]);
  return Object.fromEntries(entries);
}
