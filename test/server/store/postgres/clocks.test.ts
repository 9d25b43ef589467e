/** Servers whose clocks differ by minutes, on both sides of midnight. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { maintainPartitions } from '../../../../src/server/store/postgres/tables/partitions.ts';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { log } from '../../sample-log.ts';

const DAY_MILLIS = 86_400_000;
const MINUTE_MILLIS = 60_000;
const MIDNIGHT = Math.floor(Date.now() / DAY_MILLIS) * DAY_MILLIS;
const KEPT_DAYS = 2;

for (const binaries of findPostgres()) {
  describe(`clocks of servers on ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
    });
    afterAll(() => cluster?.stop());

    const at = <Result>(millis: number, work: () => Promise<Result>): Promise<Result> => {
      vi.useFakeTimers({ toFake: ['Date'], now: millis });
      return work().finally(() => vi.useRealTimers());
    };
    /** As in a process of its own, since a process makes no id that is older than its last one. */
    const openStore = async (url: string) => {
      vi.resetModules();
      const { openPostgresStore } = await import('../../../../src/server/store/postgres/store.ts');
      const store = await openPostgresStore({ url });
      onTestFinished(() => store.close());
      return store;
    };

    test('a session that two servers write is one, is found by each, and each hears of the other', async () => {
      const url = await cluster.createSchema();
      const [before, after] = [await openStore(url), await openStore(url)];
      const early = <Result>(work: () => Promise<Result>) => at(MIDNIGHT - 3 * MINUTE_MILLIS, work);
      const late = <Result>(work: () => Promise<Result>) => at(MIDNIGHT + 2 * MINUTE_MILLIS, work);
      const session_reference_id = 's';
      await early(() => before.createLogs([log({ session_reference_id, reference_id: 'parent', output: 'zanzibar' })]));
      const child = log({
        session_reference_id,
        reference_id: 'child',
        parent_reference_id: 'parent',
        output: 'mafia',
      });
      await late(() => after.createLogs([child]));

      let version = await before.viewer.version();
      await late(() => after.updateLog({ referenceId: 'parent' }, { error: 'pemba' }));
      await expect.poll(() => before.viewer.version()).not.toBe(version);
      version = await after.viewer.version();
      const updated = await early(() => before.updateLog({ referenceId: 'child' }, { error: 'kilwa', duration: 3 }));
      expect(updated).toMatchObject({ error: 'kilwa', duration: 3, parent_reference_id: 'parent' });
      expect(updated?.parent_id).not.toBeNull();
      await expect.poll(() => after.viewer.version()).not.toBe(version);
      // Logged again by the other one, it is the same log.
      const [again] = await early(() => before.createLogs([child]));
      expect(again?.id).toBe(updated?.id);

      for (const [store, clock] of [
        [before, early],
        [after, late],
      ] as const) {
        for (const search of ['zanzibar', 'mafia', 'pemba', 'kilwa', 'zanzibar kilwa']) {
          const { sessions } = await clock(() => store.viewer.listSessions({ search, size: 5 }));
          expect(sessions, search).toMatchObject([{ logs: 2, errors: 2 }]);
        }
      }
      expect(await findFaults(url)).toEqual([]);
    });

    test('what is dropped at midnight by the first is no fault of another, for which it is still the day before', async () => {
      const url = await cluster.createSchema();
      const [before, after] = [await openStore(url), await openStore(url)];
      const border = MIDNIGHT - KEPT_DAYS * DAY_MILLIS;
      const logAt = (millis: number, name: string) =>
        at(millis, () => before.createLogs([log({ reference_id: name, session_reference_id: name, output: name })]));
      await logAt(border - 1, 'last');
      await logAt(border, 'first');
      const maintain = () =>
        withClient(url, (client) => maintainPartitions(client, { retentionDays: KEPT_DAYS }).then(() => undefined));
      const stored = async () => {
        const { rows } = await withClient(url, (client) => client.query('SELECT reference_id FROM logs ORDER BY id'));
        return rows.map((row) => row.reference_id as string);
      };
      await at(MIDNIGHT - 1, maintain);
      expect(await stored()).toEqual(['last', 'first']);
      await at(MIDNIGHT, maintain);
      expect(await stored()).toEqual(['first']);

      const late = MIDNIGHT - MINUTE_MILLIS;
      // It has seen it, and remembers it.
      expect(await at(late, () => before.updateLog({ referenceId: 'last' }, { output: 'new' }))).toBeUndefined();
      expect(await at(late, () => before.updateLog({ referenceId: 'first' }, { output: 'new' }))).toBeDefined();
      expect(await at(MIDNIGHT, () => after.updateLog({ referenceId: 'first' }, { duration: 1 }))).toBeDefined();
      const search = (millis: number, word: string) =>
        at(millis, async () => (await before.viewer.listSessions({ search: word, size: 5 })).sessions.length);
      expect([await search(late, 'last'), await search(late, 'first')]).toEqual([0, 1]);
      await at(late, () => before.createLogs([log({ reference_id: 'last', session_reference_id: 'last' })]));
      await at(late, maintain);
      expect(await stored()).toEqual(['first', 'last']);
      expect(await findFaults(url)).toEqual([]);
    });
  });
}
