import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createWriteTurns } from '../../../../src/server/store/sqlite/writing/write-turns.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';

const STEPS = 20;

function open({ lockTimeoutMillis, lendMillis, afterCommit }: Partial<Parameters<typeof createWriteTurns>[1]> = {}) {
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
  const turns = createWriteTurns(database, { file, canInterrupt: true, lockTimeoutMillis, lendMillis, afterCommit });
  return { database, file, turns, words, add: (word: string) => void insert.run(word) };
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

test('long writes that follow each other are committed one by one', async () => {
  const { turns, words, add } = open();
  const seen: number[] = [];
  await Promise.all(
    [1, 2, 3].map(async () => {
      // A third of a turn is left when the write is done.
      await turns.run(() => writeSlowly(add));
      seen.push(words().length);
    }),
  );
  expect(seen).toEqual([STEPS, 2 * STEPS, 3 * STEPS]);
});

test('it is busy until all works are committed', async () => {
  const { turns, words, add } = open();
  expect(turns.isBusy()).toBe(false);
  const written = turns.run(() => add('word'));
  let isCommitted = false;
  void written.then(() => {
    isCommitted = true;
  });
  let turnsBeforeCommit = 0;
  for (; !isCommitted; await new Promise(setImmediate)) {
    expect(turns.isBusy()).toBe(words().length === 0);
    if (turns.depth() === 0 && turns.isBusy()) turnsBeforeCommit += 1;
  }
  expect(turnsBeforeCommit).toBeGreaterThan(0);
  expect(turns.isBusy()).toBe(false);
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

test('what can be repeated is done again after a neighbour has failed, and then not for a while', async () => {
  const { turns, words, add } = open();
  const runs: string[] = [];
  const write = (word: string, fault?: Error) =>
    turns.runRepeatable(() => {
      runs.push(word);
      add(word);
      if (fault) throw fault;
      return word;
    });
  const fault = new Error('bad');
  const writeAll = (words: readonly string[]) =>
    Promise.allSettled(words.map((word) => write(word, word.startsWith('bad') ? fault : undefined)));

  const first = await writeAll(['a', 'b', 'bad 1', 'c', 'bad 2', 'd']);
  expect(first.map((result) => (result.status === 'fulfilled' ? result.value : result.reason))).toEqual([
    ...['a', 'b', fault, 'c', fault, 'd'],
  ]);
  expect(runs).toEqual(['a', 'b', 'bad 1', 'a', 'b', 'c', 'bad 2', 'd']);
  expect(words()).toEqual(['a', 'b', 'c', 'd']);

  runs.length = 0;
  await writeAll(['e', 'bad 3', 'f']);
  expect(runs).toEqual(['e', 'bad 3', 'f']);
  expect(words()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
});

test('what cannot be repeated is done once, whatever becomes of its neighbours', async () => {
  const { turns, words, add } = open();
  let runs = 0;
  const bad = () =>
    turns.runRepeatable(() => {
      add('bad');
      throw new Error('bad');
    });
  const once = turns.run(() => {
    runs += 1;
    add('once');
  });
  const results = await Promise.allSettled([bad(), once, bad(), turns.runRepeatable(() => add('after')), bad()]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled', 'rejected']);
  expect(runs).toBe(1);
  expect(words()).toEqual(['once', 'after']);
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

/** Far more than a turn takes on any machine. */
const BUSY_MILLIS = 20_000;

test('two that write to one file take turns, and neither holds up the thread', async () => {
  const file = join(temporaryDirectory(), 'a.db');
  const open = (name: string) => {
    const database = openSqlite({ file, busyTimeoutMillis: BUSY_MILLIS });
    onTestFinished(() => database.close());
    database.exec('PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS words (word TEXT)');
    const insert = database.prepare('INSERT INTO words VALUES (?)');
    const turns = createWriteTurns(database, { file, canInterrupt: true });
    return { database, write: () => turns.run(() => void insert.run(name)) };
  };
  const [one, other] = [open('one'), open('other')];
  const blocks = monitorEventLoopDelay({ resolution: 1 });
  blocks.enable();
  const counts = Array<number>(8).fill(0);
  /** As a server under load: each turn of the event loop brings writes, so that its transactions stay open. */
  const keepWriting = async ({ write }: typeof one, index: number): Promise<void> => {
    while (Math.min(...counts) < 5) {
      await write();
      counts[index]! += 1;
    }
  };
  const writers = [one, one, one, one, other, other, other, other];
  await Promise.all(writers.map(keepWriting));
  blocks.disable();
  const rows = one.database.prepare('SELECT word, count(*) AS count FROM words GROUP BY word ORDER BY word').all();
  const sum = (some: readonly number[]) => some.reduce((total, count) => total + count, 0);
  expect(rows).toEqual([
    { word: 'one', count: sum(counts.slice(0, 4)) },
    { word: 'other', count: sum(counts.slice(4)) },
  ]);
  // Waiting within a turn takes the whole busy time-out, since the other one cannot commit meanwhile.
  expect(blocks.max / 1e6).toBeLessThan(BUSY_MILLIS / 2);
});

test('a lock that is not given back fails the writes after a time, and not those after it', async () => {
  const { database, file, turns, words, add } = open({ lockTimeoutMillis: 100 });
  const holder = openSqlite({ file });
  holder.exec('BEGIN IMMEDIATE');
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
  }, 5);
  await expect(turns.run(() => add('lost'))).rejects.toMatchObject({ reason: 'locked' });
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(3);
  const waiting = turns.run(() => add('waits'));
  setTimeout(() => holder.close(), 20);
  await waiting;
  expect(words()).toEqual(['waits']);
  expect(database.prepare('PRAGMA busy_timeout').get()).toEqual({ timeout: 2_000 });
});

test('no transaction begins before what follows a commit is done', async () => {
  let finish = () => {};
  let isOver = false;
  const { turns, words, add } = open({
    afterCommit: () =>
      new Promise((resolve) => {
        finish = () => {
          isOver = true;
          resolve();
        };
      }),
  });
  await turns.run(() => add('first'));
  const second = turns.run(() => {
    expect(isOver).toBe(true);
    add('second');
  });
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(words()).toEqual(['first']);
  finish();
  await second;
  expect(words()).toEqual(['first', 'second']);
});

test('where the engine has rolled back all of a transaction, each of its writes gets the reason', async () => {
  const { turns, words, add, database } = open();
  await turns.run(() => add('before'));
  const pageCount = Number(database.prepare('PRAGMA page_count').get()!['page_count']);
  database.exec(`PRAGMA max_page_count = ${pageCount + 20}`);
  const answers = await Promise.allSettled([
    turns.run(() => add('short')),
    turns.run(() => add('x'.repeat(500_000))),
    turns.run(() => add('after')),
  ]);
  for (const answer of answers) {
    expect(answer).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('full') } });
  }
  expect(words()).toEqual(['before']);
});

test('another connection writes between two transactions, while works wait', async () => {
  const { file, turns, words, add } = open();
  const other = openSqlite({ file });
  onTestFinished(() => other.close());
  let hasBegun = false;
  const first = turns.run(() => {
    hasBegun = true;
    return writeSlowly(add);
  });
  while (!hasBegun) await new Promise((resolve) => setImmediate(resolve));
  let end = () => {};
  const lent = turns.lend(async () => {
    other.exec('BEGIN IMMEDIATE');
    await new Promise<void>((resolve) => {
      end = resolve;
    });
    other.exec(`INSERT INTO words VALUES ('lent')`);
    other.exec('COMMIT');
    return 'written';
  });
  expect(await first).toBe('slow');
  const second = turns.run(() => add('second'));
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(words()).toHaveLength(STEPS);
  end();
  expect(await lent).toBe('written');
  await second;
  expect(words().slice(STEPS)).toEqual(['lent', 'second']);
});

test('works and other connections take turns', async () => {
  const { turns } = open();
  const order: string[] = [];
  const run = () => turns.run(() => void order.push('work'));
  const lend = () => turns.lend(async () => void order.push('lend'));
  await Promise.all([lend(), lend(), run(), run()]);
  expect(order).toEqual(['lend', 'work', 'work', 'lend']);
  await Promise.all([lend(), lend(), run()]);
  expect(order.slice(4)).toEqual(['work', 'lend', 'lend']);
});

test.each([
  { isUrgent: true, works: 4 },
  { isUrgent: false, works: 6 },
])('another connection waits for $works works of 10 ms where isUrgent is $isUrgent', async ({ isUrgent, works }) => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const { turns } = open();
  const order: string[] = [];
  const lent: Promise<unknown>[] = [];
  const run = () =>
    turns.run(() => {
      if (order.length === 0) lent.push(turns.lend(async () => void order.push('lend'), isUrgent));
      order.push('work');
      vi.advanceTimersByTime(10);
    });
  await Promise.all(Array.from({ length: 20 }, run));
  await Promise.all(lent);
  expect(order.indexOf('lend')).toBe(works);
});

test('one that loses the lock to another process tries again, and one that fails is rejected alone', async () => {
  const { file, turns, words, add } = open();
  const holder = openSqlite({ file });
  onTestFinished(() => holder.close());
  let attempts = 0;
  const lent = turns.lend(async () => {
    attempts += 1;
    if (attempts < 3) throw Object.assign(new Error('database is locked'), { errcode: 5 });
    return attempts;
  });
  expect(await lent).toBe(3);
  const failed = turns.lend(async () => {
    throw new Error('broken');
  });
  await Promise.all([expect(failed).rejects.toThrow('broken'), turns.run(() => add('written'))]);
  expect(words()).toEqual(['written']);
});

test('a lock that is not given back fails who waits to lend it, too', async () => {
  const { file, turns } = open({ lockTimeoutMillis: 100 });
  const holder = openSqlite({ file });
  holder.exec('BEGIN IMMEDIATE');
  await expect(turns.lend(async () => {})).rejects.toMatchObject({ reason: 'locked' });
  holder.close();
  await turns.lend(async () => {});
});

test('works do not wait for ever for another connection: they go on, or fail while it has the lock', async () => {
  const { file, turns, words, add } = open({ lendMillis: 20, lockTimeoutMillis: 50 });
  const other = openSqlite({ file });
  onTestFinished(() => other.close());
  let end = () => {};
  const lent = turns.lend(async () => {
    other.exec('BEGIN IMMEDIATE');
    await new Promise<void>((resolve) => {
      end = resolve;
    });
    return 'late';
  });
  await expect(turns.run(() => add('refused'))).rejects.toMatchObject({ reason: 'locked' });
  other.exec('ROLLBACK');
  await turns.run(() => add('written'));
  expect(words()).toEqual(['written']);
  end();
  expect(await lent).toBe('late');
  expect(await turns.lend(async () => 'next')).toBe('next');
});

test('one that comes back late, since another process was quicker, tries again', async () => {
  const { turns } = open({ lendMillis: 10 });
  let attempts = 0;
  const lent = turns.lend(async () => {
    attempts += 1;
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (attempts === 1) throw Object.assign(new Error('database is locked'), { errcode: 5 });
    return attempts;
  });
  expect(await lent).toBe(2);
});
