/** What is deleted by request, and what the server deletes by itself. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { startTestServer } from '../support/start-test-server.ts';
import { log } from './sample-log.ts';

test('DELETE /v4/projects/:id deletes the project with all its logs', async () => {
  const server = await startTestServer();
  const { body } = await server.call('POST', '/v4/logs', [log({ project: 'mine' }), log({ project: 'other' })]);
  const path = `/v4/projects/${body[0].project_id}`;
  const deleted = await server.call('DELETE', path);
  expect(deleted).toMatchObject({ status: 204, body: undefined });
  expect(await server.call('GET', path)).toMatchObject({ status: 404, body: { detail: 'project not found' } });
  expect(await server.call('DELETE', path)).toMatchObject({ status: 404, body: { detail: 'project not found' } });
  expect((await server.call('GET', `/v4/logs/${body[0].id}`)).status).toBe(404);
  expect((await server.call('GET', `/v4/logs/${body[1].id}`)).status).toBe(200);
});

test('DELETE /viewer/api/sessions/:id deletes what the viewer shows under this id, and tells the open pages', async () => {
  const server = await startTestServer();
  const { body } = await server.call('POST', '/v4/logs', [log({ session_reference_id: 's' }), log()]);
  const ids = [body[0].session_id, body[1].id];
  const listed = async () => (await server.call('GET', '/viewer/api/sessions')).body.sessions.length;
  await expect.poll(listed).toBe(2);
  const events = await fetch(`${server.url}/viewer/api/events`);
  let heard = '';
  void (async () => {
    for await (const chunk of events.body!) heard += Buffer.from(chunk);
  })().catch(() => {});
  await expect.poll(() => heard).toContain('data:');
  for (const id of ids) {
    expect(await server.call('DELETE', `/viewer/api/sessions/${id}`)).toMatchObject({ status: 204, body: undefined });
    await expect.poll(() => heard).toContain(JSON.stringify([id]));
    expect((await server.call('GET', `/viewer/api/sessions/${id}`)).status).toBe(404);
    expect(await server.call('DELETE', `/viewer/api/sessions/${id}`)).toMatchObject({
      ...{ status: 404, body: { detail: 'session not found' } },
    });
  }
  expect(await listed()).toBe(0);
});

test('neither is for a caller without the key', async () => {
  const server = await startTestServer({ apiKey: 'secret' });
  const { body } = await server.call('POST', '/v4/logs', log({ session_reference_id: 's' }), { 'x-api-key': 'secret' });
  expect((await server.call('DELETE', `/v4/projects/${body.project_id}`)).status).toBe(401);
  expect((await server.call('DELETE', `/viewer/api/sessions/${body.session_id}`)).status).toBe(401);
});

test('keepMillis deletes sessions that have not changed for so long, and says how many', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const pruned: unknown[] = [];
  const server = await startTestServer({ keepMillis: 10_000, onPrune: (deleted) => pruned.push(deleted) });
  const logOne = (reference: string) =>
    server.call('POST', '/v4/logs', log({ session_reference_id: reference, created_at: '2001-01-01T00:00:00Z' }));
  const listed = async () =>
    (await server.call('GET', '/viewer/api/sessions')).body.sessions.map(
      ({ reference_id }: { reference_id: string }) => reference_id,
    );
  await logOne('old');
  await logOne('old');
  await logOne('alive');
  vi.setSystemTime(Date.now() + 9_000);
  await logOne('alive');
  await expect.poll(listed).toEqual(['alive', 'old']);
  vi.setSystemTime(Date.now() + 9_000);
  await expect.poll(listed).toEqual(['alive']);
  await expect.poll(() => pruned).toEqual([{ logs: 2, sessions: 1 }]);
});

test('maxSizeBytes keeps the database small, and the newest sessions in it', async () => {
  const server = await startTestServer({ maxSizeBytes: 2_000_000, onPrune: () => {} });
  for (let n = 0; n < 60; n += 1) {
    await server.call('POST', '/v4/logs', log({ session_reference_id: `s${n}`, output: 'x'.repeat(60_000) }));
  }
  const listed = async () => (await server.call('GET', '/viewer/api/sessions?size=100')).body.sessions;
  await expect.poll(async () => (await listed()).length).toBeLessThan(34);
  const sessions = await listed();
  expect(sessions.length).toBeGreaterThan(15);
  expect(sessions[0].reference_id).toBe('s59');
});

test.each([
  [{ keepMillis: 10 }, 'option keepMillis: expected a whole number from 1000 to '],
  [{ keepMillis: '30d' as unknown as number }, 'option keepMillis: expected a whole number'],
  [{ maxSizeBytes: 5 }, 'option maxSizeBytes: expected a whole number from 1000000 to '],
  [{ onPrune: 1 as unknown as () => void }, 'option onPrune: expected a function'],
])('%j is refused', async (options, message) => {
  await expect(startTestServer(options)).rejects.toThrow(message);
});
