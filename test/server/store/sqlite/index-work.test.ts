/** What the index does in one call after another, without the thread. */
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { migrateSqlite } from '../../../../src/server/store/sqlite/file/migrations.ts';
import { openSearchFile } from '../../../../src/server/store/sqlite/file/search-file.ts';
import type { IndexCall, IndexWork, ReadSlice } from '../../../../src/server/store/sqlite/index/index-contract.ts';
import { start as startThread } from '../../../../src/server/store/sqlite/index/index-thread.ts';
import { createIndexWork } from '../../../../src/server/store/sqlite/index/index-work.ts';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import { toEnd } from '../../../../src/server/store/steps.ts';
import { openSqlite, type SqliteDatabase } from '../../../../src/sqlite/open.ts';
import { createStatementCache } from '../../../../src/sqlite/statement-cache.ts';
import { openWithSearch } from '../../../support/open-with-search.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

/** A database with these logs, all of which are indexed. */
async function openWith(logs: readonly Parameters<typeof log>[0][]): Promise<SqliteDatabase> {
  const file = join(temporaryDirectory(), 'logs.db');
  const store = await openSqliteStore({ file });
  await store.createLogs(logs.map((each) => log(each)));
  await expect.poll(() => store.viewer.indexLag()).toEqual({ logs: 0 });
  await store.close();
  const database = openWithSearch({ file });
  onTestFinished(() => database.close());
  return database;
}

function readSlice(work: IndexWork, slice: string): ReadSlice {
  return toEnd(work.readSlice({ slice, logs: work.listLogs({ isLate: false }), fatal: [], listsNext: false }));
}

test('pages hear that others have indexed where this index resets a session before it looks', async () => {
  const database = await openWith([{ session_reference_id: 'one', output: 'the zebra' }]);
  const prepare = createStatementCache(database);
  const [work, other] = [createIndexWork(database, prepare), createIndexWork(database, prepare)];
  const bounds = { sliceMillis: 100, maxPages: undefined };
  other.resetSessions({ ...bounds, slice: 'of another process' });
  const reset = work.resetSessions({ ...bounds, slice: 'reset' });
  expect(reset.changed).toBe(null);
  database.prepare(`UPDATE logs SET output = 'the yak'`).run();
  // What is heard of the reset may be lost with what fails after it.
  expect(readSlice(work, 'read').logs).toBe(1);
  work.writeWords({ ...bounds, slice: 'read' });
  expect(work.writeSlice({ ...bounds, slice: 'read' })).toMatchObject({ outcome: 'written', changed: null });
  database.prepare(`UPDATE logs SET output = 'the quagga'`).run();
  readSlice(work, 'next');
  work.writeWords({ ...bounds, slice: 'next' });
  expect(work.writeSlice({ ...bounds, slice: 'next' }).changed).toHaveLength(1);
});

test('where the words are damaged, no log is passed over for that', async () => {
  const database = await openWith([{ output: 'the zebra' }]);
  database.exec('UPDATE logs SET error = output');
  const prepare = createStatementCache(database);
  const run = () => {
    throw Object.assign(new Error('fts5: corruption on page 1'), { errcode: 1 });
  };
  const work = createIndexWork(database, (sql) => ({
    ...{ get: (...values) => prepare(sql).get(...values), all: (...values) => prepare(sql).all(...values) },
    run: sql.startsWith('INSERT OR REPLACE INTO logs_search') ? run : (...values) => prepare(sql).run(...values),
  }));
  readSlice(work, 'one');
  expect(() => work.writeWords({ slice: 'one', sliceMillis: 100, maxPages: undefined })).toThrow('fts5: corruption');
});

test('a slice whose logs take long to read is short', async () => {
  const database = await openWith(Array.from({ length: 20 }, (_, index) => ({ output: `log ${index}` })));
  database.exec('UPDATE logs SET error = output');
  const work = createIndexWork(database, createStatementCache(database));
  const now = vi.spyOn(performance, 'now');
  onTestFinished(() => now.mockRestore());
  let millis = 0;
  now.mockImplementation(() => (millis += 100));
  const { logs } = readSlice(work, 'one');
  expect(logs).toBeGreaterThan(0);
  expect(logs).toBeLessThan(20);
  // It gets on, however long each takes.
  now.mockImplementation(() => (millis += 10_000));
  expect(readSlice(work, 'two').logs).toBe(1);
});

test('a slice has a million characters, and more only if it is a long one', async () => {
  const database = await openWith(Array.from({ length: 30 }, (_, index) => ({ output: `log ${index}` })));
  database.exec(`UPDATE logs SET output = replace(printf('%.*c', 50000, ' '), ' ', 'the ')`);
  const work = createIndexWork(database, createStatementCache(database));
  const read = (isLong: boolean) => {
    const logs = work.listLogs({ isLate: false });
    return toEnd(work.readSlice({ slice: String(isLong), logs, fatal: [], listsNext: false, isLong })).logs;
  };
  const [short, long] = [read(false), read(true)];
  expect(short).toBeLessThanOrEqual(6);
  expect(long).toBeGreaterThan(2 * short);
});

test('what a log has said that changes before its words are written is found by others of its session', async () => {
  const logs = ['one', 'two'].map((output) => ({ session_reference_id: 'one', output }));
  const database = await openWith(logs);
  const messages = JSON.stringify([{ role: 'user', content: 'the zebra of the wide and dry plains of the south' }]);
  database.prepare('UPDATE logs SET messages = ?').run(messages);
  const work = createIndexWork(database, createStatementCache(database));
  const bounds = { sliceMillis: 100, maxPages: undefined };
  const read = (key: number, after?: string) => {
    const marked = work.listLogs({ isLate: false }).filter((each) => each.key === key);
    return toEnd(work.readSlice({ slice: `of ${key}`, after, logs: marked, fatal: [], listsNext: false }));
  };
  read(1);
  // It keeps its mark, and is not indexed for now.
  database.exec(`UPDATE logs SET output = 'changed' WHERE key = 1`);
  expect(work.writeWords({ ...bounds, slice: 'of 1' })).toMatchObject({ outcome: 'written' });
  read(2, 'of 1');
  expect(work.writeSlice({ ...bounds, slice: 'of 1' })).toMatchObject({ outcome: 'written' });
  expect(work.writeWords({ ...bounds, slice: 'of 2' })).toMatchObject({ outcome: 'written' });
  const found = database.prepare(`SELECT rowid AS key FROM logs_search WHERE logs_search MATCH 'zebra'`).all();
  expect(found).toEqual([{ key: 2 }]);
});

test('where the file cannot be read when the thread begins, it is a call that fails, and not the thread', () => {
  const database = openSqlite({ file: ':memory:' });
  onTestFinished(() => database.close());
  const run = startThread(database);
  const call: IndexCall = { name: 'listLogs', options: { isLate: false } };
  expect(() => run(call)).toThrow('no such table');
  migrateSqlite(database, ':memory:');
  openSearchFile(database, ':memory:');
  expect(run(call)).toEqual([]);
});
