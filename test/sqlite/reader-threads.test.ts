import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { openSqlite } from '../../src/sqlite/open.ts';
import { createSqliteReader } from '../../src/sqlite/reader-threads.ts';
import { createStatementCache } from '../../src/sqlite/statement-cache.ts';
import { temporaryDirectory } from '../support/start-test-server.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Counts to `limit`, which takes the engine about 0.1 µs each. */
const COUNT = `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
  SELECT count(*) AS count FROM numbers`;

function open(options: { file?: string; timeoutMillis?: number } = {}) {
  const file = options.file ?? join(temporaryDirectory(), 'a.db');
  const database = openSqlite({ file });
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('CREATE TABLE words (word TEXT)');
  const reader = createSqliteReader({ ...options, file, prepare: createStatementCache(database) });
  onTestFinished(async () => {
    await reader.close();
    database.close();
  });
  return { database, reader };
}

test('a long read holds up neither this thread nor writes nor other reads', async () => {
  const { database, reader } = open();
  let isDone = false;
  const long = reader.all(COUNT, [10_000_000]).finally(() => {
    isDone = true;
  });
  database.exec(`INSERT INTO words VALUES ('written')`);
  let others = 0;
  for (; !isDone; others += 1) {
    expect(await reader.all('SELECT word FROM words', [])).toEqual([{ word: 'written' }]);
  }
  expect(await long).toEqual([{ count: 10_000_000 }]);
  expect(others).toBeGreaterThan(10);
});

test('any number of long reads leave a thread to the others', async () => {
  const { reader } = open();
  let done = 0;
  const long = Array.from({ length: 6 }, () =>
    reader.all(COUNT, [3_000_000], { isLong: true }).finally(() => {
      done += 1;
    }),
  );
  expect(await reader.all('SELECT 1 AS one', [])).toEqual([{ one: 1 }]);
  expect(done).toBe(0);
  expect(await Promise.all(long)).toEqual(Array(6).fill([{ count: 3_000_000 }]));
});

test('an idle thread keeps nothing of what it has answered', async () => {
  const { reader } = open();
  const read = async () => new WeakRef((await reader.all('SELECT 1 AS one', []))[0]!);
  const row = await read();
  await turn();
  collect();
  expect(row.deref()).toBeUndefined();
});

test('each read sees what was committed before it', async () => {
  const { database, reader } = open();
  for (let count = 1; count < 50; count += 1) {
    database.exec(`INSERT INTO words VALUES ('w')`);
    expect(await reader.all('SELECT count(*) AS count FROM words', [])).toEqual([{ count }]);
  }
});

test('a read that takes too long is given up, and the next one is answered', async () => {
  const { reader } = open({ timeoutMillis: 100 });
  const reads = [1, 2].map(() => reader.all(COUNT, [20_000_000]));
  for (const read of reads) await expect(read).rejects.toMatchObject({ reason: 'too-slow' });
  await expect.poll(() => reader.all('SELECT 1 AS one', []).catch(() => 'busy')).toEqual([{ one: 1 }]);
});

test('errors are those of the engine', async () => {
  const { reader } = open();
  await expect(reader.all('SELECT missing', [])).rejects.toMatchObject({
    message: expect.stringContaining('no such column'),
  });
  await expect(reader.all(`INSERT INTO words VALUES ('x')`, [])).rejects.toThrow('readonly');
  expect(await reader.all('SELECT 1 AS one', [])).toEqual([{ one: 1 }]);
});

test('a database in memory has no other connection, and is read here', async () => {
  const { database, reader } = open({ file: ':memory:' });
  database.exec(`INSERT INTO words VALUES ('here')`);
  expect(await reader.all('SELECT word FROM words', [])).toEqual([{ word: 'here' }]);
});

test('after close there are no reads', async () => {
  const { reader } = open();
  expect(await reader.all('SELECT 1 AS one', [])).toHaveLength(1);
  await reader.close();
  await expect(reader.all('SELECT 1', [])).rejects.toThrow('closed');
});

// Threads that begin, that have just begun, and that read.
test.each([0, 5, 10, 20, 50, 200])('a process that ends while threads read, after %d ms, is not aborted', (millis) => {
  const file = join(temporaryDirectory(), 'a.db');
  openSqlite({ file }).close();
  const program = `
    import { createSqliteReader } from './src/sqlite/reader-threads.ts';
    const reader = createSqliteReader({ file: ${JSON.stringify(file)}, prepare: () => {} });
    await reader.all('SELECT 1', []);
    for (let read = 0; read < 3; read += 1) void reader.all(${JSON.stringify(COUNT)}, [1_000_000]);
    setTimeout(() => process.exit(7), ${millis});`;
  const { status, signal, stderr } = spawnSync(process.execPath, [
    ...['--import', 'tsx', '--input-type=module', '-e', program],
  ]);
  expect([status, signal, String(stderr)]).toEqual([7, null, '']);
});
