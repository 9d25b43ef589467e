/** Who closes does not wait for another process that has the file of the words. Nothing is lost by that. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test, vi } from 'vitest';
import { searchFileOf } from '../../../../src/server/store/sqlite/file/search-file.ts';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import type { Store } from '../../../../src/server/store/store.ts';
import { openSqlite, type SqliteDatabase } from '../../../../src/sqlite/open.ts';
import { openWithSearch } from '../../../support/open-with-search.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { createOne, log } from '../../sample-log.ts';

/** With a busy machine's threads, which take their time to end; without the patience of an index that goes on, 5 s. */
const MAX_MILLIS = 1_600;

const untilIndexed = (store: Store) =>
  expect.poll(() => store.viewer.indexLag(), { timeout: 30_000 }).toEqual({ logs: 0 });

const found = async (store: Store, search: string) =>
  (await store.viewer.listSessions({ search, size: 9 })).sessions.map(({ reference_id }) => reference_id);

/** A store with an indexed log, and a connection of another process to the file of the words. */
async function openBoth(): Promise<{ file: string; store: Store; other: SqliteDatabase; errors: unknown[] }> {
  const file = join(temporaryDirectory(), 'logs.db');
  const errors: unknown[] = [];
  const store = await openSqliteStore({ file, onError: (error) => errors.push(error) });
  await createOne(store, { session_reference_id: 'one', output: 'the zebra' });
  await untilIndexed(store);
  const other = openSqlite({ file: searchFileOf(file) });
  onTestFinished(() => other.close());
  return { file, store, other, errors };
}

async function millisOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The last log is written as it closes. */
async function closeWithLog(store: Store): Promise<void> {
  const written = store.createLogs([log({ session_reference_id: 'last', output: 'the yak' })]);
  await Promise.all([written, store.close()]);
}

/** How long the words have been another process's when the store is closed: not at all, or for longer than it waits. */
const HELD_MILLIS = [0, 800];

for (const heldMillis of HELD_MILLIS) {
  test(`with words to write, held for ${heldMillis} ms: all logs are stored, and found after the next start`, async () => {
    const { file, store, other, errors } = await openBoth();
    other.exec('BEGIN IMMEDIATE');
    await createOne(store, { session_reference_id: 'two', output: 'the quagga' });
    await new Promise((resolve) => setTimeout(resolve, heldMillis));
    expect(await millisOf(() => closeWithLog(store))).toBeLessThan(MAX_MILLIS);
    other.exec('COMMIT');
    expect(errors).toEqual([]);

    const next = await openSqliteStore({ file });
    onTestFinished(() => next.close());
    await untilIndexed(next);
    const words = ['zebra', 'quagga', 'yak'];
    expect(await Promise.all(words.map((word) => found(next, word)))).toEqual([['one'], ['two'], ['last']]);
  });

  test(`with words to erase, held for ${heldMillis} ms: they are erased after the next start`, async () => {
    const { file, store, other } = await openBoth();
    other.exec('BEGIN IMMEDIATE');
    await store.deleteSession({ referenceId: 'one' });
    await new Promise((resolve) => setTimeout(resolve, heldMillis));
    expect(await millisOf(() => closeWithLog(store))).toBeLessThan(MAX_MILLIS);
    other.exec('COMMIT');

    const next = await openSqliteStore({ file });
    onTestFinished(() => next.close());
    await next.eraseDeleted();
    const reader = openWithSearch({ file, readOnly: true });
    onTestFinished(() => reader.close());
    expect(reader.prepare('SELECT * FROM forgotten_logs').all()).toEqual([]);
    expect(reader.prepare('SELECT * FROM erasure_due').all()).toEqual([]);
    await untilIndexed(next);
    expect([await found(next, 'zebra'), await found(next, 'yak')]).toEqual([[], ['last']]);
  });
}

test('words that another process has for a moment only are written before it is closed', async () => {
  const { file, store, other } = await openBoth();
  other.exec('BEGIN IMMEDIATE');
  await createOne(store, { session_reference_id: 'two', output: 'the quagga' });
  await new Promise((resolve) => setTimeout(resolve, 150));
  const closed = store.close();
  await new Promise((resolve) => setTimeout(resolve, 50));
  other.exec('COMMIT');
  await closed;
  const reader = openWithSearch({ file, readOnly: true });
  onTestFinished(() => reader.close());
  expect(reader.prepare('SELECT * FROM unindexed_logs').all()).toEqual([]);
});

test('while a write takes long: it is stored, and nothing stays open', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  const store = await openSqliteStore({ file });
  const written = store.createLogs(Array.from({ length: 20_000 }, () => log({ output: 'the quagga' })));
  await store.close();
  expect(await written).toHaveLength(20_000);
  // Whoever closes a file last brings this back into it.
  const sizes = [file, searchFileOf(file)].map((path) => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0);
  expect(sizes).toEqual([0, 0]);
  const reader = openSqlite({ file, readOnly: true });
  onTestFinished(() => reader.close());
  expect(reader.prepare('SELECT count(*) AS count FROM logs').get()).toEqual({ count: 20_000 });
});

test('while small files are written again', async () => {
  const { store, other } = await openBoth();
  let hasBegun = false;
  const post = Worker.prototype.postMessage;
  const spy = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, work: unknown) {
    const { sql } = (work ?? {}) as { sql?: string };
    if (sql === 'VACUUM search') other.exec('BEGIN IMMEDIATE');
    hasBegun ||= sql === 'VACUUM search';
    return post.call(this, work);
  });
  onTestFinished(() => spy.mockRestore());
  await store.deleteSession({ referenceId: 'one' });
  const erased = store.eraseDeleted();
  await expect.poll(() => hasBegun, { interval: 1, timeout: 10_000 }).toBe(true);
  expect(await millisOf(() => store.close())).toBeLessThan(MAX_MILLIS);
  other.exec('COMMIT');
  await erased;
});
