import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import type { WriteTurns } from '../../../../src/server/store/sqlite/writing/write-turns.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

const turns = vi.hoisted(() => ({ isBusy: false, looks: 0, looksBefore: [] as number[] }));

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
        lend: (write) => {
          turns.looksBefore.push(turns.looks);
          turns.looks = 0;
          return real.lend(write);
        },
      };
    },
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
  await expect.poll(() => store.viewer.indexLag(), { timeout: 10_000 }).toEqual({ logs: 0 });
  return turns.looksBefore.slice(1);
}

test('the index has its break while writes are under way, and none while nothing is written', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  const store = await openSqliteStore({ file });
  await store.createLogs(Array.from({ length: 400 }, () => log({ output: 'zebra '.repeat(2_000) })));
  await store.close();

  expect(Math.max(...(await indexAgain(file)))).toBeLessThan(2);
  turns.isBusy = true;
  const looks = await indexAgain(file);
  // The timer of a busy machine may come when a break is over already, but not each time.
  expect(Math.max(...looks)).toBeGreaterThan(1);
});
