/** Databases that end what takes too long, or have no memory for it. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import type { Store } from '../../../../src/server/store/store.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { createOne, log } from '../../sample-log.ts';

const MIGRATING = `SELECT pg_advisory_lock(${0x686c_6f74})`;
/** What may take long, and what it waits for here. */
const LONG: Readonly<Record<string, readonly [lock: string, work: (store: Store, url: string) => Promise<unknown>]>> = {
  'a start while another server migrates': [
    MIGRATING,
    async (_store, url) => (await openPostgresStore({ url })).close(),
  ],
  'a look at the size': ['LOCK TABLE logs IN ACCESS EXCLUSIVE MODE', (store) => store.prune({ maxBytes: 1_000_000 })],
  'a deletion of the feedback of a user': [
    'LOCK TABLE feedback IN ACCESS EXCLUSIVE MODE',
    (store) => store.deleteLogsOfUser('ann'),
  ],
  'a cleaning': ['LOCK TABLE logs IN SHARE UPDATE EXCLUSIVE MODE', (store) => store.eraseDeleted()],
};

for (const binaries of findPostgres()) {
  describe(`limits of ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
    });
    afterAll(() => cluster?.stop(), 60_000);

    const createDatabase = async (name: string): Promise<string> => {
      await withClient(cluster.url, (client) => client.query(`CREATE DATABASE ${name}`));
      return cluster.url.replace(/postgres$/, name);
    };

    /** Its transactions may take 800 ms; `undefined` where the server knows no such limit. */
    const createHasty = async (name: string): Promise<string | undefined> => {
      const url = await createDatabase(name);
      const { rows } = await withClient(url, (client) =>
        client.query(`SELECT 1 FROM pg_settings WHERE name = 'transaction_timeout'`),
      );
      if (rows.length === 0) return undefined;
      await withClient(url, (client) => client.query(`ALTER DATABASE ${name} SET transaction_timeout = 800`));
      return url;
    };

    const whileLocked = <Result>(url: string, lock: string, begin: () => Promise<Result>): Promise<Result> =>
      withClient(url, async (holder) => {
        await holder.query(`SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'`);
        await holder.query(`BEGIN; ${lock}`);
        const done = begin();
        done.catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, 1_200));
        await holder.query('COMMIT; SELECT pg_advisory_unlock_all()');
        return done;
      });

    test('writes that wait for longer than a transaction may take are done again', async (context) => {
      const url = await createHasty('hasty');
      if (url === undefined) return context.skip();
      const store = await openPostgresStore({ url });
      onTestFinished(() => store.close());
      const { id } = await createOne(store);
      const updated = await whileLocked(url, 'LOCK TABLE logs IN EXCLUSIVE MODE', () =>
        store.updateLog({ id }, { output: 'late' }),
      );
      expect(updated).toMatchObject({ output: 'late' });
    });

    test.each(Object.entries(LONG))('%s takes as long as it takes', async (name, [lock, work]) => {
      const url = await createHasty(name.replaceAll(' ', '_'));
      if (url === undefined) return;
      const store = await openPostgresStore({ url });
      onTestFinished(() => store.close());
      await createOne(store);
      await whileLocked(url, lock, () => work(store, url));
    });

    test('a start waits for another server that migrates, however long statements may wait for locks', async () => {
      const url = await createDatabase('impatient');
      await withClient(url, (client) => client.query('ALTER DATABASE impatient SET lock_timeout = 300'));
      await whileLocked(url, MIGRATING, async () => (await openPostgresStore({ url })).close());
    });

    test('a server without memory for locks says so, and goes on when it has some', async () => {
      const url = await createDatabase('crowded');
      const store = await openPostgresStore({ url });
      onTestFinished(() => store.close());
      await createOne(store);
      const refused = {
        reason: 'unreachable',
        message: expect.stringContaining('raise its max_locks_per_transaction (out of shared memory)'),
      };
      await withClient(cluster.url, async (holder) => {
        const fill = 'SELECT pg_advisory_lock(number) FROM generate_series(1, 1000000) AS number';
        await expect(holder.query(fill)).rejects.toThrow('out of shared memory');
        await expect(
          store.createLogs(Array.from({ length: 9 }, () => log({ session_reference_id: 's' }))),
        ).rejects.toMatchObject(refused);
        await expect(store.viewer.listSessions({ search: 'word', size: 5 })).rejects.toMatchObject(refused);
        // A write that has been tried meanwhile is tried again.
        const late = createOne(store);
        await new Promise((resolve) => setTimeout(resolve, 50));
        await holder.query('SELECT pg_advisory_unlock_all()');
        await late;
      });
    });
  });
}
