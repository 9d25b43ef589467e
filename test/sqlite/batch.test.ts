/** Batches are written as a whole or not at all. */
import { expect, onTestFinished, test } from 'vitest';
import { createBatchWriter } from '../../src/sqlite/batch.ts';
import { openSqlite } from '../../src/sqlite/open.ts';
import { createStatementCache } from '../../src/sqlite/statement-cache.ts';

function open() {
  const database = openSqlite({ file: ':memory:' });
  onTestFinished(() => database.close());
  database.exec('CREATE TABLE marks (key INTEGER PRIMARY KEY, mark INTEGER); CREATE TABLE words (word TEXT UNIQUE)');
  database.exec('INSERT INTO marks VALUES (1, 10), (2, 20), (3, 30)');
  const read = (sql: string) =>
    database
      .prepare(sql)
      .all()
      .map((row) => Object.values(row)[0]);
  return {
    write: createBatchWriter(database, createStatementCache(database)),
    words: () => read('SELECT word FROM words'),
    marks: () => read('SELECT key FROM marks'),
  };
}

const UNMARK = 'DELETE FROM marks WHERE key = ? AND mark = ? RETURNING 1';
const INSERT = 'INSERT INTO words VALUES (?)';

test('a row is written if one of the claims holds that it needs', () => {
  const { write, words, marks } = open();
  const result = write({
    claims: {
      sql: UNMARK,
      rows: [
        [1, 10],
        [2, 21],
        [3, 30],
      ],
    },
    steps: [
      { sql: INSERT, rows: [['of 1'], ['of 2'], ['of 2 or 3']], needs: [[0], [1], [1, 2]] },
      { sql: INSERT, rows: [['of none']] },
    ],
  });
  expect(result).toMatchObject({ isOpen: true, claimed: [true, false, true], isDone: true });
  expect(words()).toEqual(['of 1', 'of 2 or 3', 'of none']);
  expect(marks()).toEqual([2]);
});

test('where the gate is closed, nothing is written', () => {
  const { write, words, marks } = open();
  const gate = { sql: 'UPDATE marks SET mark = 11 WHERE mark = ? RETURNING 1', parameters: [12] };
  const batch = { claims: { sql: UNMARK, rows: [[2, 20]] }, steps: [{ sql: INSERT, rows: [['a']] }] };
  expect(write({ gates: [gate], ...batch })).toMatchObject({ isOpen: false, claimed: [] });
  expect([words(), marks()]).toEqual([[], [1, 2, 3]]);
  expect(write({ gates: [{ ...gate, parameters: [10] }], ...batch })).toMatchObject({ isOpen: true });
  expect([words(), marks()]).toEqual([['a'], [1, 3]]);
});

test('one that fails leaves nothing, and says which claim has failed', () => {
  const { write, words, marks } = open();
  const claims = {
    sql: UNMARK,
    rows: [
      [1, 10],
      [2, 20],
    ],
  };
  const failing = { claims, steps: [{ sql: INSERT, rows: [['a'], ['a']], needs: [[0], [1]] }] };
  expect(() => write(failing)).toThrow(
    expect.objectContaining({ message: expect.stringContaining('UNIQUE'), claim: 1 }),
  );
  expect([words(), marks()]).toEqual([[], [1, 2, 3]]);
  write({ claims, steps: [{ sql: INSERT, rows: [['a']] }] });
  expect([words(), marks()]).toEqual([['a'], [3]]);
});

test('one by which the file would become too long is refused like a full disk', () => {
  const { write, words } = open();
  const steps = [{ sql: INSERT, rows: [['long '.repeat(10_000)]] }];
  expect(() => write({ steps, maxPages: 8 })).toThrow(expect.objectContaining({ errcode: 13 }));
  expect(words()).toEqual([]);
  write({ steps, maxPages: 100 });
  expect(words()).toHaveLength(1);
});

test('what is repeated ends when there is nothing left to do, or the time is over', () => {
  const { write, marks } = open();
  const sql = 'DELETE FROM marks WHERE key IN (SELECT key FROM marks ORDER BY key LIMIT ?)';
  expect(write({ repeat: { sql, parameters: [2], maxMillis: 0 } })).toMatchObject({ isDone: false });
  expect(marks()).toEqual([3]);
  expect(write({ repeat: { sql, parameters: [2], maxMillis: 9 } })).toMatchObject({ isDone: true });
});

test('what is repeated ends when it was run so many times, and says how often that was', () => {
  const { write, marks } = open();
  const repeat = { sql: 'DELETE FROM marks WHERE key >= ?', parameters: [2], maxMillis: 60_000 };
  expect(write({ repeat: { ...repeat, maxTimes: 1 } })).toMatchObject({ isDone: false, repeats: 1 });
  expect(marks()).toEqual([1]);
  expect(write({ repeat: { ...repeat, maxTimes: 5 } })).toMatchObject({ isDone: true, repeats: 1 });
});
