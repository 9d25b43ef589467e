/** What the thread of an index that is late does while others write. */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { IndexCall } from '../../../../src/server/store/sqlite/index/index-contract.ts';
import type { IndexPace } from '../../../../src/server/store/sqlite/index/index-pace.ts';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import type { WriteTurns } from '../../../../src/server/store/sqlite/writing/write-turns.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

/** `hasBreaks`: others write all the time, and each break lasts until this ends. */
const pace = vi.hoisted(() => ({ isUrgent: false, hasBreaks: false }));

vi.mock('../../../../src/server/store/sqlite/writing/write-turns.ts', async (load) => {
  const { createWriteTurns } =
    await load<typeof import('../../../../src/server/store/sqlite/writing/write-turns.ts')>();
  return {
    createWriteTurns: (...options: Parameters<typeof createWriteTurns>): WriteTurns => ({
      ...createWriteTurns(...options),
      isBusy: () => pace.hasBreaks,
    }),
  };
});

vi.mock('../../../../src/server/store/sqlite/index/index-pace.ts', async (load) => {
  const { paceAt } = await load<typeof import('../../../../src/server/store/sqlite/index/index-pace.ts')>();
  return {
    paceAt: (...lag: Parameters<typeof paceAt>): IndexPace => ({
      ...paceAt(...lag),
      isUrgent: pace.isUrgent,
      ...(pace.hasBreaks && { breakFactor: 1e9 }),
    }),
  };
});

/** Returns the calls of all threads from now on, and what they take. */
function watchCalls(): IndexCall[] {
  const calls: IndexCall[] = [];
  const post = Worker.prototype.postMessage;
  const spy = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, work: unknown) {
    const call = (work as { call?: IndexCall } | null)?.call;
    if (call) calls.push(call);
    return post.call(this, work);
  });
  onTestFinished(() => spy.mockRestore());
  return calls;
}

async function openUnindexed(logs: number) {
  const file = join(temporaryDirectory(), 'logs.db');
  const before = await openSqliteStore({ file });
  await before.createLogs(Array.from({ length: logs }, () => log({ output: 'zebra' })));
  await before.close();
  const other = openSqlite({ file });
  onTestFinished(() => other.close());
  other.exec('INSERT INTO unindexed_logs (key) SELECT key FROM logs WHERE true ON CONFLICT DO NOTHING');
  const calls = watchCalls();
  const store = await openSqliteStore({ file });
  onTestFinished(() => store.close());
  return { store, calls };
}

const namesOf = (calls: readonly IndexCall[]) => calls.map(({ name }) => name);
const keysOf = (calls: readonly IndexCall[]) =>
  calls.flatMap((call) => (call.name === 'readSlice' ? call.options.logs.map(({ key }) => key) : []));

test('the thread reads the next slice in the break after one, if the index is late and the disk is quick', async () => {
  onTestFinished(() => void Object.assign(pace, { isUrgent: false, hasBreaks: false }));
  Object.assign(pace, { isUrgent: true, hasBreaks: true });
  const { store, calls } = await openUnindexed(150);
  await expect.poll(() => namesOf(calls)).toEqual(['listLogs', 'readSlice', 'writeWords', 'writeSlice', 'readSlice']);
  pace.hasBreaks = false;
  await expect.poll(() => store.viewer.indexLag(), { timeout: 30_000 }).toEqual({ logs: 0 });
  expect(namesOf(calls).slice(5, 7)).toEqual(['writeWords', 'writeSlice']);
  // None is read twice.
  const keys = keysOf(calls);
  expect(keys).toHaveLength(new Set(keys).size);
});

test('the thread reads nothing in the break after a slice, if the index is hardly late', async () => {
  onTestFinished(() => void Object.assign(pace, { hasBreaks: false }));
  pace.hasBreaks = true;
  const { calls } = await openUnindexed(150);
  await expect.poll(() => namesOf(calls)).toEqual(['listLogs', 'readSlice', 'writeWords', 'writeSlice']);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(namesOf(calls)).toEqual(['listLogs', 'readSlice', 'writeWords', 'writeSlice']);
});

for (const isUrgent of [false, true]) {
  test(`${isUrgent ? 'a late index' : 'an index'} has ${isUrgent ? 'long' : 'short'} slices on a quick disk`, async () => {
    onTestFinished(() => void Object.assign(pace, { isUrgent: false }));
    pace.isUrgent = isUrgent;
    const { store, calls } = await openUnindexed(150);
    await expect.poll(() => store.viewer.indexLag(), { timeout: 30_000 }).toEqual({ logs: 0 });
    const [first] = calls.flatMap((call) => (call.name === 'readSlice' ? [call.options.isLong] : []));
    expect(first).toBe(isUrgent);
  });
}
