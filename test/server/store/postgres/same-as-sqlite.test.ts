/** Whatever is posted, changed and deleted in whatever order: both stores answer every read alike. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../../support/postgres/cluster.ts';
import { silentSteps, steps } from './any-steps.ts';
import { ReadStore } from './read-store.ts';

const RUNS = 10;
/** On a busy machine there are fewer of them. */
const MAX_MILLIS = 13_000;

describe.each(findPostgres())('$name', (binaries) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries, ['fsync=off']);
  });
  afterAll(() => cluster?.stop(), 60_000);

  test.each([
    ['all reads, where a log in no session has no parent', true, steps, []],
    ['all logs and their lists, whatever they name', false, steps, []],
    ['what messages say, where outputs say nothing', true, silentSteps, ['open', '"is open"']],
  ] as const)('answers as SQLite does: %s', async (_name, inSessions, given, searches) => {
    await fc.assert(
      fc.asyncProperty(given, async (all) => {
        const stores = [
          await openSqliteStore({ file: ':memory:' }),
          await openPostgresStore({ url: await cluster.createSchema() }),
        ];
        try {
          const [sqlite, postgres] = stores.map((store) => new ReadStore(store, inSessions, searches)) as [
            ReadStore,
            ReadStore,
          ];
          for (const step of all) {
            expect(await postgres.apply(step)).toEqual(await sqlite.apply(step));
          }
          expect(await postgres.readAll()).toEqual(await sqlite.readAll());
        } finally {
          for (const store of stores) await store.close();
        }
      }),
      { numRuns: RUNS, interruptAfterTimeLimit: MAX_MILLIS },
    );
  });
});
