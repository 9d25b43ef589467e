/** Batches are written as a whole or not at all, by the thread and where there are none. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import workerThreads, { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openSqlite } from '../../src/sqlite/open.ts';
import { createStatementCache } from '../../src/sqlite/statement-cache.ts';
import { createSqliteWriter } from '../../src/sqlite/writer-thread.ts';
import { temporaryDirectory } from '../support/start-test-server.ts';

const PLACES = { 'on a thread': () => join(temporaryDirectory(), 'a.db'), here: () => ':memory:' };

function open(file = PLACES['on a thread']()) {
  const posted = vi.spyOn(Worker.prototype, 'postMessage');
  onTestFinished(() => posted.mockRestore());
  const database = openSqlite({ file });
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('CREATE TABLE marks (key INTEGER PRIMARY KEY, mark INTEGER); CREATE TABLE words (word TEXT UNIQUE)');
  database.exec('INSERT INTO marks VALUES (1, 10), (2, 20), (3, 30)');
  const writer = createSqliteWriter({ file, database, prepare: createStatementCache(database), setUp: '' });
  onTestFinished(async () => {
    await writer.close();
    database.close();
  });
  const read = (sql: string) =>
    database
      .prepare(sql)
      .all()
      .map((row) => Object.values(row)[0]);
  const threads = () => new Set(posted.mock.contexts as Worker[]);
  return {
    database,
    writer,
    words: () => read('SELECT word FROM words'),
    marks: () => read('SELECT key FROM marks'),
    threads,
  };
}

const UNMARK = 'DELETE FROM marks WHERE key = ? AND mark = ?';
const INSERT = 'INSERT INTO words VALUES (?)';

describe.each(Object.entries(PLACES))('%s', (place, toFile) => {
  test('a row is written if one of the claims holds that it needs', async () => {
    const { writer, words, marks, threads } = open(toFile());
    const result = await writer.write({
      claims: {
        sql: UNMARK,
        rows: [
          [1, 10],
          [2, 21],
          [3, 30],
        ],
      },
      steps: [
        { sql: INSERT, rows: [['of 1'], ['of 2'], ['of 2 or 3']], needs: [[0], [1], [1, 2]] },
        { sql: INSERT, rows: [['of none']] },
      ],
    });
    expect(result).toMatchObject({ isOpen: true, claimed: [true, false, true], isDone: true });
    expect(words()).toEqual(['of 1', 'of 2 or 3', 'of none']);
    expect(marks()).toEqual([2]);
    expect(threads().size).toBe(place === 'here' ? 0 : 1);
  });

  test('where the gate is closed, nothing is written', async () => {
    const { writer, words, marks } = open(toFile());
    const gate = { sql: 'UPDATE marks SET mark = 11 WHERE mark = ?', parameters: [12] };
    const batch = { claims: { sql: UNMARK, rows: [[2, 20]] }, steps: [{ sql: INSERT, rows: [['a']] }] };
    expect(await writer.write({ gate, ...batch })).toMatchObject({ isOpen: false, claimed: [] });
    expect([words(), marks()]).toEqual([[], [1, 2, 3]]);
    expect(await writer.write({ gate: { ...gate, parameters: [10] }, ...batch })).toMatchObject({ isOpen: true });
    expect([words(), marks()]).toEqual([['a'], [1, 3]]);
  });

  test('one that fails leaves nothing, and says which claim has failed', async () => {
    const { writer, words, marks } = open(toFile());
    const claims = {
      sql: UNMARK,
      rows: [
        [1, 10],
        [2, 20],
      ],
    };
    const steps = [{ sql: INSERT, rows: [['a'], ['a']], needs: [[0], [1]] }];
    await expect(writer.write({ claims, steps })).rejects.toMatchObject({
      message: expect.stringContaining('UNIQUE'),
      claim: 1,
    });
    expect([words(), marks()]).toEqual([[], [1, 2, 3]]);
    await writer.write({ claims, steps: [{ sql: INSERT, rows: [['a']] }] });
    expect([words(), marks()]).toEqual([['a'], [3]]);
  });

  test('one by which the file would become too long is refused like a full disk', async () => {
    const { writer, words } = open(toFile());
    const steps = [{ sql: INSERT, rows: [['long '.repeat(10_000)]] }];
    await expect(writer.write({ steps, maxPages: 8 })).rejects.toMatchObject({ errcode: 13 });
    expect(words()).toEqual([]);
    await writer.write({ steps, maxPages: 100 });
    expect(words()).toHaveLength(1);
  });

  test('what is repeated ends when there is nothing left to do, or the time is over', async () => {
    const { writer, marks } = open(toFile());
    const sql = 'DELETE FROM marks WHERE key IN (SELECT key FROM marks ORDER BY key LIMIT ?)';
    expect(await writer.write({ repeat: { sql, parameters: [2], maxMillis: 0 } })).toMatchObject({ isDone: false });
    expect(marks()).toEqual([3]);
    expect(await writer.write({ repeat: { sql, parameters: [2], maxMillis: 9 } })).toMatchObject({ isDone: true });
  });
});

test('a thread that ends within a transaction leaves nothing, and the next batch has another one', async () => {
  const { database, writer, words, threads } = open();
  await writer.write({ steps: [{ sql: INSERT, rows: [['before']] }] });
  const [worker] = threads();
  worker!.postMessage({ sql: 'BEGIN IMMEDIATE', parameters: [] });
  worker!.postMessage({ sql: INSERT, parameters: ['undone'] });
  database.exec('PRAGMA busy_timeout = 0');
  await expect.poll(() => attempt(() => database.exec('BEGIN IMMEDIATE; ROLLBACK'))).toBe('failed');
  await worker!.terminate();
  await writer.write({ steps: [{ sql: INSERT, rows: [['after']] }] });
  expect(words()).toEqual(['before', 'after']);
  expect(threads().size).toBe(2);
});

test('a thread that ends before it has answered rejects the batch', async () => {
  const { writer, words, threads } = open();
  await writer.write({ steps: [{ sql: INSERT, rows: [['before']] }] });
  const [worker] = threads();
  // It ends by this, before it looks at what comes next.
  worker!.postMessage(null);
  await expect(writer.write({ steps: [{ sql: INSERT, rows: [['lost']] }] })).rejects.toThrow('has ended');
  await writer.write({ steps: [{ sql: INSERT, rows: [['after']] }] });
  expect(words()).toEqual(['before', 'after']);
});

test('a process that ends while its thread writes is not aborted', () => {
  const file = join(temporaryDirectory(), 'a.db');
  const program = `
    import { openSqlite } from './src/sqlite/open.ts';
    import { createSqliteWriter } from './src/sqlite/writer-thread.ts';
    const database = openSqlite({ file: ${JSON.stringify(file)} });
    database.exec('CREATE TABLE words (word)');
    const prepare = (sql) => database.prepare(sql);
    const writer = createSqliteWriter({ file: ${JSON.stringify(file)}, database, prepare, setUp: '' });
    await writer.write({ steps: [{ sql: 'INSERT INTO words VALUES (1)', rows: [[], []] }] });
    const repeat = { sql: 'UPDATE words SET word = word + 1', parameters: [], maxMillis: 300 };
    void writer.write({ repeat });
    setTimeout(() => process.exit(7), 100);`;
  const { status, signal, stderr } = spawnSync(process.execPath, [
    '--import',
    'tsx',
    '--input-type=module',
    '-e',
    program,
  ]);
  expect([status, signal, String(stderr)]).toEqual([7, null, '']);
  const database = openSqlite({ file, readOnly: true });
  onTestFinished(() => database.close());
  expect(Number(database.prepare('SELECT max(word) AS word FROM words').get()!['word'])).toBeGreaterThan(1);
});

test('a thread makes no file in the place of one that is gone', async () => {
  const file = PLACES['on a thread']();
  const { writer, words } = open(file);
  rmSync(file);
  await writer.write({ steps: [{ sql: INSERT, rows: [['a']] }] });
  // It has gone where all else of this process goes.
  expect(words()).toEqual(['a']);
  expect(existsSync(file)).toBe(false);
});

test('where threads are forbidden, it is written here', async () => {
  const { writer, words, threads } = open();
  const forbidden = vi.spyOn(workerThreads, 'Worker').mockImplementation(function forbid() {
    throw new Error('forbidden');
  } as never);
  onTestFinished(() => forbidden.mockRestore());
  await writer.write({ steps: [{ sql: INSERT, rows: [['here']] }] });
  expect(words()).toEqual(['here']);
  expect(threads().size).toBe(0);
});

function attempt(work: () => void): string {
  try {
    work();
    return 'done';
  } catch {
    return 'failed';
  }
}
