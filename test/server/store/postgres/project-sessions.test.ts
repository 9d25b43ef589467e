/** The sessions of a project, which are listed and counted without a look at logs that are in no session. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { settleProjects } from '../../../../src/server/store/postgres/writing/session-projects.ts';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { log } from '../../sample-log.ts';

const ALONE = 400;
const PLAIN = { isDistributed: false, shardOrder: [] };

describe.each(findPostgres())('$name: the sessions of a project', (binaries) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries, ['fsync=off']);
  });
  afterAll(() => cluster?.stop());

  const openWithLogs = async () => {
    const url = await cluster.createSchema();
    const store = await openPostgresStore({ url });
    onTestFinished(() => store.close());
    const sessions = ['a', 'b', 'c'].map((reference) => log({ session_reference_id: reference }));
    // The last one waits for a log of a session, and is then in it.
    const [created] = await store.createLogs([...sessions, log({ parent_reference_id: 'late' })]);
    await store.createLogs(Array.from({ length: ALONE }, () => log()));
    await store.createLogs([log({ reference_id: 'late', session_reference_id: 'd' })]);
    const list = () => store.listSessions({ projectId: created!.project_id, page: 1, size: 2 });
    return { url, store, list };
  };

  test('are listed and counted without those that stand for logs in no session', async () => {
    const { url, list } = await openWithLogs();
    const statements = vi.spyOn(pg.Pool.prototype, 'query');
    expect(await list()).toMatchObject({ total: 4, records: [{ reference_id: 'd' }, {}] });
    const sent = statements.mock.calls as unknown as [unknown, unknown[]][];
    vi.restoreAllMocks();
    const own = sent.filter(([text]) => typeof text === 'string' && text.includes('session_projects'));
    expect(own).toHaveLength(3);
    await withClient(url, async (client) => {
      // So few are read faster as a whole.
      await client.query('ANALYZE; SET enable_seqscan = off; SET enable_bitmapscan = off');
      for (const [text, values] of own) {
        const { rows } = await client.query(`EXPLAIN (ANALYZE, TIMING OFF) ${text}`, values);
        const read = rows.flatMap(
          (row) => /actual rows=([\d.]+)|by Filter: (\d+)/.exec(row['QUERY PLAN'])?.slice(1) ?? [],
        );
        expect(Math.max(...read.map((count) => Number(count ?? 0)))).toBeLessThan(ALONE / 2);
      }
    });
    expect(await findFaults(url)).toEqual([]);
  });

  test('are the same where a server of an earlier version has written them, until that is settled and afterwards', async () => {
    const { url, list } = await openWithLogs();
    const before = await list();
    await withClient(url, async (client) => {
      const countUnknown = async () =>
        Number((await client.query('SELECT count(*) FROM session_projects WHERE has_id IS NULL')).rows[0].count);
      expect(await countUnknown()).toBe(0);
      await client.query('UPDATE session_projects SET has_id = NULL');
      expect(await list()).toEqual(before);
      await settleProjects(client, PLAIN);
      expect(await countUnknown()).toBe(0);
    });
    expect(await list()).toEqual(before);
    expect(await findFaults(url)).toEqual([]);
  });

  test('are counted where one was deleted and made again while that was settled', async () => {
    const { url, store, list } = await openWithLogs();
    const { total } = (await list())!;
    await withClient(url, async (client) => {
      const { rows } = await client.query(`DELETE FROM sessions WHERE reference_id = 'a' RETURNING key`);
      await client.query('UPDATE session_projects SET has_id = NULL WHERE session = $1', [rows[0].key]);
      await settleProjects(client, PLAIN);
    });
    expect(await list()).toMatchObject({ total: total - 1 });
    await store.createLogs([log({ session_reference_id: 'a' })]);
    expect(await list()).toMatchObject({ total });
  });

  test('are those of logs of another project below a log that is there, before it is settled and afterwards', async () => {
    const { url, store } = await openWithLogs();
    const [top] = await store.createLogs([log({ reference_id: 'top', session_reference_id: 'e' })]);
    await store.createLogs([log({ reference_id: 'loose' })]);
    // Each in a turn of its own: a writer does not know whether the log above is in a session.
    const below = ['top', 'loose'].map((parent) => log({ project: 'other', parent_reference_id: parent }));
    const [created] = await store.createLogs(below);
    const list = () => store.listSessions({ projectId: created!.project_id, page: 1, size: 5 });
    const expected = { total: 1, records: [{ id: top!.session_id }] };
    expect(await list()).toMatchObject(expected);
    await withClient(url, (client) => settleProjects(client, PLAIN));
    expect(await list()).toMatchObject(expected);
    expect(await findFaults(url)).toEqual([]);
  });

  test('are listed when one was deleted while a log came below one of its own, and it goes on', async () => {
    const url = await cluster.createSchema();
    const [store, other] = [await openPostgresStore({ url }), await openPostgresStore({ url })];
    onTestFinished(async () => void (await Promise.all([store.close(), other.close()])));
    await store.createLogs([log({ project: 'own', reference_id: 'top', session_reference_id: 'e' })]);
    const query = pg.Pool.prototype.query;
    let isDeleted = false;
    const deleteOnceFound = async function (this: pg.Pool, statement: unknown, ...rest: unknown[]) {
      const found = await (query as (...given: unknown[]) => Promise<unknown>).call(this, statement, ...rest);
      if (!isDeleted && (statement as { name?: string }).name?.startsWith('find logs')) {
        isDeleted = true;
        await other.prune({ olderThan: '2999-01-01T00:00:00.000000Z' });
      }
      return found;
    };
    const spy = vi.spyOn(pg.Pool.prototype, 'query').mockImplementation(deleteOnceFound as never);
    onTestFinished(() => spy.mockRestore());
    await store.createLogs([log({ project: 'own', parent_reference_id: 'top' })]);
    expect(isDeleted).toBe(true);
    const [again] = await store.createLogs([log({ project: 'own', session_reference_id: 'e' })]);
    const listed = await store.listSessions({ projectId: again!.project_id, page: 1, size: 5 });
    expect(listed).toMatchObject({ total: 1, records: [{ id: again!.session_id }] });
    expect(await findFaults(url)).toEqual([]);
  });
});
