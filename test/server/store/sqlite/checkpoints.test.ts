import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createCheckpoints } from '../../../../src/server/store/sqlite/checkpoints.ts';
import { createWriteTurns } from '../../../../src/server/store/sqlite/write-turns.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';
import { createStatementCache } from '../../../../src/sqlite/statement-cache.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';

const MAX_BYTES = 1_000 * 4_096;

function open() {
  const file = join(temporaryDirectory(), 'a.db');
  const database = openSqlite({ file });
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = ${MAX_BYTES}; CREATE TABLE texts (text TEXT)`);
  const checkpoints = createCheckpoints({ file, database, prepare: createStatementCache(database) });
  const turns = createWriteTurns(database, { file, canInterrupt: true, afterCommit: checkpoints.afterCommit });
  onTestFinished(async () => {
    await checkpoints.close();
    database.close();
  });
  const insert = database.prepare('INSERT INTO texts VALUES (?)');
  const write = (length: number) => turns.run(() => void insert.run('x'.repeat(length)));
  return { file, database, write, logBytes: () => statSync(`${file}-wal`).size };
}

test.each([
  ['small', 2_000, 4_000],
  ['large', 2_000_000, 20],
])('the log stays short under a load of %s writes, though no commit empties it', async (_, length, count) => {
  const { file, database, write, logBytes } = open();
  let most = 0;
  for (let index = 0; index < count; index += 1) {
    await write(length);
    most = Math.max(most, logBytes());
  }
  expect(database.prepare('PRAGMA wal_autocheckpoint').get()).toEqual({ wal_autocheckpoint: 0 });
  // Of one commit beyond the limit, the log is brought back before the next one.
  expect(most).toBeLessThan(2 * MAX_BYTES + 2 * length);
  // What is not in the log is in the file.
  expect(statSync(file).size).toBeGreaterThan(length * count - most);
});

test('where the log has to be very short, the engine does it within the commit', async () => {
  const file = join(temporaryDirectory(), 'a.db');
  const database = openSqlite({ file });
  onTestFinished(() => database.close());
  database.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 100');
  const checkpoints = createCheckpoints({ file, database, prepare: createStatementCache(database) });
  expect(checkpoints.afterCommit()).toBeUndefined();
  expect(database.prepare('PRAGMA wal_autocheckpoint').get()).toEqual({ wal_autocheckpoint: 100 });
  await checkpoints.close();
});
