/** Old traces are forgotten in steps that others need not wait for long. */
import { expect, test } from 'vitest';
import { MIGRATIONS } from '../../../../src/server/store/sqlite/file/migrations.ts';
import { forgetTraces } from '../../../../src/server/store/sqlite/ingest/ingest.ts';
import { prepareIngestStatements } from '../../../../src/server/store/sqlite/ingest/ingest-statements.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';

test('each step of forgetting deletes few traces and few calls, also where one trace has very many', () => {
  const database = openSqlite({ file: ':memory:' });
  database.exec('PRAGMA foreign_keys = ON');
  for (const sql of MIGRATIONS) database.exec(sql);
  const addTrace = database.prepare('INSERT INTO traces VALUES (?, ?, 1, ?)');
  const addCall = database.prepare(
    `INSERT INTO trace_calls VALUES (randomblob(8), 1, ?, printf('%016x', ?), 2, x'01')`,
  );
  for (let trace = 1; trace <= 100; trace += 1) {
    addTrace.run(trace, String(trace).padStart(32, '0'), trace);
    for (let call = 0; call < (trace === 5 ? 3_000 : 30); call += 1) addCall.run(trace, call);
  }
  const count = () => {
    const row = database
      .prepare('SELECT (SELECT count(*) FROM traces) AS t, (SELECT count(*) FROM trace_calls) AS c')
      .get();
    return [Number(row?.['t']), Number(row?.['c'])] as const;
  };
  const statements = prepareIngestStatements((sql) => database.prepare(sql));
  let before = count();
  for (let hasMore = true; hasMore; ) {
    hasMore = forgetTraces(statements, 91);
    const after = count();
    expect(before[0] - after[0]).toBeLessThanOrEqual(20);
    expect(before[1] - after[1]).toBeLessThanOrEqual(1_000);
    before = after;
  }
  expect(before).toEqual([10, 300]);
});
