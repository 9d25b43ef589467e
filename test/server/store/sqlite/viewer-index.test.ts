import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';
import type { LogRequest } from '../../../../src/wire/v4.ts';
import { openWithSearch } from '../../../support/open-with-search.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { createOne, log } from '../../sample-log.ts';

test('a log that cannot be indexed is reported once and passed over, and the others are found', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  const errors: unknown[] = [];
  const store = await openSqliteStore({ file, onError: (error) => errors.push(error) });
  onTestFinished(() => store.close());
  const found = async (search: string) => (await store.viewer.listSessions({ search, size: 9 })).sessions.length;
  const bad = await createOne(store, { session_reference_id: 'bad', output: 'unreadable' });
  await expect.poll(() => found('unreadable')).toBe(1);

  // Only a fault in the file or in this program can have this effect.
  const other = openSqlite({ file });
  onTestFinished(() => other.close());
  other.exec(
    `INSERT INTO feedback (id, log_key, type, value, created_at) VALUES ('ann_1', 1, 'rating', '{broken', '')`,
  );
  await store.createLogs([log({ session_reference_id: 'good', output: 'the zebra' })]);
  await expect.poll(() => found('zebra')).toBe(1);
  // Words are found before the rest of their slice is written.
  await expect
    .poll(() => errors.map(String))
    .toEqual([expect.stringContaining(`cannot find log ${bad.id} by its words`)]);
  expect(other.prepare('SELECT key FROM unsearchable_logs').all()).toEqual([{ key: 1 }]);
  expect(other.prepare('SELECT key FROM unindexed_logs').all()).toEqual([]);
  // What was indexed of it before is still there.
  expect(await found('unreadable')).toBe(1);

  other.exec(`UPDATE feedback SET value = '"good"'`);
  await store.updateLog({ id: bad.id }, { error: 'mended' });
  await expect.poll(() => found('mended')).toBe(1);
  await expect.poll(() => other.prepare('SELECT key FROM unsearchable_logs').all()).toEqual([]);
  expect(errors).toHaveLength(1);
});

test('a message is indexed with one log of its session, and found as long as any of its logs is there', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  const store = await openSqliteStore({ file });
  onTestFinished(() => store.close());
  const other = openWithSearch({ file, readOnly: true });
  onTestFinished(() => other.close());
  const readSizes = () => other.prepare('SELECT length(block) AS size FROM logs_search_data WHERE id > 1000').all();
  const catchUp = () => expect.poll(async () => (await store.viewer.indexLag()).logs).toBe(0);
  const find = async (search: string) => (await store.viewer.listSessions({ search, size: 9 })).sessions;
  const content = Array.from({ length: 2_000 }, (_, index) => `zebra${index}`).join(' ');
  const create = (session: string, output: string) =>
    createOne(store, { session_reference_id: session, messages: [{ role: 'user', content }], output });
  const sizeAfter = async (work: () => Promise<unknown>) => {
    const before = sum(readSizes());
    const result = await work();
    await catchUp();
    return { result, bytes: sum(readSizes()) - before };
  };
  const first = await sizeAfter(() => create('one', 'lion'));
  const second = await sizeAfter(() => create('one', 'tiger'));
  expect(second.bytes).toBeLessThan(first.bytes / 10);
  expect((await sizeAfter(() => create('two', 'lion'))).bytes).toBeGreaterThan(first.bytes / 2);
  expect(await find('zebra7 tiger')).toHaveLength(1);
  // The log that owns the messages is indexed again, and keeps them.
  await store.updateLog({ id: (first.result as { id: string }).id }, { error: 'leopard' });
  await catchUp();
  expect(await find('zebra7 leopard')).toHaveLength(1);
  await store.deleteLogs([(first.result as { id: string }).id]);
  await catchUp();
  expect(await find('zebra7 tiger')).toHaveLength(1);
  expect(await find('leopard')).toEqual([]);
  await store.deleteLogs([(second.result as { id: string }).id]);
  await catchUp();
  expect(await find('zebra7')).toMatchObject([{ reference_id: 'two' }]);
});

test('what a revised log no longer says is found where others of its session say it', async () => {
  const store = await openSqliteStore({ file: ':memory:' });
  onTestFinished(() => store.close());
  const found = async (search: string) => (await store.viewer.listSessions({ search, size: 9 })).sessions.length;
  const asked = (...contents: string[]) => contents.map((content) => ({ role: 'user' as const, content }));
  const [first, then] = ['where do the zebras of the south live', 'and where do the leopards sleep at noon'];
  const logs = [{ messages: asked(first) }, { messages: asked(first, then) }].map((fields, index) =>
    log({ ...fields, reference_id: `reference-${index}`, session_reference_id: 'one' }),
  );
  await store.createLogs(logs);
  await expect.poll(() => found('zebras leopards')).toBe(1);

  const trace = 'a'.repeat(32);
  const revise = (messages: LogRequest['messages']) =>
    store.ingest([trace], () => ({
      ...{ creates: [], feedback: [], places: new Map(), parts: new Map(), kept: new Map(), calls: [] },
      revisions: [{ referenceId: 'reference-0', content: log({ messages }) }],
    }));
  await revise(asked('who has seen the crocodile of the north'));
  await expect.poll(() => found('crocodile')).toBe(1);
  await expect.poll(() => found('zebras')).toBe(1);
  expect(await found('zebras leopards crocodile')).toBe(1);
});

function sum(rows: { size?: unknown }[]): number {
  return rows.reduce((total, { size }) => total + Number(size), 0);
}

test('the lag of the index is what a search does not find yet, and how old it is', async () => {
  // The index waits until it is let go on.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const store = await openSqliteStore({ file: ':memory:' });
  onTestFinished(() => store.close());
  expect(await store.viewer.indexLag()).toEqual({ logs: 0 });
  const [first] = await store.createLogs([log({ output: 'zebra' }), log()]);
  const oldestCreatedAt = (await store.getLog(first!.id))!.created_at;
  expect(await store.viewer.indexLag()).toEqual({ logs: 2, oldestCreatedAt });
  vi.runAllTimers();
  vi.useRealTimers();
  await expect.poll(() => store.viewer.indexLag()).toEqual({ logs: 0 });
  expect((await store.viewer.listSessions({ search: 'zebra', size: 9 })).sessions).toHaveLength(1);
});

test('a write that comes while a slice of the index waits for its turn is indexed too', async () => {
  const store = await openSqliteStore({ file: ':memory:' });
  onTestFinished(() => store.close());
  vi.useFakeTimers({ toFake: ['setImmediate'] });
  onTestFinished(() => void vi.useRealTimers());
  const first = store.createLogs([log()]);
  await vi.runAllTimersAsync();
  await first;
  // By now the slice is in the queue of turns, none of which comes before the next write.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const second = store.createLogs([log({ output: 'zebra' })]);
  await vi.runAllTimersAsync();
  await second;
  vi.useRealTimers();
  await expect.poll(() => store.viewer.indexLag()).toEqual({ logs: 0 });
});

for (const isLate of [false, true]) {
  const order = isLate ? 'of the oldest and of the newest in turns' : 'the newest first';
  test(`logs are indexed ${order} where the index is ${isLate ? 'late' : 'hardly late'}`, async () => {
    const file = join(temporaryDirectory(), 'logs.db');
    const before = await openSqliteStore({ file });
    await before.createLogs(Array.from({ length: 400 }, () => log()));
    await before.close();
    const other = openSqlite({ file });
    onTestFinished(() => other.close());
    other.exec(`INSERT INTO unindexed_logs (key) SELECT key FROM logs WHERE true ON CONFLICT DO NOTHING;
      CREATE TABLE indexed_logs (at INTEGER PRIMARY KEY, log INTEGER NOT NULL);
      CREATE TRIGGER indexed AFTER DELETE ON unindexed_logs BEGIN INSERT INTO indexed_logs (log) VALUES (OLD.key); END`);

    // The clock stands, so that the index is as late as it is made here, however busy the machine is.
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const store = await openSqliteStore({ file });
    onTestFinished(() => store.close());
    if (isLate) vi.advanceTimersByTime(2_000);
    const readOrder = () =>
      other
        .prepare('SELECT log FROM indexed_logs ORDER BY at')
        .all()
        .map(({ log }) => Number(log));
    await expect.poll(readOrder, { timeout: 10_000 }).toHaveLength(400);
    const runs = toRuns(readOrder());
    expect(runs.length).toBeGreaterThan(2);
    const left = { first: 1, last: 400 };
    for (const [index, { first, last }] of runs.entries()) {
      if (isLate && index % 2 === 0) {
        expect(first).toBe(left.first);
        left.first = last + 1;
      } else {
        expect(last).toBe(left.last);
        left.last = first - 1;
      }
    }
  });
}

/** Of keys that follow one another. */
function toRuns(keys: readonly number[]): { first: number; last: number }[] {
  const runs: { first: number; last: number }[] = [];
  for (const key of keys) {
    const run = runs.at(-1);
    if (run && key === run.last + 1) run.last = key;
    else runs.push({ first: key, last: key });
  }
  return runs;
}
