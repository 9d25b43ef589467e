/** The operations on projects, over HTTP and with the official client. */
import { Humanloop } from 'humanloop';
import { expect, test } from 'vitest';
import { startTestServer } from '../../support/start-test-server.ts';

const model = { type: 'model', model: 'gpt-4' } as const;

async function connectClient() {
  const { baseUrl } = await startTestServer({ apiKey: 'test-key' });
  return new Humanloop({ apiKey: 'test-key', basePath: baseUrl, useFetch: false });
}

test('the official client registers a config, logs with it, reads it, and deploys another', async () => {
  const client = await connectClient();
  const registered = await client.modelConfigs.register({
    project: 'p',
    model: 'gpt-4',
    tools: [{ name: 'look_up' }],
  } as never);
  expect(registered.status).toBe(200);
  const { project_id: id, config } = registered.data;
  const configId = (config as { id: string }).id;
  expect((await client.modelConfigs.get({ id: configId })).data).toMatchObject({ id: configId, model: 'gpt-4' });
  expect((await client.projects.getActiveConfig({ id })).data).toMatchObject({ config: { id: configId } });
  const log = await client.log({ project_id: id, config_id: configId, output: 'o' } as never);
  expect(log.status).toBe(200);

  const other = await client.modelConfigs.register({ project_id: id, model: 'gpt-5' });
  const otherId = (other.data.config as { id: string }).id;
  expect((await client.projects.listConfigs({ id })).data.map((each) => each.project_name)).toEqual(['p', 'p']);
  const deployed = await client.projects.deployConfig({ projectId: id, config_id: otherId });
  expect(deployed.data).toMatchObject([{ model_config_id: otherId, environment_name: 'production' }]);
  expect((await client.projects.listDeployedConfigs({ id })).data).toEqual(deployed.data);
  const updated = await client.projects.update({ id, name: 'renamed', active_config_id: configId });
  expect(updated.data).toMatchObject({ name: 'renamed', active_config: { config: { id: configId } } });
  expect((await client.projects.deactivateConfig({ id })).data).not.toHaveProperty('active_config');
  await expect(client.projects.getActiveConfig({ id })).rejects.toMatchObject({ status: 404 });
});

test('the official client defines types of feedback and exports logs', async () => {
  const client = await connectClient();
  const { data: project } = await client.projects.create({ name: 'p' });
  const { id } = project;
  const created = await client.projects.createFeedbackType({
    id,
    type: 'mood',
    class: 'select',
    values: [{ value: 'odd' }],
  });
  expect(created).toMatchObject({
    status: 201,
    data: { type: 'mood', values: [{ value: 'odd', sentiment: 'unset' }] },
  });
  const changed = await client.projects.updateFeedbackTypes({ id, requestBody: [{ type: 'rating' }] });
  expect(changed.data).toEqual([{ type: 'rating', values: [] }]);
  expect((await client.projects.get({ id })).data.feedback_types).toHaveLength(2);

  await client.log(['a', 'b', 'c'].map((output) => ({ project: 'p', output, config: model })));
  const first = await client.projects.export({ id, size: 2 });
  expect(first.data).toMatchObject({ page: 0, size: 2, total: 3, records: [{ output: 'c' }, { output: 'b' }] });
  expect((await first.next()).data.records).toMatchObject([{ output: 'a' }]);
});

test('an export that would leave out logs says so', async () => {
  const { call } = await startTestServer();
  const logs = Array.from({ length: 6 }, () => ({ project: 'p', config: model, output: 'x'.repeat(1_000_000) }));
  const { body } = await call('POST', '/v4/logs', logs);
  const page = (query: string) => call('POST', `/v4/projects/${body[0].project_id}/export${query}`);
  expect(await page('')).toMatchObject({ status: 422, body: { detail: [{ loc: ['query', 'size'] }] } });
  const ids: string[] = [];
  for (const number of [0, 1, 2, 3]) {
    const { status, body: answer } = await page(`?size=2&page=${number}`);
    expect(status).toBe(200);
    ids.push(...answer.records.map(({ id }: { id: string }) => id));
  }
  expect(ids.sort()).toEqual(body.map(({ id }: { id: string }) => id).sort());
  expect((await page('?page=1000000')).body.records).toEqual([]);
});

test('a name that is taken is a 409, and what this server has nothing of is a 422', async () => {
  const { call } = await startTestServer();
  const { body: project } = await call('POST', '/v4/projects', { name: 'p' });
  await call('POST', '/v4/projects', { name: 'q' });
  const path = `/v4/projects/${project.id}`;
  expect(await call('PATCH', path, { name: 'q' })).toMatchObject({
    status: 409,
    body: { detail: 'a project named "q" exists' },
  });
  expect(await call('PATCH', path, { name: null, active_config_id: null, directory_id: null })).toMatchObject({
    status: 200,
  });
  expect(await call('PATCH', path, { directory_id: 'dir_x' })).toMatchObject({ status: 422 });
  const type = { type: 'mood', class: 'text' };
  expect((await call('POST', `${path}/feedback-types`, type)).status).toBe(201);
  expect((await call('POST', `${path}/feedback-types`, type)).status).toBe(409);
  expect((await call('GET', `${path}/active-config?environment=staging`)).body.detail).toBe(
    'the one environment is "production"',
  );
  expect((await call('POST', `${path}/feedback-types`, { type: 'x', class: 'y' })).body.detail[0].loc).toEqual([
    'body',
    'class',
  ]);
  expect((await call('POST', `${path}/feedback-types`, { type: 'x' })).body.detail[0].loc).toEqual(['body', 'class']);
  expect((await call('POST', `${path}/feedback-types`, [type])).status).toBe(422);
  const wrong = await call('PATCH', `${path}/feedback-types`, [{ type: 'mood' }, { type: 'x' }]);
  expect(wrong.body.detail[0].loc).toEqual(['body', 1, 'class']);
  const config = await call('POST', '/v4/logs', { project: 'p', config: { type: 'tool', name: 't' } });
  const { config_id: toolId } = (await call('GET', `/v4/logs/${config.body.id}`)).body;
  expect((await call('GET', `/v4/model-configs/${toolId}`)).body.detail).toBe('model config not found');
  const unknown: [string, string, object?][] = [
    ...[
      ['GET', '/configs'],
      ['GET', '/active-config'],
      ['DELETE', '/active-config'],
      ['GET', '/deployed-configs'],
    ],
    ...[
      ['POST', '/export'],
      ['POST', '/feedback-types', type],
      ['PATCH', '/feedback-types', [type]],
    ],
    ...[
      ['PATCH', '', { name: 'x' }],
      ['PATCH', '/deploy-config', { config_id: 'x' }],
    ],
  ] as [string, string, object?][];
  for (const [method, suffix, sent] of unknown) {
    expect(await call(method, `/v4/projects/pr_x${suffix}`, sent)).toMatchObject({
      status: 404,
      body: { detail: 'project not found' },
    });
  }
});

test('tools have ids in answers: equal ones the same', async () => {
  const { call } = await startTestServer();
  const tools = [{ name: 'a', parameters: {} }, { name: 'b' }, { id: 'tool_1', source: 'organization' }];
  const configs = [
    { ...model, tools },
    { ...model, temperature: 1, tools: [{ parameters: {}, name: 'a' }] },
  ];
  const { body } = await call(
    'POST',
    '/v4/logs',
    configs.map((config) => ({ project: 'p', config })),
  );
  const [first, second] = await Promise.all(
    body.map(async ({ id }: { id: string }) => (await call('GET', `/v4/logs/${id}`)).body.config.tools),
  );
  expect(first.map(({ id }: { id: string }) => id)).toEqual([
    expect.stringMatching(/^tool_\w{21}$/),
    expect.stringMatching(/^tool_/),
    'tool_1',
  ]);
  expect(first[0].id).not.toBe(first[1].id);
  expect(second[0].id).toBe(first[0].id);
  expect(first[2].name).toBe('tool_1');
});

test('deleting logs needs an id', async () => {
  const { call } = await startTestServer();
  for (const query of ['', '?', '?ids=x', '?ID=x']) {
    const answer = await call('DELETE', `/v4/logs${query}`);
    expect(answer).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ['query', 'id'], type: 'value_error.missing' }] },
    });
  }
  expect((await call('DELETE', '/v4/logs?id=unknown')).status).toBe(204);
});
