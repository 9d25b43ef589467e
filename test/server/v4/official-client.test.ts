import { Humanloop } from 'humanloop';
import { expect, test } from 'vitest';
import { startTestServer } from '../../support/start-test-server.ts';

/** `useFetch: false`: the client's fetch adapter does not work with the axios that it brings. */
async function connectClient() {
  const { baseUrl } = await startTestServer({ apiKey: 'test-key' });
  return {
    baseUrl,
    client: new Humanloop({ apiKey: 'test-key', basePath: baseUrl, useFetch: false }),
  };
}

const config = { type: 'model', model: 'gpt-4' } as const;

test('logs a nested session and completes it by reference', async () => {
  const { client } = await connectClient();
  const references = { reference_id: 'trace:1/span 2&é', session_reference_id: 'session 1' };
  const parent = await client.log({
    project: 'p',
    ...references,
    inputs: { q: 1 },
    config,
    created_at: new Date(0).toISOString(),
  });
  expect(parent.status).toBe(200);
  const { id, session_id: sessionId } = parent.data as { id: string; session_id: string };

  const children = await client.log(
    ['a', 'b'].map((output) => ({
      ...{
        project: 'p',
        output,
        config,
        session_reference_id: 'session 1',
        parent_reference_id: references.reference_id,
      },
    })),
  );
  expect(children.data).toHaveLength(2);

  const updated = await client.logs.updateByRef({
    referenceId: references.reference_id,
    output: 'o',
    error: 'e',
    duration: 2,
  });
  expect(updated.data).toMatchObject({
    id,
    output: 'o',
    error: 'e',
    duration: 2,
    created_at: '1970-01-01T00:00:00.000000Z',
  });
  expect((await client.logs.update({ id, output: 'better' })).data.output).toBe('better');

  const session = await client.sessions.get({ id: sessionId });
  expect(session.data).toMatchObject({ reference_id: 'session 1', datapoints_count: 3, first_inputs: { q: 1 } });
});

test('lists page by page and deletes', async () => {
  const { client } = await connectClient();
  const items = ['x y 1', 'x y 2', 'z'].map((output) => ({ project: 'p', output, config }));
  const created = (await client.log(items)).data as { id: string; project_id: string }[];
  const projectId = created[0]!.project_id;
  const page = await client.logs.list({ projectId, size: 1, page: 0, startDate: new Date(0), search: 'x y' });
  expect(page.data).toMatchObject({ page: 0, size: 1, total: 2, records: [{ output: 'x y 2' }] });
  expect((await page.next()).data.records).toMatchObject([{ output: 'x y 1' }]);

  expect((await client.logs.delete({ id: [created[0]!.id, created[1]!.id] })).status).toBe(204);
  expect((await client.logs.list({ projectId })).data.total).toBe(1);
});

test('makes sessions, projects and feedback', async () => {
  const { client } = await connectClient();
  const session = await client.sessions.create();
  expect(session.status).toBe(201);
  const project = await client.projects.create({ name: 'p' });
  expect(project.status).toBe(201);
  const { data } = await client.log({ project_id: project.data.id, session_id: session.data.id, config });
  const { id } = data as { id: string };
  expect((await client.sessions.list({ projectId: project.data.id })).data.total).toBe(1);
  expect((await client.projects.list({ size: 2 })).data.records).toMatchObject([{ name: 'p', data_count: 1 }]);
  expect((await client.projects.get({ id: project.data.id })).data.name).toBe('p');
  expect((await client.feedback({ type: 'rating', value: 'good', data_id: id })).data).toMatchObject({ value: 'good' });
  expect((await client.feedback([{ type: 'comment', value: 'text', data_id: id }])).data).toHaveLength(1);
});

test('shows what is wrong', async () => {
  const { client, baseUrl } = await connectClient();
  const wrong = client.log({ project: 'p', config: { type: 'model' } as typeof config });
  await expect(wrong).rejects.toMatchObject({
    status: 422,
    responseBody: { detail: [{ loc: ['body', 'config', 'model'] }] },
  });
  await expect(client.logs.updateByRef({ referenceId: 'unknown', output: 'o' })).rejects.toMatchObject({ status: 404 });
  const stranger = new Humanloop({ apiKey: 'wrong', basePath: `${baseUrl}/`, useFetch: false });
  await expect(stranger.log({ project: 'p', config })).rejects.toMatchObject({ status: 401 });
});
