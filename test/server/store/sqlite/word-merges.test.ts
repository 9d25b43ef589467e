/** The words of deleted logs leave the search index in a bounded number of steps, whatever others write meanwhile. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { migrateSqlite } from '../../../../src/server/store/sqlite/file/migrations.ts';
import { openSearchFile } from '../../../../src/server/store/sqlite/file/search-file.ts';
import { createWordMerges } from '../../../../src/server/store/sqlite/index/word-merges.ts';
import { readWordSegments } from '../../../../src/server/store/sqlite/index/word-segments.ts';
import { createBatchWriter } from '../../../../src/sqlite/batch.ts';
import { openSqlite, type SqliteDatabase } from '../../../../src/sqlite/open.ts';
import { Random } from '../../../support/random.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';

const random = new Random(1);
/** Of a few logs. No other word begins like these, so that the index has them in one piece. */
const ANIMALS: Record<number, string> = { 100: 'quagga', 200: 'zebra', 300: 'yak' };
const someWords = () => Array.from({ length: 200 }, () => random.between(1, 20_000)).join(' ');

/** One of the processes that have the file open. */
function openIndex(file: string) {
  const database = openSqlite({ file });
  onTestFinished(() => database.close());
  migrateSqlite(database, file);
  const search = openSearchFile(database, file);
  onTestFinished(() => search.close());
  database.exec(search.attach);
  const merges = createWordMerges((sql) => database.prepare(sql));
  const write = createBatchWriter(database, (sql) => database.prepare(sql));
  const inTransaction = <Result>(work: () => Result): Result => {
    database.exec('BEGIN IMMEDIATE');
    const result = work();
    database.exec('COMMIT');
    return result;
  };
  const add = database.prepare('INSERT OR REPLACE INTO logs_search (rowid, text, session) VALUES (?, ?, ?)');
  const remove = database.prepare('DELETE FROM logs_search WHERE rowid = ?');
  return {
    database,
    add: (from: number, count: number, text = someWords) =>
      inTransaction(() => {
        for (let key = from; key < from + count; key += 1) add.run(key, `${text()} ${ANIMALS[key] ?? ''}`, 'session1');
      }),
    remove: (key: number) => inTransaction(() => void remove.run(key)),
    findDead: () => inTransaction(merges.findDead),
    erase: (dead: ReadonlySet<string>) => inTransaction(() => merges.erase(dead)),
    tidy: () => {
      const result = write(merges.toBatch(0));
      merges.notePaid(result);
      return !result.isDone;
    },
    isDue: merges.isDue,
    isOverdue: merges.isOverdue,
    /** Returns how many steps that took. */
    pay: (maxMillis = Number.POSITIVE_INFINITY) => {
      const result = write(merges.toOwedBatch(maxMillis));
      merges.notePaid(result);
      return result.repeats;
    },
  };
}

/** Whether the index has this word anywhere, of a log that is there or not. */
function hasWord(database: SqliteDatabase, word: string): boolean {
  return (
    database.prepare('SELECT 1 FROM logs_search_data WHERE instr(block, CAST(? AS BLOB)) > 0').get(word) !== undefined
  );
}

function segmentsOf(database: SqliteDatabase) {
  return readWordSegments(
    database.prepare('SELECT block FROM logs_search_data WHERE id = 10').get()!['block'] as Uint8Array,
  );
}

function checkIndex(database: SqliteDatabase): void {
  database.exec(`INSERT INTO logs_search (logs_search) VALUES ('integrity-check')`);
}

test('what is written between the steps does not make an erasure begin again', () => {
  const index = openIndex(join(temporaryDirectory(), 'a.db'));
  for (let round = 0; round < 30; round += 1) index.add(1 + round * 40, 40);
  index.remove(777);
  const alone = stepsOf(index, () => {});
  let key = 10_000;
  index.remove(778);
  const beside = stepsOf(index, () => {
    index.add(key, 3);
    key += 3;
  });
  expect(alone).toBeGreaterThan(10);
  // The new logs are merged too.
  expect(beside).toBeLessThan(3 * alone);
  checkIndex(index.database);
});

function stepsOf(index: ReturnType<typeof openIndex>, between: () => void): number {
  const dead = index.findDead();
  expect(dead.size).toBeGreaterThan(0);
  let steps = 0;
  for (; index.erase(dead); steps += 1) {
    between();
    if (steps > 10_000) throw new Error('it does not end');
  }
  return steps;
}

test('two processes erase together, each what was deleted before it began', () => {
  const file = join(temporaryDirectory(), 'a.db');
  const [one, other] = [openIndex(file), openIndex(file)];
  for (let round = 0; round < 30; round += 1) one.add(1 + round * 40, 40);
  one.remove(100);
  const dead = one.findDead();
  for (let step = 0; step < 5; step += 1) expect(one.erase(dead)).toBe(true);
  other.remove(200);
  const otherDead = other.findDead();
  let steps = 0;
  let key = 10_000;
  for (let isLeft = true; isLeft; steps += 1) {
    const isOneDone = !one.erase(dead);
    if (isOneDone) expect(hasWord(one.database, 'quagga')).toBe(false);
    isLeft = other.erase(otherDead) || !isOneDone;
    one.add(key, 2);
    // The one deletes on and on: the other one does not wait for that.
    one.remove(key);
    key += 2;
    if (steps > 1_000) throw new Error('it does not end');
  }
  expect(hasWord(other.database, 'zebra')).toBe(false);
  expect(hasWord(other.database, 'yak')).toBe(true);
  checkIndex(one.database);
});

test('one that is left in the middle is finished by whoever merges next', () => {
  const file = join(temporaryDirectory(), 'a.db');
  const [one, other] = [openIndex(file), openIndex(file)];
  for (let round = 0; round < 30; round += 1) one.add(1 + round * 40, 40);
  one.remove(100);
  one.erase(one.findDead());
  expect(hasWord(one.database, 'quagga')).toBe(true);
  expect(other.isDue()).toBe(true);
  for (let steps = 0; other.tidy(); steps += 1) expect(steps).toBeLessThan(1_000);
  expect(other.isDue()).toBe(false);
  expect(hasWord(one.database, 'quagga')).toBe(false);
});

test('segments are merged by these steps only, and do not become many', () => {
  const index = openIndex(join(temporaryDirectory(), 'a.db'));
  let most = 0;
  for (let round = 0; round < 200; round += 1) {
    const before = segmentsOf(index.database).length;
    index.add(1 + round * 3, 3);
    expect(segmentsOf(index.database)).toHaveLength(before + 1);
    while (index.isDue() && index.tidy());
    most = Math.max(most, segmentsOf(index.database).length);
  }
  expect(most).toBeLessThan(3 * 16);
  checkIndex(index.database);
});

test('as long as there is more to write, merges go on beside it in even parts, and segments do not become many', () => {
  const index = openIndex(join(temporaryDirectory(), 'a.db'));
  let mostSegments = 0;
  let mostSteps = 0;
  for (let round = 0; round < 600; round += 1) {
    index.add(1 + round * 20, 20);
    index.isDue();
    mostSteps = Math.max(mostSteps, index.pay());
    mostSegments = Math.max(mostSegments, segmentsOf(index.database).length);
  }
  // The largest merge alone took more of them.
  expect(mostSteps).toBeLessThanOrEqual(3);
  expect(Math.max(...segmentsOf(index.database).map(({ pages }) => pages))).toBeGreaterThan(4 * 64);
  expect(mostSegments).toBeLessThan(4 * 16);
  checkIndex(index.database);
});

test('what there is no time for beside what is written comes before the next write, and segments do not become many', () => {
  const index = openIndex(join(temporaryDirectory(), 'a.db'));
  let [mostSegments, turns] = [0, 0];
  for (let round = 0; round < 40; round += 1) {
    // Far more than the one step for which there is always time.
    index.add(1 + round * 1_000, 1_000);
    index.isDue();
    index.pay(0);
    if (index.isOverdue()) turns += 1;
    for (let steps = 0; index.isOverdue(); steps += 1) {
      expect(steps).toBeLessThan(10);
      index.tidy();
    }
    mostSegments = Math.max(mostSegments, segmentsOf(index.database).length);
  }
  expect(turns).toBeGreaterThan(5);
  expect(mostSegments).toBeLessThan(3 * 16);
  checkIndex(index.database);
});

test('a step that cannot end in the middle of a word pays for as much as it has merged', () => {
  const index = openIndex(join(temporaryDirectory(), 'a.db'));
  /** Each has 256 pages in sixteen segments, all of which one step writes. */
  const text = ['ant', 'bee', 'cat', 'dog', 'elk', 'fox', 'gnu', 'hen'].map((word) => `${word} `.repeat(160)).join('');
  let writes = 0;
  const add = () => {
    index.add(1 + writes * 400, 400, () => text);
    writes += 1;
    index.isDue();
  };
  while (writes < 16) add();
  const before = segmentsOf(index.database).map(({ name }) => name);
  const isLeft = () => segmentsOf(index.database).some(({ name }) => before.includes(name));
  for (; isLeft(); add()) index.pay();
  // Each owes half as much again as its length once there are two levels, of which sixteen are merged.
  expect(writes - 16).toBeGreaterThan(9);
});

test('what is merged in a rest does not let segments become many after it', () => {
  const index = openIndex(join(temporaryDirectory(), 'a.db'));
  let [key, most] = [1, 0];
  const add = (count: number) => {
    index.add(key, count);
    key += count;
    index.isDue();
  };
  // A rest after each write, until a merge of what was merged before is in the middle.
  const isLargeBegun = () => segmentsOf(index.database).some(({ level, isMerging }) => level > 0 && isMerging);
  index.isDue();
  while (!isLargeBegun()) {
    add(20);
    while (!isLargeBegun() && index.tidy());
  }
  for (let step = 0; step < 8; step += 1) index.tidy();
  expect(isLargeBegun()).toBe(true);
  for (let round = 0; round < 120; round += 1) {
    add(2);
    index.pay();
    most = Math.max(most, segmentsOf(index.database).length);
  }
  expect(most).toBeLessThan(6 * 16);
  checkIndex(index.database);
});

test('what others have left to merge is owed', () => {
  const file = join(temporaryDirectory(), 'a.db');
  const [one, other] = [openIndex(file), openIndex(file)];
  for (let round = 0; round < 20; round += 1) one.add(1 + round * 60, 60);
  expect(other.isDue()).toBe(true);
  expect(other.pay()).toBeGreaterThan(1);
});

test('however much others have left to merge, nothing waits for it, and all of it is paid with what is written', () => {
  const file = join(temporaryDirectory(), 'a.db');
  const one = openIndex(file);
  for (let round = 0; round < 20; round += 1) one.add(1 + round * 2_000, 2_000);
  const other = openIndex(file);
  const before = segmentsOf(other.database).map(({ name }) => name);
  expect(other.isDue()).toBe(true);
  expect(other.isOverdue()).toBe(false);
  let rounds = 0;
  const isLeft = () => segmentsOf(other.database).some(({ name }) => before.includes(name));
  for (; isLeft() && rounds < 500; rounds += 1) {
    other.add(30_000 + rounds * 50, 50);
    other.isDue();
    other.pay();
  }
  expect(rounds).toBeLessThan(500);
});

test('where nothing has to be merged, nothing is owed', () => {
  const index = openIndex(join(temporaryDirectory(), 'a.db'));
  index.isDue();
  for (let round = 0; round < 15; round += 1) index.add(1 + round * 20, 20);
  expect(index.isDue()).toBe(false);
  expect(index.pay()).toBe(0);
});

test('a record of another format is refused', () => {
  expect(() => readWordSegments(new Uint8Array([0, 0, 0, 0, 1, 2, 3, 4]))).toThrow('format');
  expect(() => readWordSegments(new Uint8Array([0, 0, 0, 0, 0xff, 0, 0, 1, 2]))).toThrow('ends early');
});
