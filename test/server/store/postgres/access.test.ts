/** What a database that lets nobody in says: one line with the remedy, and without a secret, whether at the start or later. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { startServe } from '../../../support/postgres/serve.ts';
import { startTestServer } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

const TRUSTED = ['host all postgres 127.0.0.1/32 trust'];
const WITH_PASSWORDS = [...TRUSTED, 'host all all 127.0.0.1/32 scram-sha-256'];

for (const binaries of findPostgres().slice(0, 1)) {
  describe(`who may use ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
      await withClient(cluster.url, (client) =>
        client.query(`CREATE ROLE app LOGIN PASSWORD 'right-secret'; CREATE ROLE late LOGIN PASSWORD 'right-secret'
          VALID UNTIL '2020-01-01'; GRANT CREATE ON DATABASE postgres TO app; GRANT CREATE ON SCHEMA public TO app`),
      );
      await cluster.allow(WITH_PASSWORDS);
    });
    afterAll(() => cluster?.stop());

    const urlOf = (user: string, query = '') => `${cluster.url.replace('postgres@', `${user}@`)}${query}`;
    const refusal = async (url: string): Promise<Error & { reason?: string }> => {
      const error = await openPostgresStore({ url }).then(
        (store) => store.close().then(() => new Error('it was let in')),
        (failure: Error) => failure,
      );
      expect(error.message).not.toMatch(/secret/);
      expect(error.message).not.toMatch(/\n/);
      return error;
    };

    test('a wrong and an expired password, a database and rights that are not there', async () => {
      for (const user of ['app:wrong-secret', 'late:right-secret']) {
        expect(await refusal(urlOf(user))).toMatchObject({
          reason: 'refused',
          message: expect.stringContaining('refuses the password in its address: it is wrong, or has expired'),
        });
      }
      expect((await refusal(urlOf('app'))).message).toContain('wants a password: add it to the address');
      expect((await refusal(urlOf('app:right-secret').replace(/postgres$/, 'nothing'))).message).toContain(
        'is not there: create it',
      );
      await withClient(cluster.url, (client) => client.query('CREATE SCHEMA closed'));
      const closed = '?options=-c%20search_path%3Dclosed';
      expect((await refusal(urlOf('app:right-secret', closed))).message).toMatch(/grant them|not there|no schema/);
    });

    test('the command says it in one line, and ends', async () => {
      await expect(startServe(urlOf('app:wrong-secret'))).rejects.toThrow(
        /^humanloop-otel: the PostgreSQL database refuses the password in its address: it is wrong, or has expired \(.*\)\n$/,
      );
    });

    test('a password that expires while the server runs is a 503 and a line; once it is changed, the server goes on', async () => {
      const reports: string[] = [];
      const server = await startTestServer({
        file: undefined,
        database: urlOf('app:right-secret'),
        onError: (error) => reports.push((error as Error).message),
      });
      expect((await server.call('POST', '/v4/logs', log({ reference_id: 'before' }))).status).toBe(200);
      await withClient(cluster.url, (client) =>
        client.query(`ALTER ROLE app VALID UNTIL '2020-01-01';
          SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'`),
      );
      const refused = await server.call('POST', '/v4/logs', log({ reference_id: 'meanwhile' }));
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
      expect(JSON.stringify(refused.body)).not.toMatch(/secret|app/);
      expect(reports.at(-1)).toContain('it is wrong, or has expired');
      expect(reports.join()).not.toMatch(/secret/);
      expect((await server.call('GET', '/readyz')).body).toMatchObject({ message: 'the database refuses the server' });
      await withClient(cluster.url, (client) => client.query(`ALTER ROLE app VALID UNTIL 'infinity'`));
      expect((await server.call('POST', '/v4/logs', log({ reference_id: 'meanwhile' }))).status).toBe(200);
    });

    test('TLS: required and not used, not offered, not trusted, trusted, not checked', async () => {
      expect((await refusal(urlOf('postgres', '?sslmode=verify-full'))).message).toContain('offers no TLS');
      const certificate = makeCertificate(cluster.directory);
      await withClient(cluster.url, async (client) => {
        await client.query('ALTER SYSTEM SET ssl = on');
        await client.query('SELECT pg_reload_conf()');
      });
      await cluster.allow(['hostssl all all 127.0.0.1/32 trust']);
      onTestFinished(() => cluster.allow(WITH_PASSWORDS));
      expect(await refusal(urlOf('postgres'))).toMatchObject({
        reason: 'refused',
        message: expect.stringContaining('requires TLS: add sslmode=verify-full to its address'),
      });
      expect(await refusal(urlOf('postgres', '?sslmode=verify-full'))).toMatchObject({
        reason: 'refused',
        message: expect.stringContaining('has a certificate that is not trusted here'),
      });
      for (const query of [`?sslmode=verify-full&sslrootcert=${certificate}`, '?sslmode=no-verify']) {
        const store = await openPostgresStore({ url: urlOf('postgres', query) });
        expect(await store.readiness()).toEqual({ status: 'ok' });
        await store.close();
      }
    });
  });
}

/** Returns the file of a certificate that is signed by itself. The server reads it and its key when it starts to use TLS. */
function makeCertificate(directory: string): string {
  const [certificate, key] = [join(directory, 'server.crt'), join(directory, 'server.key')];
  execFileSync(
    'openssl',
    [
      ...['req', '-new', '-x509', '-days', '2', '-nodes', '-subj', '/CN=127.0.0.1'],
      ...['-addext', 'subjectAltName=IP:127.0.0.1', '-out', certificate, '-keyout', key],
    ],
    { stdio: 'pipe' },
  );
  const { uid, gid } = statSync(directory);
  for (const file of [certificate, key]) {
    chmodSync(file, 0o600);
    chownSync(file, uid, gid);
  }
  return certificate;
}
