import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { createOne, log } from '../../sample-log.ts';
import { describeStore } from '../store-contract.ts';

describeStore('SQLite', () => openSqliteStore({ file: join(temporaryDirectory(), 'logs.db') }));

test('the lag of the index is how many logs wait, and since when', async () => {
  const store = await openSqliteStore({ file: join(temporaryDirectory(), 'logs.db') });
  onTestFinished(() => store.close());
  // So many that the index is not done when they are answered.
  const logs = Array.from({ length: 500 }, () => log({ created_at: '2024-03-05T10:00:00Z', output: 'w '.repeat(500) }));
  await Promise.all(Array.from({ length: 5 }, () => store.createLogs(logs)));
  const lag = await store.viewer.indexLag();
  expect(lag.oldestCreatedAt).toBe('2024-03-05T10:00:00.000000Z');
  expect(lag.logs).toBeGreaterThan(0);
  expect(lag.logs).toBeLessThanOrEqual(2_500);
  expect((await store.viewer.listSessions({ size: 1 })).indexing).toMatchObject({ logs: expect.any(Number) });
  await expect.poll(async () => (await store.viewer.indexLag()).logs).toBe(0);
  expect(await store.viewer.indexLag()).toEqual({ logs: 0 });
  expect(await store.viewer.listSessions({ size: 1 })).not.toHaveProperty('indexing');
});

// Writes and deletions are done in the order in which they come. Other engines do them at once.
test('what is stored between two deletions of the same thing stays', async () => {
  const store = await openSqliteStore({ file: join(temporaryDirectory(), 'logs.db') });
  onTestFinished(() => store.close());
  for (const what of ['session', 'tree', 'project'] as const) {
    const options = { project: what, ...(what !== 'tree' && { session_reference_id: what }) };
    const first = await createOne(store, options);
    const remove = () => {
      if (what === 'project') return store.deleteProject({ id: first.project_id });
      return store.deleteSession({ id: what === 'tree' ? first.id : first.session_id! });
    };
    const [, second] = await Promise.all([remove(), createOne(store, { ...options, project: 'next' }), remove()]);
    expect((await store.getLog(second.id))?.project_id).toBe(second.project_id);
    expect(await remove()).toBeUndefined();
    expect(await store.deleteLogs([second.id])).toMatchObject({ logs: 1 });
  }
});

test('a write of long texts keeps none waiting that comes after it', async () => {
  const store = await openSqliteStore({ file: join(temporaryDirectory(), 'logs.db') });
  onTestFinished(() => store.close());
  const done: string[] = [];
  const long = log({ inputs: { text: 'x'.repeat(8 * 1024 * 1024) } });
  await Promise.all([
    createOne(store, long).then(() => done.push('long')),
    createOne(store, { output: 'short' }).then(() => done.push('short')),
  ]);
  expect(done).toEqual(['short', 'long']);
});

test('a store is there again after it was closed', async () => {
  const file = join(temporaryDirectory(), 'deep', 'er', 'logs.db');
  const first = await openSqliteStore({ file });
  const [created] = await first.createLogs([log({ output: 'kept' })]);
  await first.close();
  expect(statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0).toBe(0);
  const second = await openSqliteStore({ file });
  expect((await second.getLog(created!.id))?.output).toBe('kept');
  await second.close();
});

test('writes of one turn share a commit, and none is answered before it', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  const store = await openSqliteStore({ file });
  onTestFinished(() => store.close());
  const before = readFileSync(`${file}-wal`).length;
  const results = await Promise.all(Array.from({ length: 50 }, () => store.createLogs([log({ output: 'x' })])));
  expect(results).toHaveLength(50);
  const pages = (readFileSync(`${file}-wal`).length - before) / 4096;
  // Fifty commits of their own would write each touched page fifty times.
  expect(pages).toBeLessThan(100);
});

describe('a file that cannot be used is named, with the reason and what to do', () => {
  const expectReason = (file: string, reason: string, message: RegExp) =>
    expect(openSqliteStore({ file, busyTimeoutMillis: 20 })).rejects.toMatchObject({
      ...{ name: 'SqliteError', reason, file },
      message: expect.stringMatching(message),
    });

  test('locked', async () => {
    const file = join(temporaryDirectory(), 'logs.db');
    const other = await openSqlite({ file });
    onTestFinished(() => other.close());
    other.exec('BEGIN EXCLUSIVE');
    await expectReason(file, 'locked', /locked by another process/);
  });

  test('not a database', async () => {
    const file = join(temporaryDirectory(), 'logs.db');
    writeFileSync(file, 'x'.repeat(5000));
    await expectReason(file, 'corrupt', /damaged or is not a SQLite database/);
  });

  test('damaged', async () => {
    const file = join(temporaryDirectory(), 'logs.db');
    await (await openSqliteStore({ file })).close();
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xff, 200, 4096));
    await expectReason(file, 'corrupt', /damaged/);
  });

  test('of another program', async () => {
    const file = join(temporaryDirectory(), 'logs.db');
    const other = await openSqlite({ file });
    other.exec('CREATE TABLE theirs (a)');
    other.close();
    await expectReason(file, 'foreign', /another program/);
  });

  test('of a newer version', async () => {
    const file = join(temporaryDirectory(), 'logs.db');
    await (await openSqliteStore({ file })).close();
    const newer = await openSqlite({ file });
    newer.exec('PRAGMA user_version = 999');
    newer.close();
    await expectReason(file, 'foreign', /newer humanloop-otel \(schema 999.*update the package/);
  });

  test('a directory', async () => {
    const file = join(temporaryDirectory(), 'logs.db');
    mkdirSync(file);
    await expectReason(file, 'cannot-open', /cannot be opened/);
  });

  test('below a file', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'file'), '');
    await expectReason(join(directory, 'file', 'logs.db'), 'cannot-open', /cannot be opened/);
  });
});

test('a lock that another process takes later fails the write, not the store', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  const store = await openSqliteStore({ file, busyTimeoutMillis: 20 });
  onTestFinished(() => store.close());
  const other = await openSqlite({ file });
  onTestFinished(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  await expect(store.createLogs([log()])).rejects.toMatchObject({
    name: 'StoreUnavailableError',
    cause: { reason: 'locked' },
  });
  other.exec('ROLLBACK');
  await expect(store.createLogs([log()])).resolves.toHaveLength(1);
});
