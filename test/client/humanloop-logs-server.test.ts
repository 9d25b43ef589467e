/** The client against the package's own server: both ends of one schema. */
import { expect, onTestFinished, test } from 'vitest';
import { HumanloopLogs } from '../../src/client/humanloop-logs.ts';
import { startServer } from '../../src/server/index.ts';

async function startServerAndClient() {
  const server = await startServer({ port: 0, file: ':memory:', apiKey: 'a-long-enough-key' });
  const client = new HumanloopLogs({ baseUrl: server.baseUrl, apiKey: 'a-long-enough-key' });
  onTestFinished(async () => {
    await client.close();
    await server.close();
  });
  return { server, client };
}

test('a log is created, completed by id and by reference, read, listed and deleted', async () => {
  const { client } = await startServerAndClient();
  const reference_id = 'trace:1/span 2&é+%';
  const { body: created } = await client.log({
    project: 'p',
    reference_id,
    session_reference_id: 's',
    config: { type: 'model', model: 'gpt-4o' },
    created_at: new Date('2024-01-31T12:00:00Z'),
  });
  const { body: child } = await client.log([
    { project: 'p', parent_reference_id: reference_id, config: { type: 'generic' }, output: 'child' },
  ]);
  await client.updateByRef({ referenceId: reference_id, output: 'late' });
  const { body: updated } = await client.update({ id: created.id, duration: 1.5 });
  expect(updated).toMatchObject({ id: created.id, output: 'late', duration: 1.5, reference_id });

  const { body: log } = await client.get(created.id);
  expect(log.created_at).toMatch(/^2024-01-31T12:00:00/);
  expect(log.config).toMatchObject({ type: 'model', model: 'gpt-4o' });
  expect((await client.get(child[0]?.id ?? '')).body.parent_id).toBe(created.id);

  const { body: page } = await client.list({
    projectId: created.project_id,
    endDate: new Date('2024-02-01'),
    size: 10,
  });
  expect(page).toMatchObject({ records: [{ id: created.id }], page: 0, size: 10, total: 1 });

  expect(await client.delete(created.id)).toMatchObject({ status: 204, body: undefined });
  await expect(client.get(created.id)).rejects.toMatchObject({ status: 404 });
});

test('a datapoint that the schema refuses is named by its index', async () => {
  const { client } = await startServerAndClient();
  const good = { project: 'p', config: { type: 'generic' } } as const;
  await expect(client.log([good, { ...good, duration: 'long' as never }])).rejects.toMatchObject({
    status: 422,
    detail: [{ loc: ['body', 1, 'duration'] }],
    message: expect.stringContaining('body.1.duration'),
  });
});

test('an unknown reference is a 404, a wrong key a 401', async () => {
  const { server, client } = await startServerAndClient();
  await expect(client.updateByRef({ reference_id: 'unknown', output: 'o' })).rejects.toMatchObject({ status: 404 });
  const stranger = new HumanloopLogs({ baseUrl: server.baseUrl, apiKey: 'another-key' });
  onTestFinished(() => stranger.close());
  await expect(stranger.get('data_1')).rejects.toMatchObject({ status: 401 });
});
