/** Sessions of which something was deleted are indexed again, however many logs they have. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createIndexWork } from '../../../../src/server/store/sqlite/index/index-work.ts';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import type { SqliteDatabase } from '../../../../src/sqlite/open.ts';
import { createStatementCache } from '../../../../src/sqlite/statement-cache.ts';
import { openWithSearch } from '../../../support/open-with-search.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

const COUNT = 900;

const newFile = () => join(temporaryDirectory(), 'logs.db');

async function openSession(file = newFile()): Promise<SqliteDatabase> {
  const store = await openSqliteStore({ file });
  const logs = Array.from({ length: COUNT }, (_, at) =>
    log({
      ...{ session_reference_id: 's', environment: `environment ${at}`, output: `output ${at}` },
      created_at: new Date(Date.UTC(2024, 0, 1, 0, 0, at)).toISOString(),
      // Of all logs, the first two end last.
      duration: [90_000, 80_000][at] ?? 1,
    }),
  );
  await store.createLogs(logs);
  await expect.poll(() => store.viewer.indexLag()).toEqual({ logs: 0 });
  await store.close();
  return open(file);
}

function open(file: string): SqliteDatabase {
  const database = openWithSearch({ file });
  onTestFinished(() => database.close());
  return database;
}

/** Returns a function that does one step of the resets that are due. */
function createResets(database: SqliteDatabase, name = ''): () => void {
  const work = createIndexWork(database, createStatementCache(database));
  let slice = 0;
  return () => {
    slice += 1;
    work.resetSessions({ slice: `${name} ${slice}`, sliceMillis: -1, maxPages: undefined });
  };
}

function readState(database: SqliteDatabase) {
  const count = (sql: string) => Number(database.prepare(`SELECT count(*) AS count FROM ${sql}`).get()!['count']);
  return { marked: count('unindexed_logs'), due: count('unindexed_sessions'), facets: count('session_facets') };
}

const deleteFirst = (database: SqliteDatabase) =>
  database.exec('DELETE FROM logs WHERE key = (SELECT min(key) FROM logs)');

test('a session is reset in steps, between which others write, and begins again where more is deleted', async () => {
  const database = await openSession();
  const work = createIndexWork(database, createStatementCache(database));
  let slice = 0;
  const reset = () => {
    slice += 1;
    return work.resetSessions({ slice: `${slice}`, sliceMillis: -1, maxPages: undefined });
  };
  const before = readState(database);
  expect(before).toEqual({ marked: 0, due: 0, facets: COUNT + 3 });
  deleteFirst(database);
  let [last, steps] = [before, 0];
  const step = () => {
    expect(reset().changed).toHaveLength(1);
    const state = readState(database);
    expect(state.marked - last.marked).toBeLessThanOrEqual(200);
    expect(last.facets - state.facets).toBeLessThanOrEqual(200);
    last = state;
    steps += 1;
  };
  while (last.marked < COUNT / 2) step();
  expect(last.facets).toBe(0);
  database.exec('DELETE FROM unindexed_logs');
  last = readState(database);
  deleteFirst(database);
  while (last.due > 0 || steps === 0) step();
  expect(last).toEqual({ marked: COUNT - 2, due: 0, facets: 0 });
  expect(steps).toBeGreaterThan(10);
  const summary = database.prepare('SELECT started_at, ended_at, logs_count FROM session_summaries').get();
  expect(summary).toEqual({
    started_at: '2024-01-01T00:00:02.000000Z',
    ended_at: Date.UTC(2024, 0, 1, 0, 15, 0) / 1000,
    logs_count: COUNT - 2,
  });
});

test('what was done in a transaction that failed is done again', async () => {
  const database = await openSession();
  const work = createIndexWork(database, createStatementCache(database));
  deleteFirst(database);
  const bounds = { slice: 'one', sliceMillis: 10_000 };
  expect(() => work.resetSessions({ ...bounds, maxPages: 1 })).toThrow('more space');
  expect(readState(database).marked).toBe(0);
  work.resetSessions({ ...bounds, maxPages: undefined });
  expect(readState(database)).toEqual({ marked: COUNT - 1, due: 0, facets: 0 });
  expect(database.prepare('SELECT ended_at FROM session_summaries').get()).toEqual({
    ended_at: Date.UTC(2024, 0, 1, 0, 0, 1) / 1000 + 80_000,
  });
});

test('of two processes that reset a session, one does all of it', async () => {
  const file = newFile();
  const database = await openSession(file);
  const [reset, resetToo] = [createResets(database, 'one'), createResets(open(file), 'other')];
  deleteFirst(database);
  while (readState(database).marked < COUNT / 2) reset();
  // As if these were indexed, which the other undoes.
  database.exec('DELETE FROM unindexed_logs');
  for (let steps = 0; readState(database).due > 0; steps += 1) {
    expect(steps).toBeLessThan(20);
    resetToo();
    reset();
  }
  expect(readState(database)).toEqual({ marked: COUNT - 1, due: 0, facets: 0 });
});

test('a log in no session is reset in steps as well', async () => {
  const file = newFile();
  const store = await openSqliteStore({ file });
  await store.createLogs([log({ feedback: { type: 'rating', value: 'good' } })]);
  await expect.poll(() => store.viewer.indexLag()).toEqual({ logs: 0 });
  await store.close();
  const database = open(file);
  const reset = createResets(database);
  database.exec('DELETE FROM feedback; DELETE FROM unindexed_logs');
  for (let steps = 0; readState(database).due > 0; steps += 1) {
    expect(steps).toBeLessThan(20);
    reset();
  }
  expect(readState(database)).toEqual({ marked: 1, due: 0, facets: 0 });
});
