/** What others do to the database's file, and who may read it. */
import { chmodSync, copyFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startTestServer, temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

describe('nothing is acknowledged that goes into a file which is gone', () => {
  test.each([
    ['deleted', (file: string) => rmSync(file)],
    ['moved away', (file: string) => renameSync(file, `${file}.old`)],
    [
      'replaced',
      (file: string) => {
        copyFileSync(file, `${file}.new`);
        renameSync(`${file}.new`, file);
      },
    ],
  ])('%s', async (_, harm) => {
    const file = join(temporaryDirectory(), 'logs.db');
    const reports: unknown[] = [];
    const server = await startTestServer({ file, onError: (error) => reports.push(error) });
    const { body } = await server.call('POST', '/v4/logs', log());
    expect((await server.call('GET', '/healthz')).status).toBe(200);
    expect(await server.call('GET', '/readyz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    harm(file);
    expect((await server.call('POST', '/v4/logs', log())).status).toBe(503);
    expect((await server.call('DELETE', `/v4/logs?id=${body.id}`)).status).toBe(503);
    expect((await server.call('GET', `/v4/logs/${body.id}`)).status).toBe(503);
    expect((await server.call('GET', `/v4/logs?project_id=${body.project_id}`)).status).toBe(503);
    expect((await server.call('GET', '/viewer/api/sessions')).status).toBe(503);
    const health = await server.call('GET', '/healthz');
    expect(health).toMatchObject({ status: 503, body: { status: 'gone', message: expect.stringContaining(file) } });
    const readiness = await server.call('GET', '/readyz');
    expect([readiness.status, readiness.body]).toEqual([
      503,
      { status: 'unavailable', message: 'the database was deleted or replaced' },
    ]);
    expect(String(reports[0])).toMatch(/was deleted or replaced while it was in use/);
    expect(reports).toHaveLength(1);
  });

  test('it is reported where nobody asks', async () => {
    const file = join(temporaryDirectory(), 'logs.db');
    const reports: unknown[] = [];
    await startTestServer({ file, onError: (error) => reports.push(error) });
    rmSync(file);
    await expect.poll(() => reports.length).toBe(1);
  });
});

test('the file and those beside it are for their owner only, in a directory that was there before', async () => {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o755);
  const file = join(directory, 'logs.db');
  const server = await startTestServer({ file });
  await server.call('POST', '/v4/logs', log());
  const modes = ['', '-wal', '-shm', '-reserve', '-search', '-search-wal', '-search-shm'].map(
    (suffix) => statSync(file + suffix).mode & 0o777,
  );
  expect(new Set(modes)).toEqual(new Set([0o600]));
});

test('open pages hear what another server writes to the same file', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  const [one, other] = [await startTestServer({ file }), await startTestServer({ file })];
  const events = await fetch(`${other.url}/viewer/api/events`);
  let heard = '';
  void (async () => {
    for await (const chunk of events.body!) heard += Buffer.from(chunk);
  })().catch(() => {});
  await expect.poll(() => heard).toContain('data:');
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  heard = '';
  await one.call('POST', '/v4/logs', log({ session_reference_id: 'of one' }));
  await expect.poll(() => heard).toContain('data:');
  expect((await other.call('GET', '/viewer/api/sessions')).body.sessions).toMatchObject([{ reference_id: 'of one' }]);
});
