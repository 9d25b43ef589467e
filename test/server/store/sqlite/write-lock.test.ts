import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createWriteLock } from '../../../../src/server/store/sqlite/writing/write-lock.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';

/** Longer than a process waits before it says so. */
const WAIT_MILLIS = 15;

function openTwo() {
  const file = join(temporaryDirectory(), 'a.db');
  const open = () => {
    const database = openSqlite({ file });
    onTestFinished(() => database.close());
    database.exec('PRAGMA journal_mode = WAL');
    const lock = createWriteLock(database, { file, timeoutMillis: 10_000 });
    return {
      begins: () => lock.tryBegin(false),
      waits: async () => {
        expect(lock.tryBegin(false)).toBe(false);
        await delay(WAIT_MILLIS);
        expect(lock.tryBegin(false)).toBe(false);
      },
      commits: () => {
        database.exec('COMMIT');
        lock.afterCommit();
      },
    };
  };
  return [open(), open()] as const;
}

test('one that has just had the lock lets another one that waits have it first', async () => {
  const [one, other] = openTwo();
  expect(one.begins()).toBe(true);
  await other.waits();
  one.commits();
  expect(one.begins()).toBe(false);
  expect(other.begins()).toBe(true);
  other.commits();
  expect(one.begins()).toBe(true);
});

test('one that let another one go first does not take its own sign for that of others, who wait for it', async () => {
  const [one, other] = openTwo();
  expect(one.begins()).toBe(true);
  await other.waits();
  one.commits();
  expect(other.begins()).toBe(true);
  await one.waits();
  other.commits();
  expect(other.begins()).toBe(false);
  expect(one.begins()).toBe(true);
});
