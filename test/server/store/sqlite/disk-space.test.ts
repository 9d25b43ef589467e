import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createDiskSpace } from '../../../../src/server/store/sqlite/file/disk-space.ts';
import { createSqliteError, openSqlite } from '../../../../src/sqlite/open.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';

test('no other connection may write while the disk is full, however little', async () => {
  const file = join(temporaryDirectory(), 'a.db');
  const database = openSqlite({ file });
  const space = createDiskSpace({ file, database, onChange: () => {} });
  onTestFinished(() => {
    space.close();
    database.close();
  });
  expect(space.maxPages()).toBeGreaterThan(0);
  await expect(space.write(() => Promise.reject(createSqliteError('full', file)))).rejects.toThrow();
  expect(space.maxPages).toThrow(expect.objectContaining({ reason: 'full' }));
});
