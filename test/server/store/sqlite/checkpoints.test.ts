import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createCheckpoints } from '../../../../src/server/store/sqlite/file/checkpoints.ts';
import { createWriteTurns } from '../../../../src/server/store/sqlite/writing/write-turns.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';
import { createStatementCache } from '../../../../src/sqlite/statement-cache.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';

const MAX_BYTES = 1_000 * 4_096;

/** In lengths at which the log is brought back. */
const LONG = 32;

function open(readFreeBytes?: () => number) {
  const file = join(temporaryDirectory(), 'a.db');
  const database = openSqlite({ file });
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = ${MAX_BYTES}; CREATE TABLE texts (text TEXT)`);
  const parts = { file, database, prepare: createStatementCache(database) };
  let looks = 0;
  const readSize = (path: string) => {
    looks += 1;
    return statSync(path).size;
  };
  const checkpoints = createCheckpoints({ ...parts, readSize, ...(readFreeBytes && { readFreeBytes }) });
  let waits = 0;
  const afterCommit = () => {
    const event = checkpoints.afterCommit();
    if (event) waits += 1;
    return event;
  };
  const turns = createWriteTurns(database, { file, canInterrupt: true, afterCommit });
  onTestFinished(async () => {
    await checkpoints.close();
    database.close();
  });
  const insert = database.prepare('INSERT INTO texts VALUES (?)');
  const write = (length: number) => turns.run(() => void insert.run('x'.repeat(length)));
  return {
    file,
    database,
    write,
    logBytes: () => statSync(`${file}-wal`).size,
    waits: () => waits,
    looks: () => looks,
  };
}

const LOADS = [
  ['small', 2_000, 4_000],
  ['large', 2_000_000, 200],
] as const;

test.each(LOADS)('the log stays short under a load of %s writes, though no commit empties it', async (...load) => {
  const [, length, count] = load;
  const { file, database, write, logBytes, waits } = open();
  let most = 0;
  for (let index = 0; index < count; index += 1) {
    await write(length);
    most = Math.max(most, logBytes());
  }
  expect(database.prepare('PRAGMA wal_autocheckpoint').get()).toEqual({ wal_autocheckpoint: 0 });
  // Of one commit beyond the limit, the log is brought back before the next one.
  expect(most).toBeLessThan(LONG * MAX_BYTES + 2 * length);
  // What is not in the log is in the file.
  expect(statSync(file).size).toBeGreaterThan(length * count - most);
  // Nearly all writes go on while the log is brought back.
  expect(waits()).toBeLessThanOrEqual(1 + (length * count) / (LONG * MAX_BYTES - 2 * length));
});

test('where the disk has some space, the log has no more than a sixteenth of it', async () => {
  const freeBytes = 16 * 16 * MAX_BYTES;
  const { write, logBytes, waits } = open(() => freeBytes);
  let most = 0;
  for (let index = 0; index < 100; index += 1) {
    await write(2_000_000);
    most = Math.max(most, logBytes());
  }
  expect(most).toBeLessThan(freeBytes / 16 + 2 * 2_000_000);
  expect(waits()).toBeGreaterThan(0);
});

test.each(LOADS)('where the disk has little space, the log is short after each of many %s writes', async (...load) => {
  const [, length, count] = load;
  const { file, write, logBytes, waits } = open(() => LONG * MAX_BYTES);
  let most = 0;
  for (let index = 0; index < count; index += 1) {
    await write(length);
    most = Math.max(most, logBytes());
  }
  expect(most).toBeLessThan(2 * MAX_BYTES + 2 * length);
  expect(statSync(file).size).toBeGreaterThan(length * count - most);
  expect(waits()).toBeGreaterThan(0);
});

test('writes that have ended leave no more in the log than it may have', async () => {
  const { file, database, write } = open();
  for (const length of [3_000_000, 3_000_000, 12_000_000]) await write(length);
  const pageCount = database.prepare('PRAGMA page_count');
  const pagesInLogOnly = () => Number(pageCount.get()!['page_count']) - statSync(file).size / 4_096;
  await expect.poll(pagesInLogOnly).toBeLessThan(1_000);
});

test('a log that another connection has left long is brought back once, not for ever', async () => {
  const { file, write, logBytes, looks } = open();
  await write(16_000_000);
  await pause(500);
  // A connection without `journal_size_limit` begins the log again and leaves its file as long as it was.
  const other = openSqlite({ file });
  other.exec("INSERT INTO texts VALUES ('from elsewhere')");
  onTestFinished(() => other.close());
  await write(20_000);
  expect(logBytes()).toBeGreaterThan(MAX_BYTES);
  // Each look for what is due looks at the length of the log's file.
  const before = looks();
  await pause(1_000);
  expect(looks() - before).toBeLessThan(10);
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
