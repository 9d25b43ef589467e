/** `serve --database`: real processes on one database, one of which is killed under load; and what is said when it cannot be. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startServer } from '../../../../src/server/index.ts';
import { createApp, runApp } from '../../../support/installed-app.ts';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { serve } from '../../../support/postgres/serve.ts';
import { log } from '../../sample-log.ts';

for (const binaries of findPostgres().slice(0, 1)) {
  describe(`serve --database on ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries);
    });
    afterAll(() => cluster?.stop(), 60_000);

    test('kill -9 of a server under load: clients go on with another, nothing is lost or doubled', async () => {
      const url = await cluster.createSchema();
      const servers = await Promise.all([serve(url), serve(url)]);
      const answered = new Map<string, string>();
      let isOver = false;
      const work = async (worker: number) => {
        for (let round = 0; !isOver; round += 1) {
          const body = Array.from({ length: 5 }, (_, index) =>
            log({ reference_id: `${worker}-${round}-${index}`, session_reference_id: `s${round % 5}`, output: 'x' }),
          );
          // Through the other server each time, until it is answered.
          for (let attempt = worker; ; attempt += 1) {
            const response = await fetch(`${servers[attempt % 2]!.baseUrl}/logs`, {
              method: 'POST',
              headers: { 'content-type': 'application/json' },
              body: JSON.stringify(body),
            }).catch(() => undefined);
            if (response?.ok) {
              const logs = (await response.json()) as { id: string }[];
              for (const [index, { id }] of logs.entries()) answered.set(body[index]!.reference_id!, id);
              break;
            }
            if (isOver) return;
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        }
      };
      const workers = [0, 1, 2, 3].map(work);
      await expect.poll(() => answered.size).toBeGreaterThan(20);
      servers[0]!.child.kill('SIGKILL');
      const before = answered.size;
      await expect.poll(() => answered.size).toBeGreaterThan(before + 20);
      isOver = true;
      await Promise.all(workers);
      expect(await findFaults(url)).toEqual([]);
      const { rows } = await withClient(url, (client) => client.query('SELECT reference_id, id FROM logs'));
      const stored = new Map(rows.map((row) => [row.reference_id, row.id]));
      for (const [reference, id] of answered) expect(stored.get(reference), reference).toBe(id);
    });
  });
}

for (const binaries of findPostgres().slice(0, 1)) {
  describe(`health with ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
    });
    afterAll(() => cluster?.stop(), 60_000);

    test('a server is well and ready, and reports nothing', async () => {
      const reports: unknown[] = [];
      const database = await cluster.createSchema();
      const server = await startServer({ port: 0, database, onError: (error) => reports.push(error) });
      onTestFinished(() => server.close());
      const span = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), name: 'chat', kind: 3 };
      const headers = { 'content-type': 'application/json' };
      const traces = await fetch(`${server.url}/v1/traces`, {
        ...{ method: 'POST', headers },
        body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }),
      });
      expect(traces.status).toBe(200);
      for (const path of ['/healthz', '/readyz']) {
        const health = await fetch(server.url + path);
        expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }]);
      }
      const created = await fetch(`${server.baseUrl}/logs`, {
        ...{ method: 'POST', headers },
        body: JSON.stringify(log()),
      });
      expect(created.status).toBe(200);
      expect(reports).toEqual([]);
    });

    test('each order of the list goes on where its page ended, whatever the times', async () => {
      const server = await startServer({ port: 0, database: await cluster.createSchema() });
      onTestFinished(() => server.close());
      const times = ['0001-01-01T00:00:00Z', '1969-12-31T23:59:59.000001Z', '2024-03-05T00:00:00.123456Z'];
      times.push('9999-12-31T23:59:59.999999Z');
      const body = times.map((created_at, index) =>
        log({ created_at, session_reference_id: `s${index}`, duration: index / 3, output_cost: 1e-9 * index }),
      );
      const headers = { 'content-type': 'application/json' };
      await fetch(`${server.baseUrl}/logs`, { method: 'POST', headers, body: JSON.stringify(body) });
      for (const sort of ['activity', 'started', 'changed', 'duration', 'cost']) {
        const seen: string[] = [];
        for (let more = ''; ; ) {
          const answer = await fetch(`${server.url}/viewer/api/sessions?size=1&sort=${sort}${more}`);
          expect([answer.status, sort]).toEqual([200, sort]);
          const { sessions, next } = (await answer.json()) as {
            sessions: { reference_id: string }[];
            next: string | null;
          };
          seen.push(...sessions.map((each) => each.reference_id));
          if (next === null) break;
          more = `&cursor=${encodeURIComponent(next)}`;
        }
        expect([seen.length, new Set(seen).size, sort]).toEqual([times.length, times.length, sort]);
      }
    });
  });
}

test('a wrong address is refused without its password', async () => {
  const wrong = startServer({ database: 'mysql://user:secret@host/x' });
  await expect(wrong).rejects.toThrow('an address of one host such as postgres://user@host/database');
  await expect(startServer({ database: 'mysql://user:secret@host/x' })).rejects.not.toThrow(/secret/);
  await expect(startServer({ database: 'postgres://host/x', file: 'logs.db' })).rejects.toThrow(
    'none beside a database',
  );
  await expect(startServer({ search: 'off' })).rejects.toThrow('option search: expected index without a database');
});

test('where pg is not installed, one line says what to install', async () => {
  const app = await createApp({});
  const command = ['node_modules/humanloop-otel/dist/cli.js', 'serve', '--database', 'postgres://127.0.0.1:1/x'];
  const { code, stderr } = await runApp(app, command, {});
  expect(stderr).toBe('humanloop-otel: a PostgreSQL database needs the package pg: npm install pg@8\n');
  expect(code).toBe(1);
});
