/** What looking for calls costs where very many of them have one key. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { CallKey } from '../../../../src/server/store/ingest.ts';
import { MIGRATIONS } from '../../../../src/server/store/sqlite/file/migrations.ts';
import { createTraceReads } from '../../../../src/server/store/sqlite/ingest/trace-reads.ts';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import { openSqlite, type SqliteValue } from '../../../../src/sqlite/open.ts';

const KEY = 'f'.repeat(16);
const AT = 1_700_000_000_000;

const callAt = (startMillis: number, key = KEY): CallKey => ({
  ...{ key, referenceId: '', reporter: '1'.repeat(16) },
  ...{ startMillis, endMillis: startMillis + 500 },
});

function open(callCount: number) {
  const database = openSqlite({ file: ':memory:' });
  for (const sql of MIGRATIONS) database.exec(sql);
  database.exec(`INSERT INTO traces VALUES (1, '${'a'.repeat(32)}', 1, 0)`);
  const insert = database.prepare(`INSERT INTO trace_calls VALUES (?, ?, 1, printf('%016x', ?), ?, x'01')`);
  database.exec('BEGIN');
  for (let index = 0; index < callCount; index += 1) {
    insert.run(Buffer.from(KEY, 'hex'), AT + index, index, AT + index + 500);
  }
  database.exec('COMMIT');
  const statements: string[] = [];
  let runs = 0;
  const prepare = (sql: string) => {
    statements.push(sql);
    const statement = database.prepare(sql);
    const all = (...values: SqliteValue[]) => {
      if (sql.includes('BETWEEN')) runs += 1;
      return statement.all(...values);
    };
    return { ...statement, all } as typeof statement;
  };
  const inTurn = async <Result>(work: () => Generator<void, Result>): Promise<Result> => {
    const steps = work();
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
    }
  };
  const reads = createTraceReads({ prepare, prepareWrite: prepare, inTurn });
  return { database, insert, reads, statements, runs: () => runs };
}

test('the rows of a key are read by their times, never all, and not put in order again', () => {
  const { database, statements } = open(0);
  const finds = statements.filter((sql) => sql.includes('trace_calls'));
  const details = finds.flatMap((sql) => {
    const values = Array.from({ length: sql.includes('?6') ? 6 : (sql.match(/\?/g)?.length ?? 0) }, () => 0);
    return database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
  });
  const plan = details.map(({ detail }) => String(detail));
  const searches = plan.filter((detail) => detail.includes('trace_calls'));
  // The first of them only asks whether there is another row at all.
  expect(searches.map((detail) => /\((call_key=.*)\)/.exec(detail)?.[1])).toEqual([
    'call_key=?',
    'call_key=? AND start_millis>? AND start_millis<?',
    'call_key=? AND start_millis=?',
  ]);
  expect(finds[0]).toMatch(/LIMIT 1$/);
  expect(plan.filter((detail) => detail.includes('TEMP B-TREE'))).toEqual([]);
});

test('what one reporter has is left out for itself, and not what another one says of the same span', async () => {
  const { insert, reads } = open(2);
  insert.run(Buffer.from(KEY, 'hex'), 0, 0, Number.MAX_SAFE_INTEGER);
  const referenceId = `${'a'.repeat(32)}-${'0'.repeat(16)}`;
  const timesOf = async (...reporters: string[]) => {
    const found = await reads.findCalls(reporters.map((reporter) => ({ ...callAt(AT), referenceId, reporter })));
    return found.map(({ startMillis }) => startMillis);
  };
  expect(await timesOf('01')).toEqual([0]);
  expect(await timesOf('01', '01')).toEqual([0]);
  expect(await timesOf('02')).toEqual([AT + 1, AT, 0]);
  expect(await timesOf('01', '02')).toEqual([AT + 1, AT, 0]);
});

test('what is wanted of one key at about one time is looked for once, and found for each', async () => {
  const { reads, runs } = open(500);
  const found = await reads.findCalls(Array.from({ length: 200 }, (_, index) => callAt(AT + index)));
  expect(found).toHaveLength(500);
  expect(runs()).toBe(1);
  await reads.findCalls([callAt(AT), callAt(AT + 86_400_000), callAt(AT, 'e'.repeat(16))]);
  // Nothing has the last key.
  expect(runs()).toBe(3);
});

test('others run and write between many look-ups', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'trace-reads-'));
  const store = await openSqliteStore({ file: join(directory, 'logs.db') });
  onTestFinished(async () => {
    await store.close();
    rmSync(directory, { recursive: true });
  });
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  const keyOf = (index: number) => index.toString(16).padStart(16, '0');
  const ended: string[] = [];
  const finding = store.findCalls(Array.from({ length: 20_000 }, (_, index) => callAt(AT, keyOf(index))));
  const found = finding.then(() => ended.push('look-ups'));
  for (let index = 1; index <= 3; index += 1) {
    await store.createLogs([{ project: 'chat', output: 'hello' }]);
    ended.push(`write ${index}`);
  }
  await found;
  clearInterval(timer);
  expect(turns).toBeGreaterThan(2);
  expect(ended).toEqual(['write 1', 'write 2', 'write 3', 'look-ups']);
});
