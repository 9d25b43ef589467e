/** What is written of a session, while another server counts it again. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import {
  commit,
  connect,
  NotCommitted,
  pipelined,
  pipelinedTo,
} from '../../../../src/server/store/postgres/tables/connection.ts';
import type { Store } from '../../../../src/server/store/store.ts';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { createOne, log } from '../../sample-log.ts';

for (const binaries of findPostgres()) {
  describe(`sessions that are locked on ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
    });
    afterAll(() => cluster?.stop(), 60_000);

    const open = async (url: string): Promise<Store> => {
      const store = await openPostgresStore({ url });
      onTestFinished(() => store.close());
      return store;
    };

    /** Holds all sessions until so many transactions wait for them that `begin` has begun one after the other. */
    const whileLocked = async (url: string, begin: readonly (() => Promise<unknown>)[]): Promise<void> => {
      const begun: Promise<unknown>[] = [];
      await withClient(url, (holder) =>
        withClient(url, async (watcher) => {
          await holder.query('BEGIN; SELECT 1 FROM sessions FOR UPDATE');
          for (const each of begin) {
            begun.push(each());
            await expect
              .poll(
                async () => {
                  const waiting = `SELECT count(*)::int AS count FROM pg_stat_activity
                    WHERE wait_event_type = 'Lock' AND application_name = 'humanloop-otel'`;
                  return (await watcher.query(waiting)).rows[0].count;
                },
                { timeout: 5_000 },
              )
              .toBe(begun.length);
          }
          await holder.query('COMMIT');
        }),
      );
      await Promise.all(begun);
    };

    test('a log keeps what its session is found by, if another server deletes the last other log that has it', async () => {
      const url = await cluster.createSchema();
      const [store, other] = [await open(url), await open(url)];
      const known = { session_reference_id: 's', metadata: { user_id: 'ada' }, environment: 'prod' };
      await createOne(store, { session_reference_id: 's', project: 'of the session' });
      const { id } = await createOne(store, known);
      await whileLocked(url, [() => other.deleteLogs([id]), () => createOne(store, known)]);
      const { sessions } = await store.viewer.listSessions({ user: 'ada', environment: 'prod', size: 5 });
      expect(sessions).toMatchObject([{ logs: 2, reference_id: 's' }]);
      expect(await findFaults(url)).toEqual([]);
    });

    test('a log keeps the project of its session, if another server deletes the last other log of that project', async () => {
      const url = await cluster.createSchema();
      const [store, other] = [await open(url), await open(url)];
      await createOne(store, { session_reference_id: 's', project: 'first' });
      const { id, project_id: projectId } = await createOne(store, { session_reference_id: 's', project: 'second' });
      await whileLocked(url, [
        () => other.deleteLogs([id]),
        () => createOne(store, { session_reference_id: 's', project: 'second' }),
      ]);
      expect(await store.listSessions({ projectId, page: 1, size: 5 })).toMatchObject({ total: 1 });
      expect(await findFaults(url)).toEqual([]);
    });

    test('a log is deleted while another server merges its session', async () => {
      const url = await cluster.createSchema();
      const [store, other] = [await open(url), await open(url)];
      const { id } = await createOne(store, { reference_id: 'child', parent_reference_id: 'parent' });
      await whileLocked(url, [
        () => createOne(other, { reference_id: 'parent', session_reference_id: 's' }),
        async () => expect(await store.deleteLogs([id])).toEqual({ logs: 1, sessions: 0 }),
      ]);
      const { sessions } = await store.viewer.listSessions({ size: 5 });
      expect(sessions).toMatchObject([{ logs: 1, reference_id: 's' }]);
      expect(await findFaults(url)).toEqual([]);
    });

    test('updates and logs of a session that another server has merged are written to the one that it is now', async () => {
      const url = await cluster.createSchema();
      const [store, other] = [await open(url), await open(url)];
      await createOne(store, { reference_id: 'child', parent_reference_id: 'parent', output: 'before' });
      // The other server merges the session of the child into this one, of which the first knows nothing.
      await createOne(other, { reference_id: 'parent', session_reference_id: 's' });
      const updated = await store.updateLog({ referenceId: 'child' }, { output: 'changed' });
      expect(updated).toMatchObject({ output: 'changed' });
      await store.createLogs([log({ reference_id: 'second', parent_reference_id: 'child' })]);
      const { sessions } = await other.viewer.listSessions({ size: 5 });
      expect(sessions).toMatchObject([{ logs: 3, reference_id: 's', last_output: 'changed' }]);
      expect(await findFaults(url)).toEqual([]);
    });

    test('what is committed without its transaction, which could not begin, is stored once', async () => {
      const url = await cluster.createSchema();
      const store = await open(url);
      await createOne(store);
      const query = pg.Client.prototype.query as (this: pg.Client, ...parameters: unknown[]) => unknown;
      let failed = 0;
      vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...parameters: unknown[]) {
        const [{ text }] = parameters as [{ text?: string }];
        if (failed > 0 || !text?.startsWith('BEGIN; SET LOCAL enable_seqscan')) return query.apply(this, parameters);
        failed += 1;
        return query.call(this, { text: `DO $$ BEGIN RAISE 'canceled' USING ERRCODE = '57014'; END $$` });
      } as never);
      onTestFinished(() => void vi.restoreAllMocks());
      const { id } = await createOne(store, { output: 'once' });
      expect(failed).toBe(1);
      vi.restoreAllMocks();
      expect(await store.getLog(id)).toMatchObject({ output: 'once' });
      const { rows } = await withClient(url, (client) => client.query('SELECT count(*)::int AS count FROM logs'));
      expect(rows).toEqual([{ count: 2 }]);
      expect(await findFaults(url)).toEqual([]);
    });

    test('a commit behind a statement that fails, or that cannot be sent, is none', async () => {
      const url = await cluster.createSchema();
      const { writes, close } = connect(url, () => {});
      onTestFinished(close);
      const client = await writes.connect();
      onTestFinished(() => client.release());
      const insert = { text: 'INSERT INTO numbers VALUES ($1)', values: [1] };
      await client.query('CREATE TABLE numbers (number int)');
      let commits = 0;
      const sendCommit = async () => {
        commits += 1;
        await commit(client);
      };
      const failing = [{ text: 'BEGIN' }, insert, { text: 'SELECT 1 / 0' }, insert];
      await expect(pipelinedTo(sendCommit, client, failing)).rejects.toThrow('division by zero');
      expect(commits).toBe(1);
      await pipelined(client, [{ text: 'BEGIN' }]);
      await client.query('SELECT 1 / 0').catch(() => {});
      await expect(commit(client)).rejects.toThrow(NotCommitted);

      const unsendable = {
        toPostgres: () => {
          throw new Error('cannot be sent');
        },
      };
      const unsent = [{ text: 'BEGIN' }, insert, { ...insert, values: [unsendable as never] }];
      await expect(pipelinedTo(sendCommit, client, unsent)).rejects.toThrow('cannot be sent');
      expect(commits).toBe(1);
      await client.query('ROLLBACK');
      await pipelinedTo(sendCommit, client, [{ text: 'BEGIN' }, insert]);
      expect((await client.query('SELECT count(*) AS count FROM numbers')).rows).toEqual([{ count: 1 }]);
    });
  });
}
