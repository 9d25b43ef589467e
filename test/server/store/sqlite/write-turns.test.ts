import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createWriteTurns } from '../../../../src/server/store/sqlite/write-turns.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';

const STEPS = 20;

function open() {
  const file = join(temporaryDirectory(), 'a.db');
  const [database, reading] = [openSqlite({ file }), openSqlite({ file })];
  onTestFinished(() => {
    reading.close();
    database.close();
  });
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('CREATE TABLE words (word TEXT)');
  const insert = database.prepare('INSERT INTO words VALUES (?)');
  const words = () =>
    reading
      .prepare('SELECT word FROM words')
      .all()
      .map(({ word }) => word);
  const turns = createWriteTurns(database, { file, canInterrupt: true });
  return { database, turns, words, add: (word: string) => void insert.run(word) };
}

function* writeSlowly(add: (word: string) => void, fault?: Error): Generator<void, string> {
  for (let step = 0; step < STEPS; step += 1) {
    add(`slow ${step}`);
    for (const end = performance.now() + 10; performance.now() < end; );
    yield;
  }
  if (fault) throw fault;
  return 'slow';
}

test('a long write is interrupted, and nobody sees a part of it', async () => {
  const { turns, words, add } = open();
  let isDone = false;
  const slow = turns
    .run(() => writeSlowly(add))
    .finally(() => {
      isDone = true;
    });
  const quick = turns.run(() => add('quick'));
  let eventLoopTurns = 0;
  while (!isDone) {
    expect(words()).toEqual([]);
    eventLoopTurns += 1;
    await new Promise(setImmediate);
  }
  expect(await slow).toBe('slow');
  await quick;
  // In one piece it would take 200 ms.
  expect(eventLoopTurns).toBeGreaterThan(4);
  expect(words()).toHaveLength(STEPS + 1);
});

test('what fills a turn is committed in the next one', async () => {
  const { turns, words, add } = open();
  let isDone = false;
  let isWritten = false;
  const written = turns
    .run(
      () => {
        add('large');
        for (const end = performance.now() + 70; performance.now() < end; );
      },
      () => {
        isWritten = true;
        // The end of this turn of the event loop: those that are set now run in the next one.
        queueMicrotask(() => expect(words()).toEqual([]));
        setImmediate(() => {
          isDone = true;
        });
      },
    )
    .then(() => expect(isDone).toBe(true));
  await written;
  expect(isWritten).toBe(true);
  expect(words()).toEqual(['large']);
});

test('one that fails late leaves nothing, and those beside it alone', async () => {
  const { turns, words, add } = open();
  const results = await Promise.allSettled([
    turns.run(() => add('before')),
    turns.run(() => writeSlowly(add, new Error('late'))),
    turns.run(() => add('after')),
  ]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(words()).toEqual(['before', 'after']);
});

test('draining finishes what has begun', async () => {
  const { turns, words, add } = open();
  const slow = turns.run(() => writeSlowly(add));
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  turns.drain();
  expect(words()).toHaveLength(STEPS);
  expect(await slow).toBe('slow');
});

test('where the transaction is lost, all of its writes are rejected, and the next ones work', async () => {
  const { database, turns, words, add } = open();
  const results = await Promise.allSettled([
    turns.run(() => add('lost')),
    turns.run(() => {
      database.exec('ROLLBACK');
      throw new Error('the disk is full');
    }),
    turns.run(() => add('waiting')),
  ]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  await turns.run(() => add('next'));
  expect(words()).toEqual(['next']);
});
