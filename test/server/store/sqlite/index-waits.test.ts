/** What the index does while the disk works, and what a power cut leaves of it. */
import { hash } from 'node:crypto';
import fs, { copyFileSync, fstatSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test, vi } from 'vitest';
import { searchFileOf } from '../../../../src/server/store/sqlite/file/search-file.ts';
import type { IndexCall } from '../../../../src/server/store/sqlite/index/index-contract.ts';
import type { IndexPace } from '../../../../src/server/store/sqlite/index/index-pace.ts';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';
import { openWithSearch } from '../../../support/open-with-search.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

const pace = vi.hoisted(() => ({ isUrgent: false }));

vi.mock('../../../../src/server/store/sqlite/index/index-pace.ts', async (load) => {
  const { paceAt } = await load<typeof import('../../../../src/server/store/sqlite/index/index-pace.ts')>();
  return {
    paceAt: (...lag: Parameters<typeof paceAt>): IndexPace => ({ ...paceAt(...lag), isUrgent: pace.isUrgent }),
  };
});

/** More than one slice. */
const LOGS = 220;

/**
 * Passes each wait of this thread, with the inode of the file, to `wait`, which is to call `go` or `fail`. Returns
 * a function that ends this.
 */
function interceptWaits(wait: (inode: number, go: () => void, fail: () => void) => void): () => void {
  const { fdatasync } = fs;
  fs.fdatasync = ((descriptor: number, done: (error: Error | null) => void) => {
    const fail = () => done(new Error('EIO'));
    wait(fstatSync(descriptor).ino, () => fdatasync(descriptor, done), fail);
  }) as typeof fdatasync;
  syncBuiltinESMExports();
  const end = () => {
    fs.fdatasync = fdatasync;
    syncBuiltinESMExports();
  };
  onTestFinished(end);
  return end;
}

/** Returns the names of the calls of the index's thread from now on. It does not get those that `take` returns true for. */
function watchCalls(take: (thread: Worker, call: IndexCall) => boolean = () => false): string[] {
  const names: string[] = [];
  const post = Worker.prototype.postMessage;
  const spy = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, work: unknown) {
    const call = (work as { call?: IndexCall } | null)?.call;
    if (call) names.push(call.name);
    if (call && take(this, call)) return;
    return post.call(this, work);
  });
  onTestFinished(() => spy.mockRestore());
  return names;
}

async function open(isUrgent: boolean) {
  pace.isUrgent = isUrgent;
  const file = join(temporaryDirectory(), 'logs.db');
  const errors: unknown[] = [];
  const store = await openSqliteStore({ file, onError: (error) => errors.push(error) });
  const inodeOf = (path: string) => statSync(`${path}-wal`).ino;
  return { file, store, errors, ofDatabase: inodeOf(file), ofWords: inodeOf(searchFileOf(file)) };
}

const someLogs = (count: number, animal = 'zebra') => Array.from({ length: count }, () => log({ output: animal }));

test('while the disk takes the words of a slice, a late index reads the next one, and the marks stay', async () => {
  const { store, ofWords } = await open(true);
  const held: (() => void)[] = [];
  let isHolding = true;
  interceptWaits((inode, go) => (isHolding && inode === ofWords ? held.push(go) : go()));
  onTestFinished(async () => {
    isHolding = false;
    for (const go of held.splice(0)) go();
    await store.close();
  });
  const calls = watchCalls();
  await store.createLogs(someLogs(LOGS));
  await expect.poll(() => held.length).toBe(1);
  const until = ['listLogs', 'readSlice', 'writeWords', 'readSlice'];
  await expect.poll(() => calls).toEqual(until);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(calls).toEqual(until);
  expect((await store.viewer.indexLag()).logs).toBe(LOGS);
  // Who writes does not wait for it.
  await store.createLogs(someLogs(1));
  held.shift()!();
  await expect.poll(() => calls.slice(until.length, until.length + 2)).toEqual(['writeSlice', 'writeWords']);
});

test('where the thread ends while it reads the next slice, no marks are asked of a new one, and all is indexed', async () => {
  const { store, errors, ofWords } = await open(true);
  onTestFinished(() => store.close());
  // A slow disk.
  interceptWaits((inode, go) => (inode === ofWords ? setTimeout(go, 100) : go()));
  let isEnded = false;
  const calls = watchCalls((thread, call) => {
    if (isEnded || call.name !== 'readSlice' || call.options.after === undefined) return false;
    isEnded = true;
    void thread.terminate();
    return true;
  });
  await store.createLogs(someLogs(LOGS));
  await expect.poll(() => store.viewer.indexLag(), { timeout: 30_000 }).toEqual({ logs: 0 });
  const read = ['listLogs', 'readSlice', 'writeWords'];
  expect(calls.slice(0, 7)).toEqual([...read, 'readSlice', ...read]);
  expect(errors.map(String)).toEqual(['ThreadEndedError: The thread of the database has ended.']);
});

test('nothing is read that does not follow what comes next', async () => {
  const { file, store, ofWords } = await open(true);
  onTestFinished(() => store.close());
  interceptWaits((inode, go) => (inode === ofWords ? setTimeout(go, 100) : go()));
  const other = openSqlite({ file });
  onTestFinished(() => other.close());
  let isDue = false;
  const calls = watchCalls((_, { name }) => {
    // As a command that deletes logs does.
    const deletes = 'INSERT INTO unindexed_sessions (key) SELECT key FROM session_summaries LIMIT 1';
    if (name === 'writeWords' && !isDue) other.exec(deletes);
    isDue ||= name === 'writeWords';
    return false;
  });
  await store.createLogs(someLogs(LOGS));
  await expect.poll(() => store.viewer.indexLag(), { timeout: 30_000 }).toEqual({ logs: 0 });
  expect(calls.slice(0, 5)).toEqual(['listLogs', 'readSlice', 'writeWords', 'writeSlice', 'resetSessions']);
});

test('words are written once the disk has their logs', async () => {
  const { store, ofDatabase } = await open(false);
  const held: (() => void)[] = [];
  let holdsAfter = 1;
  interceptWaits((inode, go) => (inode === ofDatabase && --holdsAfter < 0 ? held.push(go) : go()));
  onTestFinished(async () => {
    holdsAfter = Number.POSITIVE_INFINITY;
    for (const go of held.splice(0)) go();
    await store.close();
  });
  const calls = watchCalls();
  await store.createLogs(someLogs(1));
  await expect.poll(() => held.length).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(calls).toEqual(['listLogs', 'readSlice']);
  held.shift()!();
  await expect.poll(() => calls).toEqual(['listLogs', 'readSlice', 'writeWords', 'writeSlice']);
});

for (const failing of ['ofDatabase', 'ofWords'] as const) {
  test(`once a wait ${failing} has failed, that is said once, health tells it, and nothing is written again`, async () => {
    const { file, store, errors, ...inodes } = await open(false);
    onTestFinished(() => store.close());
    await store.createLogs(someLogs(1));
    await expect.poll(() => store.viewer.indexLag()).toEqual({ logs: 0 });
    let waits = 0;
    // That of who is answered is the first one.
    interceptWaits((inode, go, fail) => {
      const isFailing = inode === inodes[failing] && (failing === 'ofWords' || ++waits === 2);
      (isFailing ? fail : go)();
    });
    const calls = watchCalls();
    await store.createLogs(someLogs(1));
    const path = failing === 'ofWords' ? searchFileOf(file) : file;
    const message = expect.stringMatching(`^${path}: the disk could not store what was written.*EIO`);
    await expect.poll(() => store.health()).toEqual({ status: 'failed', message });
    const before = [...calls];
    // More than a second try takes.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(calls).toEqual(before);
    expect(errors).toMatchObject([{ reason: 'failed', message }]);
    expect(await store.viewer.indexLag()).toMatchObject({ logs: 1 });
  });
}

/** The logs of both files, as they would be after a power cut. */
interface Cut {
  readonly database: Buffer;
  readonly words: Buffer;
}

/** A file with what this cut leaves. */
function restore(file: string, { database, words }: Cut): string {
  const restored = join(temporaryDirectory(), 'logs.db');
  copyFileSync(file, restored);
  copyFileSync(searchFileOf(file), searchFileOf(restored));
  writeFileSync(`${restored}-wal`, database);
  writeFileSync(`${searchFileOf(restored)}-wal`, words);
  return restored;
}

async function expectWhole(file: string): Promise<void> {
  const reading = openWithSearch({ file });
  const stray = 'SELECT rowid FROM logs_search WHERE logs_search MATCH ? AND rowid NOT IN (SELECT key FROM logs)';
  const lost = `SELECT key FROM logs WHERE key NOT IN (SELECT key FROM unindexed_logs)
    AND key NOT IN (SELECT rowid FROM logs_search WHERE logs_search MATCH ?)`;
  expect(['zebra', 'quagga'].flatMap((animal) => reading.prepare(stray).all(animal))).toEqual([]);
  expect(reading.prepare(lost).all('zebra OR quagga')).toEqual([]);
  reading.close();
  const { ino } = statSync(searchFileOf(file));
  const store = await openSqliteStore({ file });
  await expect.poll(() => store.viewer.indexLag(), { timeout: 30_000 }).toEqual({ logs: 0 });
  await store.close();
  // All that it has is made again only where the two do not belong together.
  expect(statSync(searchFileOf(file)).ino).toBe(ino);
}

for (const isUrgent of [false, true]) {
  const kind = isUrgent ? 'a late index' : 'an index';
  test(`whenever the power fails, ${kind} has no words of lost logs, nor lost words of logs without a mark`, {
    timeout: 60_000,
  }, async () => {
    const { file, store, ofDatabase, ofWords } = await open(isUrgent);
    onTestFinished(() => store.close());
    const read = (): Cut => ({
      database: readFileSync(`${file}-wal`),
      words: readFileSync(`${searchFileOf(file)}-wal`),
    });
    let onDisk = read();
    const cuts = new Map<string, Cut>();
    /** Of either file, the disk may have all that was written, though it has not said so. */
    const cut = (): void => {
      const written = read();
      for (const each of [{ ...written, words: onDisk.words }, { ...onDisk, words: written.words }, onDisk]) {
        cuts.set(hash('md5', Buffer.concat([each.database, each.words])), each);
      }
    };
    const endWaits = interceptWaits((inode, go) => {
      const written = read();
      setTimeout(() => {
        cut();
        if (inode === ofDatabase) onDisk = { ...onDisk, database: written.database };
        if (inode === ofWords) onDisk = { ...onDisk, words: written.words };
        go();
      }, 30);
    });
    await Promise.all([store.createLogs(someLogs(LOGS)), store.createLogs(someLogs(1, 'quagga'))]);
    for (let time = 0; time < 6; time += 1) {
      await store.createLogs(someLogs(1, 'quagga'));
      await new Promise((resolve) => setTimeout(resolve, 17));
      cut();
    }
    await expect.poll(() => store.viewer.indexLag(), { timeout: 30_000 }).toEqual({ logs: 0 });
    cut();
    endWaits();
    for (const each of cuts.values()) await expectWhole(restore(file, each));
  });
}
