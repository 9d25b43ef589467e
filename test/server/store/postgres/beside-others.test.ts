/** Deletions, retention and partitions, while another server does the like. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createErasure } from '../../../../src/server/store/postgres/erasure/erasure.ts';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { connect } from '../../../../src/server/store/postgres/tables/connection.ts';
import { dayOf, nextDay } from '../../../../src/server/store/postgres/tables/identifiers.ts';
import { sessionKey } from '../../../../src/server/store/postgres/tables/keys.ts';
import { maintainPartitions, makePartitionsOf } from '../../../../src/server/store/postgres/tables/partitions.ts';
import { DAILY_TABLES } from '../../../../src/server/store/postgres/tables/schema.ts';
import type { Store } from '../../../../src/server/store/store.ts';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { createOne, log } from '../../sample-log.ts';

const DAY_MILLIS = 86_400_000;
const SERVERS = 6;

for (const binaries of findPostgres()) {
  describe(`beside others on ${binaries.name}`, () => {
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

    /** Holds what `lock` locks until `begin` waits for it, and does `meanwhile` then. */
    const whileLocked = async <Result>(
      url: string,
      lock: string,
      begin: () => Promise<Result>,
      meanwhile: (holder: pg.Client) => Promise<unknown>,
    ): Promise<Result> => {
      const begun = await withClient(url, async (holder) => {
        await holder.query(`BEGIN; ${lock}`);
        const result = begin();
        result.catch(() => {});
        const waiting = `SELECT count(*)::int AS count FROM pg_stat_activity WHERE wait_event_type = 'Lock'`;
        await withClient(url, (watcher) =>
          expect.poll(async () => (await watcher.query(waiting)).rows[0].count, { timeout: 8_000 }).toBe(1),
        );
        await meanwhile(holder);
        await holder.query('COMMIT');
        return { result };
      });
      return begun.result;
    };

    test('a log that another server moves to another session while it is deleted counts in none', async () => {
      const url = await cluster.createSchema();
      const store = await open(url);
      await store.createLogs(['a', 'b', 'a'].map((name) => log({ session_reference_id: name, prompt_tokens: 1 })));
      const { id } = await createOne(store, { session_reference_id: 'a', error: 'moved', prompt_tokens: 7 });
      const deleted = await whileLocked(
        url,
        `SELECT 1 FROM logs WHERE id = '${id}' FOR UPDATE`,
        () => store.deleteLogs([id]),
        (holder) =>
          holder.query(`
            UPDATE logs SET session = sessions.key FROM sessions WHERE logs.id = '${id}' AND sessions.reference_id = 'b';
            UPDATE sessions SET logs = logs - 1, errors = errors - 1, prompt_tokens = prompt_tokens - 7
              WHERE reference_id = 'a';
            UPDATE sessions SET logs = logs + 1, errors = errors + 1, prompt_tokens = prompt_tokens + 7,
              buckets = buckets || (SELECT bucket FROM logs WHERE id = '${id}') WHERE reference_id = 'b'`),
      );
      expect(deleted).toEqual({ logs: 1, sessions: 0 });
      expect(await findFaults(url)).toEqual([]);
    });

    test('feedback of a user is taken from sessions in the order in which all lock them', async () => {
      const url = await cluster.createSchema();
      const store = await open(url);
      const names = Array.from({ length: 100 }, (_, index) => `s${index}`);
      const [first] = names.toSorted((left, right) => sessionKey(left).bucket - sessionKey(right).bucket);
      const other = names.find((name) => sessionKey(name).key < sessionKey(first!).key)!;
      const feedback = { type: 'rating', value: 'good', user: 'ann' };
      await store.createLogs([first!, other].map((name) => log({ session_reference_id: name, feedback })));
      const keyOf = (name: string) => `SELECT 1 FROM sessions WHERE reference_id = '${name}' FOR UPDATE`;
      const locked = whileLocked(
        url,
        keyOf(first!),
        () => store.deleteLogsOfUser('ann'),
        (holder) => holder.query(`${keyOf(other)} NOWAIT`),
      );
      expect(await locked).toEqual({ logs: 0, sessions: 0 });
      const { sessions } = await store.viewer.listSessions({ feedback: '*', size: 5 });
      expect(sessions).toEqual([]);
    });

    test('a day that another server drops first is no fault', async () => {
      const url = await cluster.createSchema();
      const store = await open(url);
      await withClient(url, (client) => makePartitionsOf(client, ['2020-01-01']));
      await whileLocked(
        url,
        'LOCK TABLE logs_p20200101 IN ACCESS EXCLUSIVE MODE',
        () => store.prune({ olderThan: new Date().toISOString().replace('Z', '000Z') }),
        (holder) => holder.query('DROP TABLE logs_p20200101'),
      );
      const { rows } = await withClient(url, (client) =>
        client.query(`SELECT relname FROM pg_class WHERE relname LIKE '%_p20200101'
          AND relnamespace = current_schema()::regnamespace`),
      );
      expect(rows).toEqual([]);
    });

    const dropDays = (url: string, condition: string) =>
      withClient(url, async (client) => {
        const { rows } = await client.query(
          `SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid
           WHERE inhparent = ANY($1::text[]::regclass[]) AND right(relname, 8) ${condition}`,
          [Object.keys(DAILY_TABLES)],
        );
        for (const { relname } of rows) await client.query(`DROP TABLE ${relname}`);
      });

    test('servers that were stopped for a week make the days ahead when they start', async () => {
      const url = await cluster.createSchema();
      await (await openPostgresStore({ url })).close();
      const tomorrow = new Date(Date.now() + DAY_MILLIS).toISOString().slice(0, 10).replaceAll('-', '');
      await dropDays(url, `>= '${tomorrow}'`);
      const stores = await Promise.all(Array.from({ length: SERVERS }, () => open(url)));
      for (const store of stores) await expect.poll(() => store.readiness()).toEqual({ status: 'ok' });
    });

    test('a day that a writer makes while it is made ahead is made once', async () => {
      const url = await cluster.createSchema();
      await (await openPostgresStore({ url })).close();
      const day = nextDay(dayOf(Date.now()), 3);
      const name = `logs_p${day.replaceAll('-', '')}`;
      await withClient(url, async (client) => {
        await client.query(`DROP TABLE ${name}`);
        const made = whileLocked(
          url,
          `CREATE TABLE ${name} PARTITION OF logs FOR VALUES FROM ('${day}') TO ('${nextDay(day)}')`,
          () => maintainPartitions(client),
          async () => {},
        );
        expect(await made).toBe(true);
      });
    });

    test('a day that is missing is made by all who need it at once', async () => {
      const url = await cluster.createSchema();
      const stores = await Promise.all(Array.from({ length: SERVERS }, () => open(url)));
      for (const store of stores) await createOne(store);
      for (let round = 0; round < 5; round += 1) {
        await dropDays(url, `>= '0'`);
        await Promise.all(stores.map((store, index) => createOne(store, { session_reference_id: `s${index}` })));
      }
    });

    test('a clean-up that fails leaves no connection without a limit', async () => {
      const url = await cluster.createSchema();
      await open(url);
      await withClient(url, (client) => client.query('DROP TABLE trace_calls'));
      const { reads, writes, close } = connect(url, () => {});
      onTestFinished(close);
      const unusedWords = { forgetAll: async () => {} };
      const { eraseDeleted } = createErasure({ reads, writes, unusedWords } as never);
      await expect(eraseDeleted()).rejects.toThrow('trace_calls');
      expect((await writes.query('SHOW statement_timeout')).rows).toEqual([{ statement_timeout: '10s' }]);
      expect(writes.totalCount).toBe(1);
    });
  });
}
