import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { IndexPace } from '../../../../src/server/store/sqlite/index/index-pace.ts';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import type { WriteTurns } from '../../../../src/server/store/sqlite/writing/write-turns.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

/** Others write for `lendMillis` before the lock is lent. */
const turns = vi.hoisted(() => ({ isBusy: false, lendMillis: 0, looks: 0, looksBefore: [] as number[] }));

/** Says how often the index has looked whether writes are under way, before each slice. */
vi.mock('../../../../src/server/store/sqlite/writing/write-turns.ts', async (load) => {
  const { createWriteTurns } =
    await load<typeof import('../../../../src/server/store/sqlite/writing/write-turns.ts')>();
  return {
    createWriteTurns: (...options: Parameters<typeof createWriteTurns>): WriteTurns => {
      const real = createWriteTurns(...options);
      return {
        ...real,
        isBusy: () => {
          turns.looks += 1;
          return turns.isBusy;
        },
        lend: async (write) => {
          turns.looksBefore.push(turns.looks);
          turns.looks = 0;
          if (turns.lendMillis > 0) await delay(turns.lendMillis);
          return real.lend(write);
        },
      };
    },
  };
});

/** With `isEndless`, a break that begins now has no end. `isShort`: it is as long as the work before it. */
const breaks = vi.hoisted(() => ({ isEndless: false, isShort: false }));

vi.mock('../../../../src/server/store/sqlite/index/index-pace.ts', async (load) => {
  const { paceAt } = await load<typeof import('../../../../src/server/store/sqlite/index/index-pace.ts')>();
  return {
    paceAt: (...lag: Parameters<typeof paceAt>): IndexPace => ({
      ...paceAt(...lag),
      ...(breaks.isShort && { breakFactor: 1, readFactor: 0 }),
      ...(breaks.isEndless && { breakFactor: Number.POSITIVE_INFINITY }),
    }),
  };
});

/** Resolves to the looks before the second slice and the later ones. The first one comes at once. */
async function indexAgain(file: string): Promise<number[]> {
  const other = openSqlite({ file });
  onTestFinished(() => other.close());
  other.exec('INSERT INTO unindexed_logs (key) SELECT key FROM logs WHERE true ON CONFLICT DO NOTHING');
  turns.looksBefore.length = 0;
  const store = await openSqliteStore({ file });
  onTestFinished(() => store.close());
  await expect.poll(() => store.viewer.indexLag(), { timeout: 30_000 }).toEqual({ logs: 0 });
  return turns.looksBefore.slice(1);
}

async function writeLogs(file: string): Promise<void> {
  const store = await openSqliteStore({ file });
  await store.createLogs(Array.from({ length: 400 }, () => log({ output: 'zebra '.repeat(2_000) })));
  await store.close();
}

test('the index has its break while writes are under way, and none while nothing is written', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  await writeLogs(file);

  expect(Math.max(...(await indexAgain(file)))).toBeLessThan(2);
  turns.isBusy = true;
  onTestFinished(() => {
    turns.isBusy = false;
  });
  const looks = await indexAgain(file);
  // The timer of a busy machine may come when a break is over already, but not each time.
  expect(Math.max(...looks)).toBeGreaterThan(1);
});

test('the time in which it waits while others write is a part of its break', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  await writeLogs(file);
  turns.isBusy = true;
  breaks.isShort = true;
  onTestFinished(() => {
    [turns.isBusy, turns.lendMillis, breaks.isShort] = [false, 0, false];
  });
  // More than any slice takes.
  turns.lendMillis = 1_000;
  expect(Math.max(...(await indexAgain(file)))).toBeLessThan(2);
});

test('a break ends earlier when the index has become late in it', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  await writeLogs(file);
  turns.isBusy = true;
  breaks.isEndless = true;
  onTestFinished(() => {
    turns.isBusy = false;
    breaks.isEndless = false;
  });
  turns.looks = 0;
  const indexed = indexAgain(file);
  // It looks again and again, and would have begun long since if the break had an end.
  await expect.poll(() => turns.looks, { timeout: 30_000 }).toBeGreaterThan(5);
  breaks.isEndless = false;
  expect((await indexed).length).toBeGreaterThan(0);
});
