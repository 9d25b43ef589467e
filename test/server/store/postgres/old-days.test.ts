/** Logs of days that are long over, of which a session goes on. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { createOne, log } from '../../sample-log.ts';

const DAY_MILLIS = 86_400_000;
const NOTHING = { creates: [], revisions: [], places: new Map(), kept: new Map(), parts: new Map(), calls: [] };

for (const binaries of findPostgres().slice(0, 1)) {
  describe(`old days on ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
    });
    afterAll(() => cluster?.stop());

    test('have all of their tables as long as they have logs, and get back those that are gone', async () => {
      const url = await cluster.createSchema();
      const store = await openPostgresStore({ url });
      onTestFinished(() => store.close());
      const today = Date.now();
      const toDay = (ago: number) => new Date(today - ago * DAY_MILLIS).toISOString();
      const day = toDay(19).slice(0, 10).replaceAll('-', '');
      vi.useFakeTimers({ toFake: ['Date'], now: today - 19 * DAY_MILLIS });
      onTestFinished(() => void vi.useRealTimers());
      const requests = ['r0', 'r1', 'r2'].map((reference_id) => log({ reference_id, session_reference_id: 'long' }));
      const made = await store.createLogs(requests);
      vi.useRealTimers();
      await createOne(store, { session_reference_id: 'long' });

      const listTables = () =>
        withClient(url, async (client) => {
          const { rows } = await client.query(
            `SELECT inhparent::regclass::text AS name FROM pg_inherits WHERE inhrelid::regclass::text LIKE $1 ORDER BY 1`,
            [`%_p${day}`],
          );
          return rows.map(({ name }) => name);
        });
      const prune = () => store.prune({ olderThan: toDay(10).replace('Z', '000Z') });
      await prune();
      expect(await listTables()).toEqual(['feedback', 'log_words', 'logs']);

      const rating = { type: 'rating', value: 'good' };
      const dropRatings = () => withClient(url, (client) => client.query(`DROP TABLE feedback_p${day}`));
      const ratings = async (at: number) => (await store.getLog(made[at]!.id))?.feedback;
      await dropRatings();
      await store.createLogs([{ ...requests[0]!, feedback: rating }]);
      expect(await ratings(0)).toMatchObject([rating]);
      await dropRatings();
      await store.addFeedback([{ data_id: made[1]!.id, ...rating }]);
      expect(await ratings(1)).toMatchObject([rating]);
      await dropRatings();
      const feedback = [{ referenceId: 'r2', feedback: rating }];
      expect(await store.ingest([], () => ({ ...NOTHING, feedback }))).toEqual([]);
      expect(await ratings(2)).toMatchObject([rating]);
      expect(await findFaults(url)).toEqual([]);

      await store.deleteLogs(made.map(({ id }) => id));
      await prune();
      expect(await listTables()).toEqual([]);
    });
  });
}
