/** The index is the work of a thread of its own, beside writes of this process and of others. */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { IndexCall } from '../../../../src/server/store/sqlite/index/index-contract.ts';
import { IndexSlice } from '../../../../src/server/store/sqlite/index/index-slice.ts';
import { IndexedMessages } from '../../../../src/server/store/sqlite/index/indexed-messages.ts';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import { prepareViewerStatements } from '../../../../src/server/store/sqlite/viewer/viewer-statements.ts';
import type { Store } from '../../../../src/server/store/store.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';
import { createStatementCache } from '../../../../src/sqlite/statement-cache.ts';
import { holdBatches, watchWriters } from '../../../support/held-batches.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { createOne, log } from '../../sample-log.ts';

/** Messages that are short are indexed with each log that has them. */
const LONG = 'of the wide and dry plains of the south';

const newFile = () => join(temporaryDirectory(), 'logs.db');

async function open(file = newFile()): Promise<Store> {
  const store = await openSqliteStore({ file });
  onTestFinished(() => store.close());
  return store;
}

/**
 * Ends each thread that is to read a log with this output, as one does that has too little memory. Returns a function
 * that says how many it has ended.
 */
function endThreadsThatRead(file: string, output: string, onRead = (_count: number) => {}): () => number {
  const database = openSqlite({ file, readOnly: true });
  onTestFinished(() => database.close());
  const fatal = database.prepare('SELECT 1 FROM logs WHERE key = ? AND output = ?');
  let ended = 0;
  const post = Worker.prototype.postMessage;
  const spy = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, work: unknown) {
    const call = (work as { call?: IndexCall } | null)?.call;
    const { logs = [], fatal: left = [] } = call?.name === 'readSlice' ? call.options : {};
    if (call?.name === 'readSlice') onRead(logs.length);
    if (!logs.some(({ key }) => !left.includes(key) && fatal.get(key, output))) return post.call(this, work);
    ended += 1;
    void this.terminate();
  });
  onTestFinished(() => spy.mockRestore());
  return () => ended;
}

const found = async (store: Store, search: string) =>
  (await store.viewer.listSessions({ search, size: 9 })).sessions.map((session) => session.reference_id);
const untilIndexed = (store: Store) =>
  expect.poll(() => store.viewer.indexLag(), { timeout: 30_000 }).toEqual({ logs: 0 });

test('what is indexed is written by a thread, also after that has ended', async () => {
  const writers = watchWriters();
  const store = await open();
  await createOne(store, { session_reference_id: 'one', output: 'the zebra' });
  await expect.poll(() => found(store, 'zebra')).toEqual(['one']);
  await untilIndexed(store);
  expect(writers()).toHaveLength(1);
  const [writer] = writers();
  await writer!.terminate();
  await createOne(store, { session_reference_id: 'two', output: 'the quagga' });
  await expect.poll(() => found(store, 'quagga')).toEqual(['two']);
  await untilIndexed(store);
  expect(writers()).toHaveLength(2);
});

test('what a thread has read is indexed by the next one where it ends before it writes', async () => {
  const store = await open();
  const writers = watchWriters();
  await createOne(store, { session_reference_id: 'one', output: 'the zebra' });
  await untilIndexed(store);
  const held = holdBatches(writers()[0]!);
  const heard: unknown[] = [];
  store.viewer.onChange(({ sessions }) => heard.push(sessions));
  await createOne(store, { session_reference_id: 'two', output: 'the quagga' });
  await expect.poll(held.count).toBe(1);
  await writers()[0]!.terminate();
  await expect.poll(() => found(store, 'quagga')).toEqual(['two']);
  await untilIndexed(store);
  expect(heard.length).toBeGreaterThan(0);
});

test('logs for which the thread ends each time are found among others, told once and passed over', async () => {
  const file = newFile();
  const told: unknown[] = [];
  const store = await openSqliteStore({ file, onError: (error) => told.push(error) });
  onTestFinished(() => store.close());
  const ended = endThreadsThatRead(file, 'the fatal zebra');
  const fatal = [1, 2];
  const logs = Array.from({ length: 4 }, (_, at) =>
    log({ session_reference_id: `session ${at}`, output: fatal.includes(at) ? 'the fatal zebra' : 'the zebra' }),
  );
  const ids = (await store.createLogs(logs)).map(({ id }) => id);
  await untilIndexed(store);
  const others = logs.map((_, at) => `session ${at}`).filter((_, at) => !fatal.includes(at));
  expect((await found(store, 'zebra')).toSorted()).toEqual(others.toSorted());
  expect(told.map(String)).toEqual([
    'ThreadEndedError: The thread of the database has ended.',
    expect.stringMatching(`the viewer cannot find log ${ids[1]} by its words .*memory`),
  ]);
  // One that changes is tried again.
  const before = ended();
  await store.updateLog({ id: ids[1]! }, { output: 'the quagga' });
  await expect.poll(() => found(store, 'quagga')).toEqual(['session 1']);
  expect(ended()).toBe(before);
});

test('what else fails is told, also while it is looked for a log for which the thread ends', async () => {
  const file = newFile();
  const told: unknown[] = [];
  const store = await openSqliteStore({ file, onError: (error) => told.push(error) });
  onTestFinished(() => store.close());
  const counts: number[] = [];
  endThreadsThatRead(file, 'the fatal zebra', (count) => {
    // All four twice, the first two, which are indexed, and then the others.
    if (counts.push(count) === 4) throw new Error('the disk is full');
  });
  await store.createLogs([0, 1, 2, 3].map((at) => log({ output: at === 2 ? 'the fatal zebra' : 'the zebra' })));
  await untilIndexed(store);
  expect(counts.slice(0, 4)).toEqual([4, 4, 2, 2]);
  expect(told.map(String)).toEqual([
    'ThreadEndedError: The thread of the database has ended.',
    'Error: the disk is full',
    expect.stringContaining('by its words'),
  ]);
});

test('pages hear what a thread has written that has ended before it said so', async () => {
  const file = newFile();
  const store = await open(file);
  const writers = watchWriters();
  await createOne(store, { session_reference_id: 'one', output: 'the zebra' });
  await untilIndexed(store);
  const held = holdBatches(writers()[0]!);
  await createOne(store, { session_reference_id: 'two', output: 'the quagga' });
  await expect.poll(held.count).toBe(1);
  const heard: unknown[] = [];
  store.viewer.onChange(({ sessions }) => heard.push(sessions));
  writers()[0]!.removeAllListeners('message');
  held.releaseAll();
  await untilIndexed(store);
  await writers()[0]!.terminate();
  await expect.poll(() => heard).toContain(null);
});

test('logs are read by the thread, and not by this one', async () => {
  const read = vi.spyOn(IndexSlice.prototype, 'add');
  onTestFinished(() => read.mockRestore());
  const store = await open();
  await createOne(store, { session_reference_id: 'one', output: 'the zebra' });
  await expect.poll(() => found(store, 'zebra')).toEqual(['one']);
  expect(read).not.toHaveBeenCalled();
});

test('a log that changes while it is indexed is found by what it says then', async () => {
  const file = newFile();
  const store = await open(file);
  const writers = watchWriters();
  const { id } = await createOne(store, { session_reference_id: 'one', output: 'the zebra' });
  await untilIndexed(store);
  const held = holdBatches(writers()[0]!);
  // In one transaction, and so in one slice.
  await Promise.all([
    store.updateLog({ id }, { output: 'the quagga' }),
    createOne(store, { session_reference_id: 'two', output: 'the leopard' }),
  ]);
  await expect.poll(held.count).toBe(1);
  // By a process without an index, which would find the log by the text between.
  const other = openSqlite({ file });
  onTestFinished(() => other.close());
  other.prepare('UPDATE logs SET output = ? WHERE id = ?').run('the yak', id);
  held.release();
  await expect.poll(() => found(store, 'leopard')).toEqual(['two']);
  held.releaseAll();
  await expect.poll(() => found(store, 'yak')).toEqual(['one']);
  await untilIndexed(store);
  expect(await found(store, 'quagga')).toEqual([]);
  expect((await store.viewer.listSessions({ size: 9 })).sessions).toContainEqual(
    expect.objectContaining({ reference_id: 'one', last_output: 'the yak' }),
  );
});

test('comments that are deleted while their log is indexed are not found', async () => {
  const file = newFile();
  const store = await open(file);
  const writers = watchWriters();
  const { id } = await createOne(store, { session_reference_id: 'one', output: 'the zebra' });
  await untilIndexed(store);
  const held = holdBatches(writers()[0]!);
  await store.addFeedback([{ data_id: id, type: 'comment', value: 'the quagga', user: 'ada' }]);
  await expect.poll(held.count).toBe(1);
  const other = await open(file);
  await other.deleteLogsOfUser('ada');
  held.release();
  held.releaseAll();
  await untilIndexed(store);
  expect(await found(store, 'zebra')).toEqual(['one']);
  expect(await found(store, 'quagga')).toEqual([]);
});

test('messages stay in the index though two processes remember other logs that have them', async () => {
  const file = newFile();
  const writers = watchWriters();
  const store = await open(file);
  const messages = [{ role: 'user' as const, content: `the zebra ${LONG}` }];
  const first = await createOne(store, { session_reference_id: 'one', messages, output: 'first' });
  await expect.poll(() => found(store, 'zebra')).toEqual(['one']);
  await untilIndexed(store);
  // A slice of this one waits while another one indexes logs of the same session again.
  const held = holdBatches(writers()[0]!);
  await createOne(store, { session_reference_id: 'two', output: 'the yak' });
  await expect.poll(held.count).toBe(1);
  const other = await open(file);
  const second = await createOne(other, { session_reference_id: 'one', messages, output: 'second' });
  await untilIndexed(other);
  await other.updateLog({ id: first.id }, { output: 'quagga' });
  await untilIndexed(other);
  held.releaseAll();
  await store.updateLog({ id: second.id }, { output: 'leopard' });
  await untilIndexed(store);
  expect(await found(store, 'quagga leopard')).toEqual(['one']);
  expect(await found(store, 'zebra')).toEqual(['one']);
});

test('a log that is gone when its slice is written leaves its messages to other logs of the session', async () => {
  const file = newFile();
  const store = await open(file);
  const text = `the zebra ${LONG}`;
  const { id } = await createOne(store, { session_reference_id: 'one', messages: [{ role: 'user', content: text }] });
  const database = openSqlite({ file });
  onTestFinished(() => database.close());
  const { key, session_key: session } = database.prepare('SELECT key, session_key FROM logs WHERE id = ?').get(id)!;
  const messages = new IndexedMessages();
  const slice = new IndexSlice(prepareViewerStatements(createStatementCache(database)), messages);
  slice.add({ key: key!, mark: 1 });
  // As where the transaction is undone: no mark of its session stays.
  database.prepare('DELETE FROM logs WHERE key = ?').run(key!);
  slice.settle([false]);
  expect(messages.ownershipOf(session!, 2)(text)).toBe(true);
});

test('a thread that never answers does not keep the store from closing', { timeout: 30_000 }, async () => {
  const store = await open();
  const held = holdBatches();
  await createOne(store, { session_reference_id: 'one', output: 'the zebra' });
  await expect.poll(held.count).toBe(1);
  await store.close();
});

test('pages hear which sessions have changed, and of others only where another process has written', async () => {
  const file = newFile();
  const store = await open(file);
  const heard: unknown[] = [];
  store.viewer.onChange(({ sessions }) => heard.push(sessions));
  for (let second = 0; second < 3; second += 1) {
    await createOne(store, { session_reference_id: 'one', output: 'the zebra' });
    // So often the file is looked at.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  await untilIndexed(store);
  expect(heard.length).toBeGreaterThan(0);
  expect(heard).not.toContain(null);
  const other = await open(file);
  await createOne(other, { session_reference_id: 'two', output: 'the quagga' });
  await expect.poll(() => heard).toContain(null);
});

test('pages hear that another process has deleted a session while this one indexes', async () => {
  const file = newFile();
  const store = await open(file);
  const { id } = await createOne(store, { session_reference_id: 'gone', output: 'the zebra' });
  await createOne(store, { session_reference_id: 'other', output: 'the yak' });
  await untilIndexed(store);
  const other = openSqlite({ file });
  onTestFinished(() => other.close());
  const heard: unknown[] = [];
  store.viewer.onChange(({ sessions }) => heard.push(sessions));
  // As a command does, which has no index.
  other.exec(`BEGIN IMMEDIATE; DELETE FROM logs WHERE id = '${id}'; DELETE FROM sessions WHERE reference_id = 'gone'`);
  other.exec('COMMIT');
  for (let write = 0; write < 30; write += 1) {
    await createOne(store, { session_reference_id: 'other', output: 'the yak' });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(heard).toContain(null);
});
