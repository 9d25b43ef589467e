/** Who writes is answered once the disk has it, and nobody else waits for that. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { createLogSync, type SyncCalls } from '../../../../src/server/store/sqlite/file/log-sync.ts';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import { createWriteTurns } from '../../../../src/server/store/sqlite/writing/write-turns.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** A disk that is done with what it has when it is told so. */
function createDisk() {
  const waiting: ((error: Error | null) => void)[] = [];
  let fault: Error | undefined;
  const calls: SyncCalls = {
    start: (_, done) => void waiting.push(done),
    run: () => {
      if (fault) throw fault;
    },
  };
  return {
    calls,
    running: () => waiting.length,
    /** Ends the wait that has begun first. */
    end: async (error: Error | null = null) => {
      waiting.shift()?.(error);
      await nextTurn();
    },
    breakDown: (error: Error) => {
      fault = error;
    },
  };
}

function open() {
  const file = join(temporaryDirectory(), 'a.db');
  const database = openSqlite({ file });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE words (word TEXT)');
  const disk = createDisk();
  const sync = createLogSync(database, { file, calls: disk.calls })!;
  const turns = createWriteTurns(database, { file, canInterrupt: true, sync });
  onTestFinished(() => database.close());
  const insert = database.prepare('INSERT INTO words VALUES (?)');
  const words = () => database.prepare('SELECT word FROM words').all().length;
  const synchronous = () => database.prepare('PRAGMA synchronous').get()!['synchronous'];
  return { file, database, disk, sync, turns, words, synchronous, add: (word: string) => void insert.run(word) };
}

test('a write is answered once the disk has it, and those that come meanwhile share the next transaction', async () => {
  const { disk, turns, words, add } = open();
  const answers: string[] = [];
  const write = (word: string) => turns.run(() => add(word)).then(() => answers.push(word));
  void write('first');
  await expect.poll(disk.running).toBe(1);
  expect(turns.isBusy()).toBe(true);
  void write('second');
  await nextTurn();
  void write('third');
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  expect([answers, words()]).toEqual([[], 1]);
  await disk.end();
  expect(answers).toEqual(['first']);
  await expect.poll(words).toBe(3);
  await expect.poll(disk.running).toBe(1);
  await disk.end();
  expect(answers).toEqual(['first', 'second', 'third']);
  expect(turns.isBusy()).toBe(false);
});

test('while the disk works, the other connection has the lock', async () => {
  const { disk, turns, words, add } = open();
  const first = turns.run(() => add('first'));
  await expect.poll(disk.running).toBe(1);
  const second = turns.run(() => add('second'));
  expect(await turns.lend(async () => words())).toBe(1);
  await disk.end();
  await expect.poll(disk.running).toBe(1);
  await disk.end();
  await Promise.all([first, second]);
});

test('whoever asks waits for all that was committed before, and the disk does one after another', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom('ask', 'end')), async (steps) => {
      const { disk, sync } = open();
      const begun: number[] = [];
      let [asked, begins] = [0, 0];
      const answered: number[] = [];
      /** The number of asks before the last wait that has begun. */
      const notice = () => {
        if (disk.running() === 1 && begins === 0) begins = begun.push(asked);
        if (disk.running() === 0) begins = 0;
      };
      for (const step of steps) {
        if (step === 'ask') {
          const ask = ++asked;
          void sync.wait().then(() => answered.push(ask));
          notice();
        } else {
          const covered = disk.running() > 0 ? begun.at(-1)! : 0;
          begins = 0;
          await disk.end();
          if (covered > 0) expect(answered).toEqual(Array.from({ length: covered }, (_, at) => at + 1));
          notice();
        }
        expect(disk.running()).toBeLessThanOrEqual(1);
      }
      while (disk.running() > 0) await disk.end();
      expect(answered).toHaveLength(asked);
      await sync.close();
    }),
    { numRuns: 50 },
  );
});

test('once the disk has failed, nothing is acknowledged that it may have lost', async () => {
  const { disk, turns, words, add } = open();
  const first = turns.run(() => add('first'));
  await expect.poll(disk.running).toBe(1);
  const second = turns.run(() => add('second'));
  const rejected = Promise.allSettled([first, second]);
  await disk.end(new Error('EIO'));
  const failure = { reason: 'failed', message: expect.stringContaining('start the server again (EIO)') };
  expect(await rejected).toMatchObject([{ reason: failure }, { reason: failure }]);
  await expect(turns.run(() => add('third'))).rejects.toMatchObject(failure);
  const fourth = turns.run(() => add('fourth'));
  turns.drain();
  await expect(fourth).rejects.toMatchObject(failure);
  // Whoever was refused sends it again: it would be there twice.
  expect(words()).toBe(1);
});

test('what is drained is on disk before it is answered', async () => {
  const { disk, turns, add } = open();
  const kept = turns.run(() => add('kept'));
  turns.drain();
  await kept;
  disk.breakDown(new Error('EIO'));
  const lost = turns.run(() => add('lost'));
  turns.drain();
  await expect(lost).rejects.toThrow('EIO');
});

test('the engine waits within its commits as long as nobody else does', async () => {
  const { file, database, disk, sync, synchronous } = open();
  expect(synchronous()).toBe(1);
  const waiting = sync.wait();
  const closed = sync.close();
  await nextTurn();
  expect(synchronous()).toBe(1);
  await disk.end();
  await Promise.all([waiting, closed]);
  expect(synchronous()).toBe(2);
  database.exec('PRAGMA journal_mode = DELETE');
  expect(createLogSync(database, { file })).toBeUndefined();
  expect(createLogSync(openSqlite({ file: ':memory:' }), { file: ':memory:' })).toBeUndefined();
  expect(synchronous()).toBe(2);
});

test('a second one leaves to the first whether the engine waits, and is closed in the middle of a transaction', async () => {
  const { file, database, sync, synchronous } = open();
  const second = createLogSync(database, { file, isSecond: true })!;
  database.exec('BEGIN; INSERT INTO words VALUES (1)');
  await second.close();
  database.exec('COMMIT');
  expect(synchronous()).toBe(1);
  const { openSync } = fs;
  const endFault = () => {
    fs.openSync = openSync;
    syncBuiltinESMExports();
  };
  onTestFinished(endFault);
  fs.openSync = () => {
    throw new Error('EMFILE');
  };
  syncBuiltinESMExports();
  // Nobody else waits for what it would have waited for.
  expect(createLogSync(database, { file, isSecond: true })).toBeUndefined();
  endFault();
  expect(synchronous()).toBe(2);
  await sync.close();
});

test('where the file is a link, the log that is waited for is the one that the engine writes', async () => {
  const [file, link] = [join(temporaryDirectory(), 'a.db'), join(temporaryDirectory(), 'link.db')];
  fs.writeFileSync(file, '');
  fs.symlinkSync(file, link);
  // Of a file that was there before.
  fs.writeFileSync(`${link}-wal`, '');
  const database = openSqlite({ file: link });
  onTestFinished(() => database.close());
  database.exec('PRAGMA journal_mode = WAL; CREATE TABLE words (word TEXT)');
  const inodes: number[] = [];
  const note = (descriptor: number) => void inodes.push(fs.fstatSync(descriptor).ino);
  const sync = createLogSync(database, { file: link, calls: { start: () => {}, run: note } })!;
  sync.waitHere();
  await sync.close();
  expect(inodes).toEqual([fs.statSync(`${file}-wal`).ino]);
});

test('that there is a log is on disk before anybody is answered', async () => {
  const directory = temporaryDirectory();
  const { fsyncSync } = fs;
  const inodes: number[] = [];
  fs.fsyncSync = (descriptor) => {
    inodes.push(fs.fstatSync(descriptor).ino);
    fsyncSync(descriptor);
  };
  syncBuiltinESMExports();
  onTestFinished(() => {
    fs.fsyncSync = fsyncSync;
    syncBuiltinESMExports();
  });
  const store = await openSqliteStore({ file: join(directory, 'logs.db') });
  onTestFinished(() => store.close());
  expect(inodes).toContain(fs.statSync(directory).ino);
});

test('once the disk has failed, the store says so, and each write is refused in the same way', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  const store = await openSqliteStore({ file });
  const { fdatasync } = fs;
  fs.fdatasync = ((_, done: (error: Error | null) => void) => done(new Error('EIO'))) as typeof fdatasync;
  syncBuiltinESMExports();
  onTestFinished(async () => {
    await store.close();
    fs.fdatasync = fdatasync;
    syncBuiltinESMExports();
  });
  expect(await store.readiness()).toEqual({ status: 'ok' });
  const refused = { name: 'StoreUnavailableError', reason: 'failed', retryAfterSeconds: undefined };
  await expect(store.createLogs([log({ output: 'zebra' })])).rejects.toMatchObject(refused);
  await expect(store.createLogs([log({ output: 'quagga' })])).rejects.toMatchObject(refused);
  expect(await store.health()).toEqual({ status: 'failed', message: expect.stringContaining('EIO') });
  expect(await store.readiness()).toEqual({ status: 'unavailable', message: 'the disk has failed' });
});

test('no request is answered before the log of the file is on disk', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  const store = await openSqliteStore({ file });
  const { fdatasync } = fs;
  const held: (() => void)[] = [];
  const inodes: number[] = [];
  fs.fdatasync = ((descriptor: number, done: (error: Error | null) => void) => {
    inodes.push(fs.fstatSync(descriptor).ino);
    held.push(() => fdatasync(descriptor, done));
  }) as typeof fdatasync;
  syncBuiltinESMExports();
  const restore = () => {
    fs.fdatasync = fdatasync;
    syncBuiltinESMExports();
    for (const go of held.splice(0)) go();
  };
  onTestFinished(async () => {
    restore();
    await store.close();
  });
  let isAnswered = false;
  const written = store.createLogs([log({ output: 'zebra' })]).finally(() => {
    isAnswered = true;
  });
  await expect.poll(() => held.length).toBe(1);
  const reading = openSqlite({ file, readOnly: true });
  onTestFinished(() => reading.close());
  expect(reading.prepare('SELECT count(*) AS count FROM logs').get()).toEqual({ count: 1 });
  await nextTurn();
  expect(isAnswered).toBe(false);
  expect(inodes).toEqual([fs.statSync(`${file}-wal`).ino]);
  restore();
  await written;
});
