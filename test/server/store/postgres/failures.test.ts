/** What a database that goes away, and servers that are killed, do to writes: nothing that was answered is lost. */
import { createConnection, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import type { Store } from '../../../../src/server/store/store.ts';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { Random } from '../../../support/random.ts';
import { startTestServer } from '../../../support/start-test-server.ts';
import { createOne, log } from '../../sample-log.ts';

for (const binaries of findPostgres()) {
  describe(`failures of ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries);
    });
    afterAll(() => cluster?.stop(), 60_000);

    const open = async (url: string): Promise<Store> => {
      const store = await openPostgresStore({ url });
      onTestFinished(() => store.close());
      return store;
    };

    test('kill -9 of the database: nothing that was answered is lost, nothing is there twice', async () => {
      const url = await cluster.createSchema();
      const stores = [await open(url), await open(url)];
      const answered = new Map<string, string>();
      const other: unknown[] = [];
      let isOver = false;
      const work = async (store: Store, worker: number) => {
        for (let round = 0; !isOver; round += 1) {
          const requests = Array.from({ length: 5 }, (_, index) =>
            log({ reference_id: `${worker}-${round}-${index}`, session_reference_id: `s${round % 7}`, output: 'x' }),
          );
          // As an exporter does: again until it is answered.
          for (;;) {
            try {
              for (const [index, { id }] of (await store.createLogs(requests)).entries()) {
                answered.set(requests[index]!.reference_id!, id);
              }
              break;
            } catch (error) {
              if ((error as Error).name !== 'StoreUnavailableError') other.push(error);
              await new Promise((resolve) => setTimeout(resolve, 50));
              if (isOver) return;
            }
          }
        }
      };
      const workers = [0, 1, 2, 3, 4, 5].map((worker) => work(stores[worker % 2]!, worker));
      for (let kill = 0; kill < 3; kill += 1) {
        const before = answered.size;
        await expect.poll(() => answered.size).toBeGreaterThan(before + 20);
        await new Promise((resolve) => setTimeout(resolve, 150 * kill));
        await cluster.kill();
        await cluster.start();
      }
      const before = answered.size;
      await expect.poll(() => answered.size).toBeGreaterThan(before + 20);
      isOver = true;
      await Promise.all(workers);
      expect(other).toEqual([]);
      expect(await findFaults(url)).toEqual([]);
      const { rows } = await withClient(url, (client) => client.query('SELECT reference_id, id FROM logs'));
      const stored = new Map(rows.map((row) => [row.reference_id, row.id]));
      for (const [reference, id] of answered) expect(stored.get(reference), reference).toBe(id);
    });

    test('a commit whose answer is lost is found when it is repeated', async () => {
      const url = await cluster.createSchema();
      const proxy = await startProxy(url);
      const store = await open(proxy.url);
      await createOne(store, { output: 'before' });
      proxy.loseNextCommits(2);
      const answers = await Promise.all([
        store.createLogs([log({ output: 'no reference' }), log({ reference_id: 'r', session_reference_id: 's' })]),
        store.createLogs([log({ session_reference_id: 's', feedback: { type: 'rating', value: 'good' } })]),
      ]);
      expect(proxy.lost()).toBeGreaterThan(0);
      expect(await findFaults(url)).toEqual([]);
      const { rows } = await withClient(url, (client) =>
        client.query(
          `SELECT (SELECT count(*) FROM logs)::int AS logs, (SELECT count(*) FROM feedback)::int AS feedback`,
        ),
      );
      expect(rows[0]).toEqual({ logs: 4, feedback: 1 });
      for (const { id } of answers.flat()) expect(await store.getLog(id)).toBeDefined();
    });

    test('a commit whose answers are all lost is a 503 that says so, and is found when the request comes again', async () => {
      const url = await cluster.createSchema();
      const proxy = await startProxy(url);
      const store = await open(proxy.url);
      const request = log({ reference_id: 'r', session_reference_id: 's' });
      proxy.loseNextCommits(50);
      await expect(store.createLogs([request])).rejects.toMatchObject({
        reason: 'unreachable',
        message: expect.stringMatching(
          /^the PostgreSQL database is not available \(the outcome of a write is not known: .+\)$/,
        ),
      });
      expect(proxy.lost()).toBeGreaterThan(1);
      proxy.loseNextCommits(0);
      const id = (await store.createLogs([request]))[0]!.id;
      const { rows } = await withClient(url, (client) => client.query('SELECT id FROM logs'));
      expect(rows).toEqual([{ id }]);
    }, 60_000);

    test('an update whose answer is lost, of a log that another server then deletes, is answered at once', async () => {
      const url = await cluster.createSchema();
      const proxy = await startProxy(url);
      const [store, other] = [await open(proxy.url), await open(url)];
      const { id } = await createOne(store, { reference_id: 'r', output: 'before' });
      proxy.loseNextCommits(1, true);
      const answer = store.updateLog({ referenceId: 'r' }, { output: 'changed' });
      await expect.poll(() => proxy.lost()).toBe(1);
      // Before the turn is repeated.
      await other.deleteLogs([id]);
      proxy.release();
      expect(await answer).toBeUndefined();
      expect(await findFaults(url)).toEqual([]);
      expect((await createOne(store, { reference_id: 'r' })).id).not.toBe(id);
    });

    test('words of a commit whose answer is lost are written, with the repeat or when the server ends', async () => {
      const url = await cluster.createSchema();
      const proxy = await startProxy(url);
      const store = await openPostgresStore({ url: proxy.url });
      onTestFinished(() => store.close());
      await createOne(store, { output: 'before' });
      const readWords = async () => {
        const { rows } = await withClient(url, (client) => client.query('SELECT word FROM words'));
        return rows.map(({ word }) => word);
      };
      proxy.loseNextCommits(1);
      await createOne(store, { output: 'zuckerwatte' });
      expect(await readWords()).toContain('zuckerwatte');
      // All tries are lost: whoever asked for it does not come again.
      proxy.loseNextCommits(20);
      await expect(createOne(store, { output: 'karussell' })).rejects.toMatchObject({ name: 'StoreUnavailableError' });
      proxy.loseNextCommits(0);
      await withClient(url, (client) => client.query(`DELETE FROM words WHERE word = 'karussell'`));
      await store.close();
      expect(await readWords()).toContain('karussell');
    });

    test('an error in the middle of a turn fails its request alone, and the connection is clean after it', async () => {
      const url = await cluster.createSchema();
      const store = await open(url);
      await createOne(store);
      await withClient(url, (client) =>
        client.query(`ALTER TABLE logs ADD CONSTRAINT no_bad CHECK (output IS DISTINCT FROM 'bad')`),
      );
      // Enough to fill a turn while another one runs.
      const results = await Promise.allSettled(
        Array.from({ length: 30 }, (_, index) =>
          store.createLogs([log({ output: index % 10 === 5 ? 'bad' : 'good' })]),
        ),
      );
      expect(results.map(({ status }) => status === 'fulfilled')).toEqual(
        Array.from({ length: 30 }, (_, index) => index % 10 !== 5),
      );
      expect(await findFaults(url)).toEqual([]);
    });

    test('while the database is away, requests are answered with 503, and then go on', async () => {
      const url = await cluster.createSchema();
      const server = await startTestServer({ file: undefined, database: url, onError: () => {} });
      expect((await server.call('POST', '/v4/logs', log({ reference_id: 'a' }))).status).toBe(200);
      expect(await server.call('GET', '/readyz')).toMatchObject({ status: 200, body: { status: 'ok' } });
      await cluster.kill();
      try {
        const refused = await server.call('POST', '/v4/logs', log({ reference_id: 'b' }));
        expect(refused.status).toBe(503);
        expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
        expect((await server.call('GET', '/viewer/api/sessions')).status).toBe(503);
        expect(await server.call('GET', '/readyz')).toMatchObject({ status: 503, body: { status: 'unavailable' } });
        expect((await server.call('GET', '/healthz')).status).toBe(200);
      } finally {
        await cluster.start();
      }
      expect((await server.call('POST', '/v4/logs', log({ reference_id: 'b' }))).status).toBe(200);
      expect((await server.call('GET', '/readyz')).status).toBe(200);
    });

    test('a name of a project that the index does not take is refused, and nothing else is', async () => {
      const url = await cluster.createSchema();
      const store = await open(url);
      const random = new Random(7);
      const long = Array.from({ length: 3_000 }, () => random.between(0, 35).toString(36)).join('');
      const tooLong = /the name of the project ".{60}…" is too long: 2600 bytes fit/;
      const made = createOne(store, { output: 'beside it' });
      await expect(store.createLogs([log({ project: 'a' }), log({ project: long.repeat(3) })])).rejects.toMatchObject({
        ...{ name: 'RejectedItemError', index: 1, field: 'project', message: expect.stringMatching(tooLong) },
      });
      await made;
      await expect(store.createProject(long.repeat(3))).rejects.toMatchObject({ field: 'name' });
      await expect(store.projects.registerConfig({ name: long.repeat(3) }, { model: 'm' })).rejects.toThrow(tooLong);
      const { id } = (await store.createProject('short'))!;
      await expect(store.projects.update(id, { name: long.repeat(3) })).rejects.toMatchObject({ field: 'name' });
      expect(await store.projects.update(id, { name: long.slice(0, 2_600) })).toMatchObject({ id });
      expect(await createOne(store, { project: long.slice(0, 2_600) })).toMatchObject({ project_id: id });
    });

    test('of the projects of a request of which one is refused, none is made', async () => {
      const url = await cluster.createSchema();
      const store = await open(url);
      const random = new Random(7);
      const long = Array.from({ length: 9_000 }, () => random.between(0, 35).toString(36)).join('');
      await createOne(store, { project: 'there' });
      const names = ['b', 'there', 'a', 'b', long, 'c'];
      await expect(store.createLogs(names.map((project) => log({ project })))).rejects.toMatchObject({
        ...{ name: 'RejectedItemError', index: 4, field: 'project' },
      });
      const list = async () =>
        (await withClient(url, (client) => client.query('SELECT name FROM projects ORDER BY name'))).rows;
      expect(await list()).toEqual([{ name: 'there' }]);
      const others = names.filter((name) => name !== long);
      const made = await Promise.all(
        Array.from({ length: 6 }, (_, index) => {
          const ordered = index % 2 === 0 ? others : others.toReversed();
          return store.createLogs(ordered.map((project) => log({ project })));
        }),
      );
      expect(new Set(made.flat().map(({ project_id }) => project_id)).size).toBe(4);
      expect(await list()).toEqual(['a', 'b', 'c', 'there'].map((name) => ({ name })));
    });

    test('a partition that is missing is made by the write that needs it', async () => {
      const url = await cluster.createSchema();
      const store = await open(url);
      await withClient(url, async (client) => {
        const { rows } = await client.query(
          `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent::regclass::text IN ('logs', 'log_words')`,
        );
        for (const { name } of rows) await client.query(`DROP TABLE ${name}`);
      });
      const { id } = await createOne(store, { output: 'here' });
      expect(await store.getLog(id)).toMatchObject({ output: 'here' });
    });

    test('a wrong address, and a user that is refused, are one clear line', async () => {
      await expect(openPostgresStore({ url: 'postgres://nobody@127.0.0.1:1/x' })).rejects.toMatchObject({
        name: 'StoreUnavailableError',
        reason: 'unreachable',
      });
      const refused = cluster.url.replace('postgres@', 'unknown:secret@');
      await expect(openPostgresStore({ url: refused })).rejects.toMatchObject({ reason: 'refused' });
      await expect(openPostgresStore({ url: refused })).rejects.not.toThrow(/secret/);
    });
  });
}

/** Passes everything on, and can cut connections at the moment when a commit was sent and its answer has come. */
async function startProxy(target: string) {
  const { port } = new URL(target);
  let [toLose, lost, holds] = [0, 0, false];
  /** What is not sent on to the database yet. */
  let held: (() => void)[] | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = createConnection(Number(port), '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
    let isCommitting = false;
    client.on('data', (chunk) => {
      if (chunk.includes('COMMIT') && toLose > 0) isCommitting = true;
      if (held) held.push(() => upstream.write(chunk));
      else upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (isCommitting && chunk.includes('COMMIT') && toLose > 0) {
        toLose -= 1;
        lost += 1;
        if (holds) held = [];
        client.destroy();
      } else client.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url = new URL(target);
  url.port = String((server.address() as { port: number }).port);
  return {
    url: url.href,
    /** `thenHold`: nothing more gets to the database until `release`. */
    loseNextCommits: (count: number, thenHold = false) => {
      toLose = count;
      holds = thenHold;
    },
    release: () => {
      const sendAll = held ?? [];
      held = undefined;
      for (const send of sendAll) send();
    },
    lost: () => lost,
  };
}
