import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { explainSqliteError, type OpenSqliteOptions, openSqlite, reasonOf } from '../../src/sqlite/open.ts';
import { temporaryDirectory } from '../support/start-test-server.ts';

test('a directory that it makes is for its owner only', async () => {
  const directory = join(temporaryDirectory(), 'made');
  (await openSqlite({ file: join(directory, 'a.db') })).close();
  expect(statSync(directory).mode & 0o777).toBe(0o700);
});

test('a read-only database says so at the first write', async () => {
  const file = join(temporaryDirectory(), 'a.db');
  const writable = await openSqlite({ file });
  writable.exec('CREATE TABLE t (a)');
  writable.close();
  const database = await openSqlite({ file, readOnly: true });
  let thrown: unknown;
  try {
    database.exec('INSERT INTO t VALUES (1)');
  } catch (error) {
    thrown = error;
  }
  database.close();
  expect(explainSqliteError(thrown, file)).toMatchObject({
    reason: 'read-only',
    message: expect.stringContaining(file),
  });
});

test('failures of the file system are told apart', () => {
  const reasonOf = (code: string) => explainSqliteError(Object.assign(new Error(code), { code }), 'f').reason;
  expect(['EACCES', 'EROFS', 'ENOSPC', 'ENOTDIR'].map(reasonOf)).toEqual([
    'read-only',
    'read-only',
    'full',
    'cannot-open',
  ]);
  expect(explainSqliteError(new Error('?'), 'f').reason).toBe('other');
});

const open = (options: OpenSqliteOptions) => {
  const database = openSqlite(options);
  onTestFinished(() => database.close());
  return database;
};

/** Each returns a connection that meets the failure, to a file with a table of several pages. */
const FAILURES = {
  locked: (file: string) => {
    const connection = open({ file, busyTimeoutMillis: 0 });
    open({ file }).exec('BEGIN EXCLUSIVE');
    return connection;
  },
  full: (file: string) => {
    const connection = open({ file });
    connection.exec('PRAGMA max_page_count = 1');
    return connection;
  },
  'read-only': (file: string) => open({ file, readOnly: true }),
  corrupt: (file: string) => {
    writeFileSync(file, readFileSync(file).fill(0xff, 4_096));
    return open({ file });
  },
};

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

test.each(Object.keys(FAILURES) as (keyof typeof FAILURES)[])('%s, by whichever way a statement is run', (reason) => {
  for (const way of ['all', 'get', 'run'] as const) {
    const file = join(temporaryDirectory(), 'a.db');
    const database = openSqlite({ file });
    database.exec('CREATE TABLE t (a); INSERT INTO t VALUES (zeroblob(20000))');
    database.close();
    const connection = FAILURES[reason](file);
    const thrown = thrownBy(() => connection.prepare('INSERT INTO t VALUES (zeroblob(20000)) RETURNING a')[way]());
    expect([way, reasonOf(thrown)]).toEqual([way, reason]);
  }
});
