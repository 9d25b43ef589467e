/** The words are in a file of their own: which may be missing, damaged, old or another's, and is never waited for. */
import { copyFileSync, existsSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { compactSqlite } from '../../../../src/server/store/sqlite/copies.ts';
import { searchFileOf } from '../../../../src/server/store/sqlite/file/search-file.ts';
import { createIndexWork } from '../../../../src/server/store/sqlite/index/index-work.ts';
import { createWordMerges } from '../../../../src/server/store/sqlite/index/word-merges.ts';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import { toEnd } from '../../../../src/server/store/steps.ts';
import type { Store } from '../../../../src/server/store/store.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';
import { createStatementCache } from '../../../../src/sqlite/statement-cache.ts';
import { watchWriters } from '../../../support/held-batches.ts';
import { openWithSearch } from '../../../support/open-with-search.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { createOne, log } from '../../sample-log.ts';

const newFile = () => join(temporaryDirectory(), 'logs.db');

async function open(file: string, onError: (error: unknown) => void = () => {}): Promise<Store> {
  const store = await openSqliteStore({ file, onError });
  onTestFinished(() => store.close());
  return store;
}

const untilIndexed = (store: Store) =>
  expect.poll(() => store.viewer.indexLag(), { timeout: 30_000 }).toEqual({ logs: 0 });

const found = async (store: Store, search: string) =>
  (await store.viewer.listSessions({ search, size: 9 })).sessions.map(({ reference_id }) => reference_id);

/** A database with an indexed log of each animal, closed. */
async function fileWith(...animals: string[]): Promise<string> {
  const file = newFile();
  const store = await openSqliteStore({ file });
  await store.createLogs(
    animals.map((animal) => log({ session_reference_id: `of ${animal}`, output: `the ${animal}` })),
  );
  await untilIndexed(store);
  await store.close();
  return file;
}

const WRONG_FILES: Record<string, (search: string) => Promise<void> | void> = {
  missing: (search) => rmSync(search),
  empty: (search) => writeFileSync(search, ''),
  'no database': (search) => writeFileSync(search, 'z'.repeat(100_000)),
  'that of another database': async (search) => copyFileSync(searchFileOf(await fileWith('yak')), search),
};

for (const [name, spoil] of Object.entries(WRONG_FILES)) {
  test(`where the file is ${name}, it is made again from the logs`, async () => {
    const file = await fileWith('zebra', 'quagga');
    await spoil(searchFileOf(file));
    const store = await open(file);
    await untilIndexed(store);
    expect([await found(store, 'zebra'), await found(store, 'quagga'), await found(store, 'yak')]).toEqual([
      ['of zebra'],
      ['of quagga'],
      [],
    ]);
  });
}

/** Which bytes are overwritten. Those of the first page stay, with the names of the tables: the file can be opened. */
const DAMAGES: Record<string, (bytes: Buffer) => [from: number, to: number]> = {
  pages: (bytes) => [bytes.readUInt16BE(16), bytes.length],
  'the entry of a word': (bytes) => [bytes.indexOf('zebra') - 2, bytes.indexOf('zebra') + 15],
};
/** Where only the pages are damaged, the engine does not say of which file. */
const toRemedy = (search: string) =>
  expect.stringMatching(
    `^${search} (is damaged: stop the server, delete this file|or .* is damaged: stop the server, delete ${search}), and start again`,
  );

for (const [name, damage] of Object.entries(DAMAGES)) {
  test(`with ${name} damaged while the file is open, a search says what to do, and all else goes on`, async () => {
    const file = newFile();
    const store = await open(file);
    await createOne(store, { output: 'the zebra', metadata: { herd: 'north' } });
    await untilIndexed(store);
    const search = searchFileOf(file);
    const connection = openSqlite({ file: search });
    connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    const bytes = readFileSync(search);
    writeFileSync(search, bytes.fill(0xff, ...damage(bytes)), { flag: 'r+' });
    connection.close();
    for (const query of [
      { search: 'zebra' },
      { search: 'the zebra' },
      { metadata: [{ key: 'herd', value: 'north' }] },
    ]) {
      await expect(store.viewer.listSessions({ ...query, size: 9 })).rejects.toMatchObject({
        reason: 'damaged',
        message: toRemedy(search),
      });
    }
    const { id } = await createOne(store, { output: 'the quagga' });
    expect(await store.getLog(id)).toMatchObject({ output: 'the quagga' });
    expect((await store.viewer.listSessions({ size: 9 })).sessions).toHaveLength(2);
  });
}

test('where only the file of the words is damaged, who compacts is told so', async () => {
  const file = await fileWith('zebra');
  writeFileSync(searchFileOf(file), 'z'.repeat(100_000));
  expect(() => compactSqlite(file)).toThrow(`${searchFileOf(file)} is damaged`);
});

test('the file of a later state does not belong to a database that was copied before', async () => {
  const file = await fileWith('zebra');
  const copy = `${file}.copy`;
  copyFileSync(file, copy);
  const later = await openSqliteStore({ file });
  await createOne(later, { session_reference_id: 'later', output: 'the quagga' });
  await untilIndexed(later);
  await later.close();
  copyFileSync(copy, file);
  const store = await open(file);
  await createOne(store, { session_reference_id: 'other', output: 'the yak' });
  await untilIndexed(store);
  expect([await found(store, 'zebra'), await found(store, 'yak'), await found(store, 'quagga')]).toEqual([
    ['of zebra'],
    ['other'],
    [],
  ]);
});

test('logs that have changed or were deleted since the database was copied are found by what the copy has', async () => {
  const file = await fileWith('zebra', 'quagga', 'yak');
  const copy = `${file}.copy`;
  copyFileSync(file, copy);
  const database = openWithSearch({ file });
  database.exec(`DELETE FROM logs WHERE key = 1; UPDATE logs SET output = 'the lion' WHERE key = 2`);
  const work = createIndexWork(database, createStatementCache(database));
  const bounds = { sliceMillis: 100, maxPages: undefined };
  work.dropForgotten({ ...bounds, ...work.forgetLogs(bounds) });
  const logs = work.listLogs({ isLate: false });
  toEnd(work.readSlice({ slice: 'later', logs, fatal: [], listsNext: false }));
  work.writeWords({ ...bounds, slice: 'later' });
  expect(work.writeSlice({ ...bounds, slice: 'later' })).toMatchObject({ outcome: 'written' });
  database.close();
  copyFileSync(copy, file);

  const { ino } = statSync(searchFileOf(file));
  const store = await open(file);
  await untilIndexed(store);
  expect([await found(store, 'zebra'), await found(store, 'quagga'), await found(store, 'lion')]).toEqual([
    ['of zebra'],
    ['of quagga'],
    [],
  ]);
  expect(statSync(searchFileOf(file)).ino).toBe(ino);
});

test('a file that is as it should be is not made again', async () => {
  const file = await fileWith('zebra', 'quagga');
  const { ino } = statSync(searchFileOf(file));
  const store = await open(file);
  expect(await store.viewer.indexLag()).toEqual({ logs: 0 });
  expect(statSync(searchFileOf(file)).ino).toBe(ino);
});

test('words whose marks were not written any more are written once again, and belong to the database', async () => {
  const file = await fileWith('zebra');
  const database = openWithSearch({ file });
  database.prepare(`UPDATE logs SET output = 'the quagga'`).run();
  const work = createIndexWork(database, createStatementCache(database));
  const logs = work.listLogs({ isLate: false });
  toEnd(work.readSlice({ slice: 'interrupted', logs, fatal: [], listsNext: false }));
  const bounds = { sliceMillis: 100, maxPages: undefined };
  expect(work.writeWords({ ...bounds, slice: 'interrupted' })).toMatchObject({ outcome: 'written' });
  database.close();
  const { ino } = statSync(searchFileOf(file));

  const store = await open(file);
  await untilIndexed(store);
  expect(statSync(searchFileOf(file)).ino).toBe(ino);
  expect([await found(store, 'zebra'), await found(store, 'quagga')]).toEqual([[], ['of zebra']]);
});

test('words are not written of a log that goes or changes before, nor where others have written words since', async () => {
  const file = await fileWith('zebra', 'quagga');
  const database = openWithSearch({ file });
  onTestFinished(() => database.close());
  const [work, other] = [0, 1].map(() => createIndexWork(database, createStatementCache(database)));
  const bounds = { sliceMillis: 100, maxPages: undefined };
  const read = (one: typeof work, slice: string) =>
    toEnd(one!.readSlice({ slice, logs: one!.listLogs({ isLate: false }), fatal: [], listsNext: false }));
  database.exec(`UPDATE logs SET output = output || ' yak'`);
  read(work, 'one');
  database.exec('DELETE FROM logs WHERE key = 1; UPDATE logs SET error = output');
  work!.writeWords({ ...bounds, slice: 'one' });
  const hasYak = () => database.prepare(`SELECT rowid AS key FROM logs_search WHERE logs_search MATCH 'yak'`).all();
  expect(hasYak()).toEqual([]);
  expect(work!.writeSlice({ ...bounds, slice: 'one' })).toMatchObject({ outcome: 'written' });

  read(work, 'late');
  read(other, 'first');
  expect(other!.writeWords({ ...bounds, slice: 'first' }).outcome).toBe('written');
  expect(work!.writeWords({ ...bounds, slice: 'late' }).outcome).toBe('outdated');
  expect(other!.writeSlice({ ...bounds, slice: 'first' }).outcome).toBe('written');
  expect(hasYak()).toEqual([{ key: 2 }]);
});

test('a log that has the key of a deleted one is not found by what that said', async () => {
  const file = newFile();
  const store = await open(file);
  await createOne(store, { session_reference_id: 'one', output: 'the zebra' });
  const looks: unknown[] = [];
  for (let round = 0; round < 20; round += 1) {
    const word = `quagga${round}`;
    const { id } = await createOne(store, { session_reference_id: 'two', output: word });
    looks.push(...(await found(store, `quagga${round - 1}`)));
    // At times, it is deleted before it is indexed.
    if (round % 3 > 0) await untilIndexed(store);
    if (round % 3 > 0) expect(await found(store, word)).toEqual(['two']);
    await store.deleteLogs([id]);
    looks.push(...(await found(store, word)));
  }
  expect(looks).toEqual([]);
  const database = openWithSearch({ file, readOnly: true });
  onTestFinished(() => database.close());
  await expect.poll(() => database.prepare('SELECT * FROM forgotten_logs').all()).toEqual([]);
  expect(database.prepare('SELECT rowid AS key FROM logs_search').all()).toEqual([{ key: 1 }]);
});

test('what a thread has begun to erase, the next one erases from the beginning, and once only', async () => {
  const file = await fileWith('zebra', 'quagga');
  const database = openWithSearch({ file, busyTimeoutMillis: 20 });
  const reader = openWithSearch({ file, readOnly: true });
  onTestFinished(() => {
    reader.close();
    database.close();
  });
  const prepare = createStatementCache(database);
  const bounds = { sliceMillis: 100, maxPages: undefined, isFirst: false };
  database.exec('DELETE FROM logs WHERE key = 2');
  const work = createIndexWork(database, prepare);
  work.forgetLogs(bounds);
  const findDead = () => createWordMerges(prepare).findDead().size;
  expect(findDead()).toBe(1);
  expect(() => work.eraseWords({ ...bounds, maxPages: 1 })).toThrow('more space');
  reader.exec('BEGIN');
  reader.prepare('SELECT * FROM word_slices').all();
  expect(work.eraseWords(bounds)).toMatchObject({ isDone: false });
  expect(findDead()).toBe(0);
  const next = createIndexWork(database, prepare);
  expect(next.eraseWords(bounds)).toMatchObject({ isDone: false });
  expect(findDead()).toBe(0);
  // A read that goes on needs old pages: as long as it does, nothing is written for that.
  const { size } = statSync(`${searchFileOf(file)}-wal`);
  for (let look = 0; look < 5; look += 1) expect(next.eraseWords(bounds)).toMatchObject({ isDone: false });
  expect(statSync(`${searchFileOf(file)}-wal`).size).toBe(size);
  reader.exec('COMMIT');
  expect(next.eraseWords(bounds)).toMatchObject({ isDone: true });
});

test('all that is not words is written while another process has the file of the words', async () => {
  const file = await fileWith('zebra', 'quagga');
  const database = openWithSearch({ file, busyTimeoutMillis: 20 });
  const other = openSqlite({ file: searchFileOf(file) });
  onTestFinished(() => {
    other.close();
    database.close();
  });
  const work = createIndexWork(database, createStatementCache(database));
  const bounds = { sliceMillis: 100, maxPages: undefined };
  database.exec(`DELETE FROM logs WHERE key = 2; UPDATE logs SET output = 'the yak'`);
  const logs = work.listLogs({ isLate: false });
  toEnd(work.readSlice({ slice: 'one', logs, fatal: [], listsNext: false }));
  expect(work.writeWords({ ...bounds, slice: 'one' })).toMatchObject({ outcome: 'written' });
  const { entries } = work.forgetLogs(bounds);
  expect(entries).toHaveLength(1);
  other.exec('BEGIN IMMEDIATE');
  expect(work.writeSlice({ ...bounds, slice: 'one' })).toMatchObject({ outcome: 'written' });
  work.dropForgotten({ ...bounds, entries });
  work.resetSessions({ ...bounds, slice: 'two' });
  expect(database.prepare('SELECT * FROM forgotten_logs').all()).toEqual([]);
});

test('words are taken out once the disk has what they are of', async () => {
  const file = await fileWith('zebra', 'quagga');
  const database = openWithSearch({ file });
  const other = openWithSearch({ file, readOnly: true });
  onTestFinished(() => {
    other.close();
    database.close();
  });
  const seen: unknown[] = [];
  const find = (word: string) =>
    other.prepare('SELECT rowid AS key FROM logs_search WHERE logs_search MATCH ?').all(word).length;
  const waitHere = () => void seen.push([find('zebra'), find('quagga'), find('yak')]);
  const work = createIndexWork(database, createStatementCache(database), { waitHere });
  const bounds = { sliceMillis: 100, maxPages: undefined };
  database.exec(`DELETE FROM logs WHERE key = 2; UPDATE logs SET output = 'the yak'`);
  const logs = work.listLogs({ isLate: false });
  toEnd(work.readSlice({ slice: 'one', logs, fatal: [], listsNext: false }));
  work.writeWords({ ...bounds, slice: 'one' });
  work.forgetLogs(bounds);
  waitHere();
  expect(seen).toEqual([
    [0, 1, 1],
    [0, 0, 1],
  ]);
});

test('whatever the path to the database, it has one file of words', async () => {
  const file = await fileWith('zebra');
  const path = join(temporaryDirectory(), 'link.db');
  symlinkSync(file, path);
  const errors: unknown[] = [];
  const [store, other] = [await open(path, (error) => errors.push(error)), await open(file)];
  await createOne(store, { session_reference_id: 'two', output: 'the quagga' });
  await untilIndexed(store);
  expect([await found(store, 'zebra'), await found(other, 'quagga')]).toEqual([['of zebra'], ['two']]);
  expect([existsSync(`${path}-search`), errors]).toEqual([false, []]);
});

test('of a small file that is written again, neither file nor log has old pages', async () => {
  const file = await fileWith('zebra', 'quagga');
  const store = await open(file);
  await store.deleteSession({ referenceId: 'of zebra' });
  await store.eraseDeleted();
  expect(statSync(`${searchFileOf(file)}-wal`).size).toBe(0);
});

test('logs are stored and deleted while words are being written for as long as it takes', async () => {
  const file = await fileWith('zebra');
  const errors: unknown[] = [];
  const store = await open(file, (error) => errors.push(error));
  const other = openSqlite({ file: searchFileOf(file) });
  onTestFinished(() => other.close());
  // As an index of another process has it in the middle of a merge.
  other.exec('BEGIN IMMEDIATE');
  const start = performance.now();
  const { id } = await createOne(store, { session_reference_id: 'two', output: 'the quagga' });
  await createOne(store, { session_reference_id: 'three', output: 'the yak' });
  await store.deleteLogs([id]);
  expect(await found(store, 'zebra')).toEqual(['of zebra']);
  expect(performance.now() - start).toBeLessThan(1_000);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect((await store.viewer.indexLag()).logs).toBeGreaterThan(0);
  other.exec('COMMIT');
  await untilIndexed(store);
  expect([await found(store, 'quagga'), await found(store, 'yak')]).toEqual([[], ['three']]);
  expect(errors).toEqual([]);
});

test('that the file was replaced is said, and logs are stored', async () => {
  const file = await fileWith('zebra');
  const errors: unknown[] = [];
  const store = await open(file, (error) => errors.push(String(error)));
  await createOne(store, { session_reference_id: 'two', output: 'quagga0' });
  await untilIndexed(store);
  rmSync(searchFileOf(file));
  const other = await open(file);
  let count = 0;
  await expect
    .poll(async () => {
      count += 1;
      await createOne(store, { session_reference_id: 'two', output: `quagga${count}` });
      return errors;
    })
    .toEqual([expect.stringContaining('was deleted or replaced')]);
  await untilIndexed(other);
  expect([await found(other, 'zebra'), await found(other, 'quagga0'), await found(other, `quagga${count}`)]).toEqual([
    ['of zebra'],
    ['two'],
    ['two'],
  ]);
});

test('no mark goes for words that are in the file of another process, for which the disk is not waited', async () => {
  const file = await fileWith('zebra');
  const errors: unknown[] = [];
  const writers = watchWriters();
  const store = await open(file, (error) => errors.push(String(error)));
  await createOne(store, { session_reference_id: 'two', output: 'the quagga' });
  await untilIndexed(store);
  rmSync(searchFileOf(file));
  const other = await openSqliteStore({ file });
  await untilIndexed(other);
  await other.close();
  // The next one has the new file.
  await writers()[0]!.terminate();
  const before = writers().length;
  await createOne(store, { session_reference_id: 'three', output: 'the yak' });
  await expect.poll(() => errors).toEqual([expect.stringContaining('was deleted or replaced')]);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect([writers().length, errors]).toEqual([before, [expect.stringContaining('was deleted or replaced')]]);
  expect(await store.viewer.indexLag()).toMatchObject({ logs: 1 });
});
