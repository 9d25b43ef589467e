/** A program runs on a thread with a connection of its own, and here where there are no threads. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import workerThreads, { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openSqlite } from '../../src/sqlite/open.ts';
import { createProgramThread } from '../../src/sqlite/program-thread.ts';
import { temporaryDirectory } from '../support/start-test-server.ts';

/** Runs SQL. Its memory is that of its thread. */
const PROGRAM = `
  let calls = 0;
  module.exports.start = (database) => (sql) => {
    calls += 1;
    database.exec(sql);
    return calls;
  };`;
const INSERT = "INSERT INTO words VALUES ('there')";

interface Options {
  readonly file?: string;
  readonly hasProgram?: boolean;
  readonly setUp?: string;
  readonly restMillis?: number;
  readonly onUnusable?: () => void;
}

function open(
  { file = join(temporaryDirectory(), 'a.db'), hasProgram = true, setUp = '', ...options } = {} as Options,
) {
  const posted = vi.spyOn(Worker.prototype, 'postMessage');
  onTestFinished(() => posted.mockRestore());
  const database = openSqlite({ file });
  if (file !== ':memory:') database.exec('PRAGMA journal_mode = WAL');
  database.exec('CREATE TABLE words (word TEXT)');
  const runHere = async (sql: string) => database.exec(sql.replace('there', 'here'));
  const thread = createProgramThread<string>({
    ...{ file, setUp, runHere, ...options },
    program: hasProgram ? PROGRAM : undefined,
  });
  onTestFinished(async () => {
    await thread.close();
    database.close();
  });
  return {
    ...{ file, database, thread },
    words: () =>
      database
        .prepare('SELECT word FROM words')
        .all()
        .map(({ word }) => word),
    threads: () => [...new Set(posted.mock.contexts as Worker[])],
  };
}

test('calls run on a thread, which remembers the calls before', async () => {
  const { thread, words, threads } = open();
  expect([await thread.run(INSERT), await thread.run(INSERT)]).toEqual([1, 2]);
  expect(words()).toEqual(['there', 'there']);
  expect(threads()).toHaveLength(1);
});

test.each([
  ['in memory', { file: ':memory:' }],
  ['without a program', { hasProgram: false }],
])('%s, they run here', async (_, options) => {
  const { thread, words, threads } = open(options);
  await thread.run(INSERT);
  expect(words()).toEqual(['here']);
  expect(threads()).toEqual([]);
});

test('a call that fails rejects with the error of the engine, and the next one runs', async () => {
  const { thread, words } = open();
  await expect(thread.run('INSERT INTO nothing')).rejects.toMatchObject({ errcode: 1 });
  await thread.run(INSERT);
  expect(words()).toEqual(['there']);
});

test('a thread that ends within a transaction leaves nothing, and the next call has another one', async () => {
  const { database, thread, words, threads } = open();
  await thread.run(INSERT);
  await thread.run(`BEGIN IMMEDIATE; ${INSERT}`);
  database.exec('PRAGMA busy_timeout = 0');
  expect(() => database.exec('BEGIN IMMEDIATE')).toThrow('locked');
  await threads()[0]!.terminate();
  expect(await thread.run(INSERT)).toBe(1);
  expect(words()).toEqual(['there', 'there']);
  expect(threads()).toHaveLength(2);
});

test('a thread that ends before it has answered rejects the call', async () => {
  const { thread, words, threads } = open();
  await thread.run(INSERT);
  // It ends by this, before it looks at what comes next.
  threads()[0]!.postMessage(null);
  await expect(thread.run(INSERT)).rejects.toThrow('has ended');
  await thread.run(INSERT);
  expect(words()).toEqual(['there', 'there']);
});

test('once it is closed, no call begins', async () => {
  const { thread, words, threads } = open();
  await thread.run(INSERT);
  await thread.close();
  await expect(thread.run(INSERT)).rejects.toThrow('is closed');
  expect(words()).toEqual(['there']);
  expect(threads()).toHaveLength(1);
});

test('a process that ends while its thread writes is not aborted', () => {
  const file = join(temporaryDirectory(), 'a.db');
  const program = `
    import { openSqlite } from './src/sqlite/open.ts';
    import { createProgramThread } from './src/sqlite/program-thread.ts';
    const file = ${JSON.stringify(file)};
    const database = openSqlite({ file });
    database.exec('CREATE TABLE words (word); INSERT INTO words VALUES (1)');
    const program = \`module.exports.start = (database) => (millis) => {
      const end = performance.now() + millis;
      do database.exec('UPDATE words SET word = word + 1'); while (performance.now() < end);
    }\`;
    const thread = createProgramThread({ file, setUp: '', program, runHere: () => {} });
    await thread.run(0);
    void thread.run(300);
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
  const { file, thread, words } = open();
  rmSync(file);
  await thread.run(INSERT);
  // It has gone where all else of this process goes.
  expect(words()).toEqual(['here']);
  expect(existsSync(file)).toBe(false);
});

test('where a thread ends before it begins, another one is tried', async () => {
  const { database, thread, words, threads } = open({ setUp: 'SELECT * FROM later' });
  const running = thread.run(INSERT);
  await once(threads()[0]!, 'error');
  database.exec('CREATE TABLE later (word)');
  await running;
  expect(words()).toEqual(['there']);
  expect(threads()).toHaveLength(2);
});

test('where none begins, it runs here, and no more are started', async () => {
  const { thread, words, threads } = open({ setUp: 'SELECT * FROM nothing' });
  await thread.run(INSERT);
  await thread.run(INSERT);
  expect(words()).toEqual(['here', 'here']);
  expect(threads()).toHaveLength(3);
});

test('where none has begun, others are tried later, and it is said once until one begins', async () => {
  let said = 0;
  const onUnusable = () => {
    said += 1;
  };
  const setUp = 'SELECT * FROM later';
  const { database, thread, words, threads } = open({ setUp, restMillis: 1, onUnusable });
  await thread.run(INSERT);
  await delay(5);
  // One is enough to see that there is still none.
  await thread.run(INSERT);
  expect([said, threads().length]).toEqual([1, 4]);
  database.exec('CREATE TABLE later (word)');
  await delay(10);
  await thread.run(INSERT);
  expect(words()).toEqual(['here', 'here', 'there']);
  expect(said).toBe(1);
});

test('one that is closed meanwhile starts no other thread', async () => {
  const { thread, words, threads } = open({ setUp: 'SELECT * FROM nothing' });
  const running = expect(thread.run(INSERT)).rejects.toThrow('is closed');
  await expect.poll(() => threads().length).toBe(1);
  await Promise.all([thread.close(), running]);
  expect(words()).toEqual([]);
  expect(threads()).toHaveLength(1);
});

test('where threads are forbidden, it runs here', async () => {
  const { thread, words, threads } = open();
  const forbidden = vi.spyOn(workerThreads, 'Worker').mockImplementation(function forbid() {
    throw new Error('forbidden');
  } as never);
  onTestFinished(() => forbidden.mockRestore());
  await thread.run(INSERT);
  expect(words()).toEqual(['here']);
  expect(threads()).toEqual([]);
});
