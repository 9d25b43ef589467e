import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { IndexCall } from '../../../../src/server/store/sqlite/index/index-contract.ts';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import { openWithSearch } from '../../../support/open-with-search.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

/** Returns the transactions that the thread of the index is asked for from now on. */
function watchTransactions(): string[] {
  const transactions: string[] = [];
  const post = Worker.prototype.postMessage;
  const spy = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, work: unknown) {
    const call = (work as { call?: IndexCall } | null)?.call;
    if (call?.name === 'tidy' || call?.name === 'writeSlice') transactions.push(call.name);
    return post.call(this, work);
  });
  onTestFinished(() => spy.mockRestore());
  return transactions;
}

test('merges have no transaction of their own as long as there is something to index', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  const store = await openSqliteStore({ file });
  await store.createLogs(Array.from({ length: 400 }, (_, at) => log({ output: `zebra ${at}` })));
  await store.close();
  const other = openWithSearch({ file });
  onTestFinished(() => other.close());
  // Each is a segment of its own, so that a merge is due.
  const insert = other.prepare('INSERT OR REPLACE INTO logs_search (rowid, text, session) VALUES (?, ?, ?)');
  for (let key = 1; key <= 20; key += 1) insert.run(key, 'quagga', 'log1');
  other.exec('INSERT INTO unindexed_logs (key) SELECT key FROM logs WHERE true ON CONFLICT DO NOTHING');
  const transactions = watchTransactions();
  const again = await openSqliteStore({ file });
  onTestFinished(() => again.close());
  await expect.poll(() => transactions.at(-1), { timeout: 30_000 }).toBe('tidy');
  const slices = transactions.filter((name) => name === 'writeSlice').length;
  expect(slices).toBeGreaterThan(2);
  expect(transactions.indexOf('tidy')).toBe(slices);
});

test('what others have left to merge is merged beside new logs, and not before them', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  const store = await openSqliteStore({ file });
  await store.createLogs(Array.from({ length: 600 }, (_, at) => log({ output: `zebra ${at}` })));
  await store.close();
  const other = openWithSearch({ file });
  onTestFinished(() => other.close());
  const insert = other.prepare('INSERT INTO logs_search (rowid, text, session) VALUES (?, ?, ?)');
  // Keys that no log has. Each is a segment of some hundred pages.
  for (let key = 1; key <= 20; key += 1) {
    const words = Array.from({ length: 100_000 }, (_, at) => (at * 20 + key).toString(36).padStart(9, 'w'));
    insert.run(1_000_000 + key, words.join(' '), 'log1');
  }
  other.exec('INSERT INTO unindexed_logs (key) SELECT key FROM logs WHERE true ON CONFLICT DO NOTHING');
  const transactions = watchTransactions();
  const again = await openSqliteStore({ file });
  onTestFinished(() => again.close());
  await expect.poll(() => again.viewer.indexLag(), { timeout: 30_000 }).toEqual({ logs: 0 });
  expect(transactions.filter((name) => name === 'writeSlice').length).toBeGreaterThan(1);
  const slices = transactions.lastIndexOf('writeSlice') + 1;
  await expect.poll(() => transactions.indexOf('tidy'), { timeout: 30_000 }).toBe(slices);
});
