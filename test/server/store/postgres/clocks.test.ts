/** Servers whose clocks differ by minutes, on both sides of midnight. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../../support/postgres/cluster.ts';
import { log } from '../../sample-log.ts';

const DAY_MILLIS = 86_400_000;
const MINUTE_MILLIS = 60_000;
const MIDNIGHT = Math.floor(Date.now() / DAY_MILLIS) * DAY_MILLIS;

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
  });
}
