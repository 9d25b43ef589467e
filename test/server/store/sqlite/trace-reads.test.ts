/** What looking for calls costs where very many of them have one key. */
import { expect, test } from 'vitest';
import type { CallKey } from '../../../../src/server/store/ingest.ts';
import { MIGRATIONS } from '../../../../src/server/store/sqlite/migrations.ts';
import { createTraceReads } from '../../../../src/server/store/sqlite/trace-reads.ts';
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
  const reads = createTraceReads((sql) => {
    statements.push(sql);
    const statement = database.prepare(sql);
    const all = (...values: SqliteValue[]) => {
      runs += 1;
      return statement.all(...values);
    };
    return { ...statement, all } as typeof statement;
  });
  return { database, reads, statements, runs: () => runs };
}

test('the rows of a key are read by their times, never all', () => {
  const { database, statements } = open(0);
  const find = statements.find((sql) => sql.includes('trace_calls')) as string;
  const plan = database.prepare(`EXPLAIN QUERY PLAN ${find}`).all(Buffer.from(KEY, 'hex'), 0, 0, 0, 1);
  const searches = plan.map(({ detail }) => String(detail)).filter((detail) => detail.includes('trace_calls'));
  expect(
    searches.map((detail) => /\(call_key=\? AND start_millis(=\?|>\? AND start_millis<\?)\)/.test(detail)),
  ).toEqual([true, true]);
});

test('what is wanted of one key at about one time is looked for once, and found for each', async () => {
  const { reads, runs } = open(500);
  const found = await reads.findCalls(Array.from({ length: 200 }, (_, index) => callAt(AT + index)));
  expect(found).toHaveLength(500);
  expect(runs()).toBe(1);
  await reads.findCalls([callAt(AT), callAt(AT + 86_400_000), callAt(AT, 'e'.repeat(16))]);
  expect(runs()).toBe(4);
});

test('others run between many look-ups', async () => {
  const { reads } = open(100);
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  const keyOf = (index: number) => index.toString(16).padStart(16, '0');
  await reads.findCalls(Array.from({ length: 20_000 }, (_, index) => callAt(AT, keyOf(index))));
  clearInterval(timer);
  expect(turns).toBeGreaterThan(2);
});
