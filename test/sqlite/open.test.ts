import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { explainSqliteError, openSqlite } from '../../src/sqlite/open.ts';
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
