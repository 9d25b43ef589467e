/** Retention by size, beside writes that do not stop. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';
import { holdBatches } from '../../../support/held-batches.ts';
import { openWithSearch } from '../../../support/open-with-search.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

const HOUR_MILLIS = 60 * 60 * 1000;

async function openStore() {
  const file = join(temporaryDirectory(), 'logs.db');
  const store = await openSqliteStore({ file });
  onTestFinished(() => store.close());
  return { file, store };
}

test('deletes as fast as others write, who wait for it', async () => {
  const { file, store } = await openStore();
  const maxBytes = 3_000_000;
  let written = 0;
  const write = async (): Promise<void> => {
    const logs = Array.from({ length: 30 }, () => {
      written += 1;
      return log({ session_reference_id: `${written}`, output: 'x'.repeat(3_000) });
    });
    await store.createLogs(logs);
  };
  const isLarge = () => statSync(file).size > maxBytes;
  while (!isLarge()) await write();
  const [filled, isOver] = [written, { value: false }];
  const pruning = (async () => {
    while (!isOver.value) {
      await store.prune({ maxBytes });
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  const writers = Array.from({ length: 3 }, async () => {
    while (written < 6 * filled) await write();
  });
  await Promise.all(writers);
  const { size } = statSync(file);
  isOver.value = true;
  await pruning;
  // A hundred logs are written at once. With slices that are always as short, the file grows on and on: five times as large.
  expect(size).toBeLessThan(3.5 * maxBytes);
});

test('what is deleted while traces are taken out counts from then on, and nothing that was deleted before', async () => {
  const { file, store } = await openStore();
  const ids = (await store.createLogs(Array.from({ length: 30 }, () => log({ output: 'old' })))).map(({ id }) => id);
  await expect.poll(async () => (await store.viewer.indexLag()).logs).toBe(0);
  const held = holdBatches();
  await store.createLogs([log({ session_reference_id: 'kept' })]);
  await expect.poll(held.count).toBe(1);
  // This waits for the index.
  await store.deleteLogs(ids.slice(0, 20));
  const erased = store.eraseDeleted();
  const other = openSqlite({ file, readOnly: true });
  onTestFinished(() => other.close());
  const readDue = () => other.prepare('SELECT due_at, deletions FROM erasure_due').get();
  expect(await store.prune({ olderThan: '9999-12-31T23:59:59.999999Z' })).toMatchObject({ logs: 11 });
  held.release();
  held.releaseAll();
  await erased;
  const { deletions, due_at } = readDue()!;
  expect(deletions).toBeLessThan(20);
  expect(Number(due_at)).toBeGreaterThan(Date.now() + HOUR_MILLIS);
});

test('the size is what is in use of the database and its words, without write-ahead logs and reserve', async () => {
  const { file, store } = await openStore();
  const reader = openWithSearch({ file, readOnly: true });
  onTestFinished(() => reader.close());
  // As long as it goes on, both logs become longer.
  reader.exec('BEGIN');
  reader.prepare('SELECT (SELECT count(*) FROM logs) + (SELECT count(*) FROM word_slices)').all();
  const [first] = await store.createLogs([0, 1, 2].map((n) => log({ session_reference_id: `${n}` })));
  for (let n = 0; n < 100; n += 1) await store.updateLog({ id: first!.id }, { output: `${n} `.repeat(10_000) });
  await expect.poll(async () => (await store.viewer.indexLag()).logs, { timeout: 30_000 }).toBe(0);
  reader.exec('COMMIT');
  const read = (pragma: string) => Number(reader.prepare(`PRAGMA ${pragma}`).get()![pragma.replace('search.', '')]);
  const usedOf = (name: string) => (read(`${name}page_count`) - read(`${name}freelist_count`)) * read('page_size');
  const used = usedOf('') + usedOf('search.');
  expect(used).toBeLessThan(2_000_000);
  expect(statSync(`${file}-wal`).size).toBeGreaterThan(2_000_000);
  expect(statSync(`${file}-reserve`).size).toBeGreaterThan(2_000_000);

  expect(await store.prune({ maxBytes: used })).toEqual({ logs: 0, sessions: 0 });
  expect((await store.prune({ maxBytes: used / 2 })).sessions).toBeGreaterThan(0);
});

test('sessions without logs go before any that have some, but for those that may still get them', async () => {
  const { file, store } = await openStore();
  const [kept] = await store.createLogs([log({ session_reference_id: 'kept' })]);
  const empty = await Promise.all(Array.from({ length: 12_000 }, () => store.createSession()));
  const database = openSqlite({ file });
  onTestFinished(() => database.close());
  const past = new Date(Date.now() - 2 * HOUR_MILLIS).toISOString();
  database.prepare('UPDATE sessions SET updated_at = ? WHERE reference_id IS NULL').run(past);
  const fresh = await store.createSession();
  expect((await store.prune({ maxBytes: 1_200_000 })).logs).toBe(0);
  expect(await store.getLog(kept!.id)).toBeDefined();
  expect(await store.getSession(fresh.id)).toBeDefined();
  expect(await store.getSession(empty[0]!.id)).toBeUndefined();
});
