/**
 * Inserts logs. Half of a log's columns are mostly empty, and to hand an empty value to the engine takes as long as to
 * hand it a number: so there is a statement for each set of columns that logs have, which names no others.
 */
import type { SqliteStatement, SqliteValue } from '../../../../sqlite/open.ts';
import type { Prepare } from '../../../../sqlite/statement-cache.ts';
import { GIVEN_COLUMNS, JSON_COLUMNS } from '../../rows/log-row.ts';

/**
 * An app's logs have a few such sets, but whoever sends them chooses. Those that come after this number are inserted with
 * all columns.
 */
const MAX_SETS = 32;

const COLUMNS = [
  ...['id', 'reference_id', 'project_key', 'session_key', 'config_key', 'parent_key', 'parent_reference_id'],
  ...['created_at', 'updated_at', 'save', 'trace_id', 'called'],
  ...GIVEN_COLUMNS,
];

/** JSON can be given as UTF-8. */
export const parameterOf = (column: string) => (JSON_COLUMNS.has(column) ? 'CAST(? AS TEXT)' : '?');

/** Takes the values of `COLUMNS`, in this order. Returns the key of the new log. */
export type LogInsert = (values: readonly SqliteValue[]) => number | bigint;

export function createLogInsert(prepare: Prepare): LogInsert {
  const toSql = (columns: readonly string[], toParameter: (column: string) => string) =>
    `INSERT INTO logs (${columns.join(', ')}) VALUES (${columns.map(toParameter).join(', ')})`;
  const insertAll = prepare(toSql(COLUMNS, parameterOf));
  /** By the columns that are not empty, one bit for each: a number has room for 53 of them. */
  const bySet = new Map<number, SqliteStatement>();

  const statementOf = (set: number, values: readonly SqliteValue[]): SqliteStatement | undefined => {
    const known = bySet.get(set);
    if (known || bySet.size >= MAX_SETS) return known;
    const columns = COLUMNS.filter((_, index) => values[index] !== null);
    const statement = prepare(toSql(columns, () => '?'));
    bySet.set(set, statement);
    return statement;
  };

  return (values) => {
    const given: SqliteValue[] = [];
    let [set, hasBytes] = [0, false];
    for (const value of values) {
      set *= 2;
      if (value === null) continue;
      set += 1;
      given.push(value);
      hasBytes ||= typeof value === 'object';
    }
    const statement = hasBytes ? undefined : statementOf(set, values);
    return (statement ? statement.run(...given) : insertAll.run(...values)).lastInsertRowid;
  };
}
