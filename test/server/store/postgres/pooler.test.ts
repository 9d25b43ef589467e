/** PgBouncer in transaction mode between servers and database: each transaction may have another connection. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createOtlpIntake } from '../../../../src/server/otlp/otlp-intake.ts';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { makeSpan } from '../../../conventions/span.ts';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { log } from '../../sample-log.ts';

const PGBOUNCER = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/usr/local/bin/pgbouncer'].find((path) =>
  existsSync(path),
);
if (!PGBOUNCER) console.log('no PgBouncer here, so servers behind one are not tested: apt-get install pgbouncer');

for (const binaries of PGBOUNCER ? findPostgres().slice(0, 1) : []) {
  describe(`PgBouncer before ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
    });
    afterAll(() => cluster?.stop());

    /** Of a database of its own, since a pooler takes no search path. */
    const createDatabase = async (name: string) => {
      await withClient(cluster.url, (client) => client.query(`CREATE DATABASE ${name}`));
      return { direct: cluster.url.replace(/postgres$/, name), pooled: await startPooler(cluster.url, name) };
    };

    test('an address that does not say so is refused with the remedy', async () => {
      const { pooled } = await createDatabase('unsaid');
      await expect(openPostgresStore({ url: pooled })).rejects.toMatchObject({
        reason: 'refused',
        message: expect.stringContaining('add pgbouncer=true to its address'),
      });
    });

    test('with settings that a pooler keeps, times are read in UTC; others are refused with the remedy', async () => {
      const { direct, pooled } = await createDatabase('elsewhere');
      const url = `${pooled}?pgbouncer=true`;
      const set = (setting: string) =>
        withClient(direct, (client) =>
          client.query(`ALTER DATABASE elsewhere SET ${setting};
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE datname = 'elsewhere' AND pid <> pg_backend_pid()`),
        );
      await set(`timezone = 'Europe/Berlin'`);
      await set(`DateStyle = 'SQL, DMY'`);
      const store = await openPostgresStore({ url });
      onTestFinished(() => store.close());
      const created_at = '0001-01-01T00:00:00Z';
      const [created] = await store.createLogs([log({ created_at })]);
      expect(await store.getLog(created!.id)).toMatchObject({ created_at: '0001-01-01T00:00:00.000000Z' });
      for (const [name, value, wanted] of [
        ['extra_float_digits', '0', '1'],
        ['default_transaction_isolation', 'repeatable read', 'read committed'],
      ]) {
        await set(`${name} = '${value}'`);
        await expect
          .poll(() =>
            openPostgresStore({ url }).then(
              () => 'open',
              (error: Error) => error.message,
            ),
          )
          .toBe(
            `the database must have the setting ${name} = '${wanted}', not '${value}': ALTER ROLE … SET ${name} TO '${wanted}'`,
          );
        await set(`${name} TO DEFAULT`);
      }
    });

    test('with pgbouncer=true, servers write, read, find and ingest over few connections', async () => {
      const { direct, pooled } = await createDatabase('pooled');
      const url = `${pooled}?pgbouncer=true`;
      const stores = await Promise.all([1, 2, 3].map(() => openPostgresStore({ url })));
      onTestFinished(async () => void (await Promise.all(stores.map((store) => store.close()))));
      const work = stores.map(async (store, server) => {
        const intake = createOtlpIntake(store);
        onTestFinished(() => intake.close());
        for (let round = 0; round < 15; round += 1) {
          const requests = Array.from({ length: 8 }, (_, index) =>
            log({
              reference_id: `r${round}-${index}`,
              session_reference_id: `s${round}`,
              output: `answer of ${server}`,
            }),
          );
          const [first] = await store.createLogs(requests);
          // All servers update these logs at the same time, several of them by one statement.
          const answers = await Promise.all(
            [1, 2, 3, 4, 5].map((index) =>
              store.updateLog({ referenceId: `r${round}-${index}` }, { output: 'changed', duration: server }),
            ),
          );
          expect(answers).toMatchObject(Array(5).fill({ output: 'changed', duration: server }));
          expect(await store.getLog(first!.id)).toMatchObject({ reference_id: `r${round}-0` });
          const traceId = `${round}`.padStart(32, 'a');
          const span = (index: number) =>
            makeSpan(
              { 'gen_ai.operation.name': 'execute_tool' },
              {
                ...{ traceId, spanId: `${index}`.padStart(16, 'b'), name: `span ${index}` },
                ...(index > 0 && { parentSpanId: `${index - 1}`.padStart(16, 'b') }),
              },
            );
          await intake.takeSpans([{ slice: span(server) }]);
        }
      });
      await Promise.all(work);
      expect(await findFaults(direct)).toEqual([]);
      const { rows } = await withClient(direct, (client) =>
        client.query(`SELECT (SELECT count(*) FROM logs)::int AS logs,
          (SELECT count(*) FROM pg_stat_activity WHERE datname = 'pooled' AND pid <> pg_backend_pid())::int AS connections`),
      );
      expect(rows[0].logs).toBe(15 * 8 + 15 * 3);
      expect(rows[0].connections).toBeLessThanOrEqual(5);
      const found = await stores[2]!.viewer.listSessions({ search: 'changed', size: 50 });
      expect(found.sessions).toHaveLength(15);
      await stores[0]!.eraseDeleted();
    });
  });
}

/** Returns its address, with the database. It runs until the test ends. */
async function startPooler(target: string, database: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'humanloop-pgbouncer-'));
  const port = await findFreePort();
  const file = join(directory, 'pgbouncer.ini');
  writeFileSync(
    file,
    `[databases]
${database} = host=127.0.0.1 port=${new URL(target).port} dbname=${database} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
`,
  );
  execFileSync('chmod', ['-R', 'a+rX', directory]);
  const uid =
    process.getuid?.() === 0 ? { uid: Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' })) } : {};
  const child: ChildProcess = spawn(PGBOUNCER!, [file], { stdio: 'ignore', ...uid });
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });
  await expect.poll(() => canConnect(port)).toBe(true);
  return `postgres://postgres@127.0.0.1:${port}/${database}`;
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    socket.unref();
    setTimeout(() => socket.destroy(), 1_000).unref();
  });
}

function findFreePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
