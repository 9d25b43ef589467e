import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { GIVEN_COLUMNS, JSON_COLUMNS } from '../../../../src/server/store/rows/log-row.ts';
import { migrateSqlite } from '../../../../src/server/store/sqlite/file/migrations.ts';
import { createLogInsert } from '../../../../src/server/store/sqlite/writing/log-insert.ts';
import { LogWrites } from '../../../../src/server/store/sqlite/writing/log-writes.ts';
import { prepareStatements } from '../../../../src/server/store/sqlite/writing/statements.ts';
import { toEnd } from '../../../../src/server/store/steps.ts';
import { openSqlite, type SqliteValue } from '../../../../src/sqlite/open.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

function openDatabase() {
  const file = join(temporaryDirectory(), 'logs.db');
  const database = openSqlite({ file });
  onTestFinished(() => database.close());
  migrateSqlite(database, file);
  database.exec(`INSERT INTO projects (key, id, name, created_at, updated_at) VALUES (1, 'pr_1', 'p', '', '')`);
  return database;
}

const JSON_VALUE = '{"a":"\u00e9"}';

/** Returns a row with these of the columns that may be empty. `asBytes`: JSON is given in UTF-8. */
function rowWith(id: string, isFull: readonly boolean[], asBytes = false): SqliteValue[] {
  const given = GIVEN_COLUMNS.map((column, index): SqliteValue => {
    if (!isFull[index]) return null;
    if (JSON_COLUMNS.has(column)) return asBytes ? Buffer.from(JSON_VALUE) : JSON_VALUE;
    return index + 1;
  });
  return [id, null, 1, null, null, null, null, 't', 't', 1, null, null, ...given];
}

/** As a column of its type has it. */
function storedOf(column: string, index: number): SqliteValue {
  if (JSON_COLUMNS.has(column)) return JSON_VALUE;
  return /^(duration|prompt_|output_(tokens|cost))/.test(column) ? index + 1 : String(index + 1);
}

test('a log is stored with the columns that it has, whichever these are, and JSON as text', () => {
  const database = openDatabase();
  const insert = createLogInsert((sql) => database.prepare(sql));
  const read = database.prepare('SELECT * FROM logs WHERE key = ?');
  let next = 0;
  const sets = fc.array(fc.boolean(), { minLength: GIVEN_COLUMNS.length, maxLength: GIVEN_COLUMNS.length });
  fc.assert(
    fc.property(sets, fc.boolean(), (isFull, asBytes) => {
      next += 1;
      const row = read.get(insert(rowWith(`data_${next}`, isFull, asBytes)))!;
      expect(row).toMatchObject({ id: `data_${next}`, project_key: 1, session_key: null, created_at: 't', save: 1 });
      for (const [index, column] of GIVEN_COLUMNS.entries()) {
        expect(row[column]).toBe(isFull[index] ? storedOf(column, index) : null);
      }
    }),
    { numRuns: 200 },
  );
});

test('whoever sends logs with ever other columns makes no more than some statements', () => {
  const database = openDatabase();
  let prepared = 0;
  const insert = createLogInsert((sql) => {
    prepared += 1;
    return database.prepare(sql);
  });
  for (let set = 0; set < 500; set += 1) {
    insert(
      rowWith(
        `data_${set}`,
        GIVEN_COLUMNS.map((_, index) => (set & (1 << index)) !== 0),
      ),
    );
  }
  expect(prepared).toBeLessThan(50);
  expect(database.prepare('SELECT count(*) AS count FROM logs').get()).toEqual({ count: 500 });
});

test('logs with the same columns take one statement each, of which none is given an empty value', () => {
  const database = openDatabase();
  const runs = new Map<string, number>();
  const writes = new LogWrites(
    prepareStatements((sql) => {
      const statement = database.prepare(sql);
      const run = (...values: SqliteValue[]) => {
        runs.set(sql, (runs.get(sql) ?? 0) + 1);
        if (sql.startsWith('INSERT INTO logs ')) expect(values).not.toContain(null);
        return statement.run(...values);
      };
      return { run, get: (...values) => statement.get(...values), all: (...values) => statement.all(...values) };
    }),
  );
  const requests = Array.from({ length: 20 }, (_, index) =>
    log({ reference_id: `r${index}`, session_reference_id: 's', output: 'o' }),
  );
  toEnd(writes.createAll(requests, new Map()));
  const countOf = (beginning: string) =>
    [...runs].filter(([sql]) => sql.startsWith(beginning)).reduce((sum, [, count]) => sum + count, 0);
  expect(countOf('INSERT INTO logs ')).toBe(20);
  // A session that was made just now needs no other time.
  expect([countOf('INSERT INTO sessions '), countOf('UPDATE sessions ')]).toEqual([1, 0]);
});
