/** Failovers: the address leads to another server, while connections to the one before still stand. */
import { createConnection, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { connect } from '../../../../src/server/store/postgres/tables/connection.ts';
import type { Store } from '../../../../src/server/store/store.ts';
import { findFaults } from '../../../support/postgres/checks.ts';
import {
  findPostgres,
  type PostgresCluster,
  startPostgres,
  startStandby,
  withClient,
} from '../../../support/postgres/cluster.ts';
import { createOne } from '../../sample-log.ts';

const TAKES_NO_WRITES = 'takes no writes: if it is a standby, name the primary in the address';
/** As many as a server reads with at once, and more. */
const READERS = 12;

for (const binaries of findPostgres()) {
  describe(`failovers of ${binaries.name}`, () => {
    let [primary, standby]: (PostgresCluster | undefined)[] = [];
    let url: string;
    beforeEach(async () => {
      primary = await startPostgres(binaries, ['fsync=off']);
      url = await primary.createSchema();
      const store = await openPostgresStore({ url });
      // Both know its project.
      await createOne(store);
      await store.close();
      standby = await startStandby(binaries, primary, ['fsync=off']);
    }, 60_000);
    afterEach(async () => {
      await primary?.stop();
      await standby?.stop();
    }, 60_000);

    const open = async (address: string): Promise<Store> => {
      const store = await openPostgresStore({ url: address });
      onTestFinished(() => store.close());
      return store;
    };
    const readAtOnce = (store: Store, id: string) =>
      Promise.all(Array.from({ length: READERS }, async () => (await store.getLog(id))?.id));
    const everywhere = (id: string) => Array.from({ length: READERS }, () => id);

    test('a standby is read from only while the address leads to it', async () => {
      const address = await startAddress(url);
      const store = await open(address.url);
      const before = await createOne(store);
      await readAtOnce(store, before.id);
      address.leadTo(standby!.url);
      address.cut();
      // It has nothing that is newer than itself.
      await expect.poll(() => readAtOnce(store, before.id)).toEqual(Array.from({ length: READERS }, () => undefined));
      await expect.poll(() => createOne(store).catch((error: Error) => error.message)).toContain(TAKES_NO_WRITES);
      address.leadTo(primary!.url);
      const { id } = await createOne(store);
      expect(await readAtOnce(store, id)).toEqual(everywhere(id));
    });

    test('a standby that is promoted takes writes', async () => {
      const address = await startAddress(url);
      const store = await open(address.url);
      address.leadTo(standby!.url);
      address.cut();
      await expect.poll(() => createOne(store).catch((error: Error) => error.message)).toContain(TAKES_NO_WRITES);
      await withClient(standby!.url, (client) => client.query('SELECT pg_promote()'));
      const { id } = await createOne(store);
      expect(await readAtOnce(store, id)).toEqual(everywhere(id));
    });

    test('what a standby has not got when it is promoted is made again', async () => {
      const address = await startAddress(url);
      const store = await open(address.url);
      const late = { project: 'late', config: { type: 'model', model: 'late' }, output: 'latecomer' } as const;
      await createOne(store, late);
      address.leadTo(standby!.url);
      address.cut();
      await withClient(standby!.url, (client) => client.query('SELECT pg_promote()'));
      let id = '';
      await expect.poll(async () => (id = (await createOne(store, late)).id)).not.toBe('');
      expect(await store.getLog(id)).toMatchObject({ project: 'late', config: { model: 'late' } });
      const { sessions } = await store.viewer.listSessions({ search: 'latec', size: 5 });
      expect(sessions).toMatchObject([{ id }]);
      expect(await findFaults(new URL(new URL(url).search, standby!.url).href)).toEqual([]);
    });

    test('sessions that were merged, which a standby has not got when it is promoted, are not taken for merged', async () => {
      const address = await startAddress(url);
      const store = await open(address.url);
      const below = (on: Store, reference_id: string) =>
        createOne(on, { reference_id, parent_reference_id: 'parent', output: reference_id });
      await below(store, 'lost');
      await createOne(store, { reference_id: 'parent', session_reference_id: 's' });
      address.leadTo(standby!.url);
      address.cut();
      await withClient(standby!.url, (client) => client.query('SELECT pg_promote()'));
      const promoted = new URL(new URL(url).search, standby!.url).href;
      const other = await open(promoted);
      await below(other, 'by another');
      const update = () => store.updateLog({ referenceId: 'by another' }, { error: 'broken', duration: 1 });
      await expect.poll(() => update().catch((error: Error) => error.message)).toMatchObject({ duration: 1 });
      await below(store, 'own');
      expect(await findFaults(promoted)).toEqual([]);
      const parent = await createOne(store, { reference_id: 'parent', session_reference_id: 's' });
      const { sessions } = await other.viewer.listSessions({ size: 5 });
      expect(sessions.filter(({ logs }) => logs > 1)).toMatchObject([{ id: parent.session_id, logs: 3, errors: 1 }]);
      expect(await findFaults(promoted)).toEqual([]);
    });

    test('a primary that is put aside is not read from once a write has met it, though its connections stay', async () => {
      const address = await startAddress(url);
      const store = await open(address.url);
      const before = await createOne(store);
      await readAtOnce(store, before.id);
      await withClient(standby!.url, (client) => client.query('SELECT pg_promote()'));
      await withClient(primary!.url, async (client) => {
        await client.query('ALTER SYSTEM SET default_transaction_read_only = on');
        await client.query('SELECT pg_reload_conf()');
      });
      address.leadTo(standby!.url);
      const reader = await open(new URL(new URL(url).search, standby!.url).href);
      let id = '';
      // The processes of the primary hear of it a moment later.
      const isOnStandby = async () => {
        id = (await createOne(store)).id;
        return (await reader.getLog(id)) !== undefined;
      };
      await expect.poll(isOnStandby).toBe(true);
      expect(await readAtOnce(store, id)).toEqual(everywhere(id));
    });

    test('connections to a server that takes writes are kept', async () => {
      const { reads, close } = connect(url, () => {});
      onTestFinished(close);
      const pid = async () => (await reads.query('SELECT pg_backend_pid() AS pid')).rows[0].pid as number;
      expect(await pid()).toBe(await pid());
    });

    test('a database that takes no writes says so, and connections that have met it are not used again', async () => {
      await withClient(primary!.url, (client) => client.query('CREATE DATABASE fenced'));
      const url = primary!.url.replace(/postgres$/, 'fenced');
      const store = await open(url);
      const { id, project_id: project } = await createOne(store);
      /** As in a failover: all connections are made again. */
      const demote = () =>
        withClient(primary!.url, (client) =>
          client.query(`ALTER DATABASE fenced SET default_transaction_read_only = on;
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'fenced'`),
        );
      const writes: readonly (() => Promise<unknown>)[] = [
        () => createOne(store),
        () => store.updateLog({ id }, { output: 'x' }),
        () => store.deleteLogs([id]),
        () => store.createSession(),
        () => store.projects.update(project, { name: 'x' }),
      ];
      for (const write of writes) {
        await demote();
        // Some of its connections may not have ended yet.
        await expect.poll(() => write().catch((error: Error) => error.message)).toContain(TAKES_NO_WRITES);
        // The address leads to another server, and this one stays.
        await withClient(primary!.url, (client) =>
          client.query('ALTER DATABASE fenced RESET default_transaction_read_only'),
        );
        await createOne(store);
      }
    });
  });
}

/** An address that leads elsewhere for connections that are made from then on. */
async function startAddress(target: string) {
  let port = Number(new URL(target).port);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = createConnection(port, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    cut();
    server.close();
  });
  const url = new URL(target);
  url.port = String((server.address() as { port: number }).port);
  return {
    url: url.href,
    leadTo: (other: string) => {
      port = Number(new URL(other).port);
    },
    cut,
  };
}
