/** Every answer is as the official description has it. */
import { describe, expect, test } from 'vitest';
import { startTestServer } from '../../support/start-test-server.ts';
import { expectOfficial, expectOfficialFault, OFFICIAL } from './official-answers.ts';

const tool = { name: 'look_up', description: 'd', parameters: { type: 'object', properties: {} }, strict: true };
const CONFIGS: Record<string, object> = {
  'a model': { model: 'gpt-4' },
  'a model with all': {
    ...{
      type: 'model',
      model: 'gpt-4',
      name: 'n',
      description: 'd',
      provider: 'openai',
      max_tokens: -1,
      temperature: 0.5,
    },
    ...{ top_p: 1, stop: ['a'], presence_penalty: 0, frequency_penalty: 0, seed: 1, endpoint: 'chat', other: { a: 1 } },
    chat_template: [{ role: 'system', content: 'x' }],
    response_format: { type: 'json_object' },
  },
  'a model with tools': {
    model: 'm',
    tools: [tool, { ...tool, source: 'inline' }, { id: 'tool_1', source: 'organization' }],
  },
  'a tool': { type: 'tool', name: 't', parameters: {}, source: 'inline', source_code: 'c' },
  'a tool of the first versions': { type: 'tool', name: 't', source: 'def f(): pass' },
  'an agent': { type: 'agent', agent_class: 'a', model_config: { model: 'm', tools: [{ ...tool, source: 'code' }] } },
  'an agent with tools': {
    type: 'agent',
    agent_class: 'a',
    model_config: { model: 'm' },
    tools: [{ type: 'tool', name: 't', source: 'c' }],
  },
  'something else': { type: 'generic' },
  'something else with all': { type: 'generic', name: 'n', description: 'd', other: { a: [] } },
};

const message = {
  role: 'assistant',
  content: [
    { type: 'text', text: 't' },
    { type: 'image_url', image_url: { url: 'u', detail: 'low' } },
  ],
  tool_calls: [{ id: 'c', type: 'function', function: { name: 'look_up', arguments: '{}' } }],
};
const FULL_LOG = {
  ...{ project: 'p', session_reference_id: 's', reference_id: 'r', inputs: { q: 1 }, source: 'x', metadata: { a: {} } },
  ...{
    save: true,
    source_datapoint_id: 'evts_1',
    messages: [message, { role: 'tool', tool_call_id: 'c', content: 'r' }],
  },
  ...{ output: 'o', judgment: ['a'], environment: 'e', created_at: '2024-01-01 00:00:00', error: 'e', stdout: 's' },
  ...{ duration: 1.5, output_message: message, prompt_tokens: 1, output_tokens: 2, prompt_cost: 0.1, output_cost: 0.2 },
  ...{ provider_request: {}, provider_response: {} },
  feedback: [
    { type: 'rating', value: 'good', user: 'u' },
    { type: 'number', value: 1 },
    { type: 'flag', value: true },
  ],
};

describe.each(Object.entries(CONFIGS))('with %s as config', (_, config) => {
  test('logs are answered as they should be', async () => {
    const { call } = await startTestServer();
    const one = await call('POST', '/v4/logs', { project: 'p', config });
    expectOfficial('POST /logs', one);
    const many = await call('POST', '/v4/logs', [
      { ...FULL_LOG, config },
      { ...FULL_LOG, reference_id: 'q', config, save: false },
    ]);
    expectOfficial('POST /logs', many);
    for (const { id } of [one.body, ...many.body])
      expectOfficial('GET /logs/{id}', await call('GET', `/v4/logs/${id}`));
    expectOfficial('PATCH /logs', await call('PATCH', '/v4/logs?reference_id=r', { output: 'late' }));
    expectOfficial('PATCH /logs/{id}', await call('PATCH', `/v4/logs/${one.body.id}`, { duration: 2 }));
    const query = `project_id=${one.body.project_id}`;
    expectOfficial('GET /logs', await call('GET', `/v4/logs?${query}`));
    expectOfficial('GET /projects/{id}/configs', await call('GET', `/v4/projects/${one.body.project_id}/configs`));
    expectOfficial('POST /projects/{id}/export', await call('POST', `/v4/projects/${one.body.project_id}/export`));
    expectOfficial('GET /sessions', await call('GET', `/v4/sessions?${query}`));
    expectOfficial('GET /sessions/{id}', await call('GET', `/v4/sessions/${many.body[0].session_id}`));
    expectOfficial('GET /projects/{id}', await call('GET', `/v4/projects/${one.body.project_id}`));
    expectOfficial('GET /projects', await call('GET', '/v4/projects'));
    expectOfficial('DELETE /logs', await call('DELETE', `/v4/logs?id=${one.body.id}`));
  });
});

test('projects, configs, sessions and feedback are answered as they should be', async () => {
  const { call } = await startTestServer();
  const project = await call('POST', '/v4/projects', { name: 'p' });
  expectOfficial('POST /projects', project);
  const path = `/v4/projects/${project.body.id}`;
  expectOfficial('GET /projects/{id}/deployed-configs', await call('GET', `${path}/deployed-configs`));
  expectOfficial('DELETE /projects/{id}/active-config', await call('DELETE', `${path}/active-config`));
  const config = await call('POST', '/v4/model-configs', { ...CONFIGS['a model with tools'], project: 'p', name: 'n' });
  expectOfficial('POST /model-configs', config);
  const configId = config.body.config.id;
  expectOfficial('GET /model-configs/{id}', await call('GET', `/v4/model-configs/${configId}`));
  expectOfficial('GET /projects/{id}/active-config', await call('GET', `${path}/active-config`));
  expectOfficial('GET /projects/{id}/deployed-configs', await call('GET', `${path}/deployed-configs`));
  expectOfficial(
    'PATCH /projects/{id}/deploy-config',
    await call('PATCH', `${path}/deploy-config`, { config_id: configId }),
  );
  expectOfficial('PATCH /projects/{id}', await call('PATCH', path, { name: 'q', active_config_id: configId }));

  const type = { type: 'mood', class: 'select', values: [{ value: 'good', sentiment: 'positive' }, { value: 'odd' }] };
  expectOfficial('POST /projects/{id}/feedback-types', await call('POST', `${path}/feedback-types`, type));
  const types = [type, { type: 'text', class: 'text' }, { type: 'rating' }];
  expectOfficial('PATCH /projects/{id}/feedback-types', await call('PATCH', `${path}/feedback-types`, types));
  expectOfficial('GET /projects/{id}', await call('GET', path));
  expectOfficial('GET /projects', await call('GET', '/v4/projects'));
  expectOfficial('DELETE /projects/{id}/active-config', await call('DELETE', `${path}/active-config`));

  expectOfficial('POST /sessions', await call('POST', '/v4/sessions'));
  const { body: log } = await call('POST', '/v4/logs', { project_id: project.body.id, config_id: configId });
  const rating = { type: 'rating', data_id: log.id };
  for (const feedback of [
    ...[
      { ...rating, value: 'good' },
      { ...rating, value: 1 },
      { ...rating, value: false },
      { ...rating, value: ['a'] },
    ],
    // There is something to remove, and then there is nothing.
    ...[
      { ...rating, unset: true },
      { ...rating, unset: true },
      { ...rating, unset: true, value: 'good' },
    ],
    ...[
      [
        { ...rating, value: 'good' },
        { ...rating, unset: true },
        { ...rating, unset: true },
      ],
      [],
    ],
  ]) {
    expectOfficial('POST /feedback', await call('POST', '/v4/feedback', feedback));
  }
});

test('wrong requests are answered as the description has it', async () => {
  const { call } = await startTestServer();
  const { body: project } = await call('POST', '/v4/projects', { name: 'p' });
  const path = `/v4/projects/${project.id}`;
  for (const [method, wrong, body] of [
    ...[
      ['POST', '/v4/logs', {}],
      ['POST', '/v4/logs', [{}, 1]],
      ['POST', '/v4/logs', '{'],
      ['DELETE', '/v4/logs'],
    ],
    ...[
      ['GET', '/v4/logs'],
      ['GET', '/v4/sessions'],
      ['PATCH', '/v4/logs', {}],
      ['POST', '/v4/projects', {}],
    ],
    ...[
      ['PATCH', path],
      ['PATCH', path, { name: 1 }],
      ['PATCH', path, { active_config_id: 'config_x' }],
    ],
    ...[
      ['PATCH', path, { directory_id: 'dir_x' }],
      ['POST', '/v4/model-configs', { model: 'm' }],
      ['POST', '/v4/model-configs'],
    ],
    ...[
      ['POST', '/v4/model-configs', { project: 'p' }],
      ['POST', '/v4/model-configs', { project: 'p', model: 'm', a: 1 }],
    ],
    ...[
      ['POST', '/v4/model-configs', { project_id: 'pr_x', model: 'm' }],
      ['POST', `${path}/export?size=0`],
    ],
    ...[
      ['POST', `${path}/feedback-types`, { type: 'x' }],
      ['POST', `${path}/feedback-types`, []],
    ],
    ...[
      ['PATCH', `${path}/feedback-types`],
      ['PATCH', `${path}/feedback-types`, [{ type: 'x', class: 'y' }]],
    ],
    ...[['POST', `${path}/feedback-types`, { type: 'x', class: 'text', values: [{ value: 'a' }] }]],
    ...[
      ['PATCH', `${path}/deploy-config`, {}],
      ['PATCH', `${path}/deploy-config`, { config_id: 'config_x' }],
    ],
  ] as [string, string, unknown?][]) {
    expectOfficialFault(await call(method, wrong, body));
  }
});

test('each operation of the official description is served, or says that it is not', async () => {
  const { call } = await startTestServer({ apiKey: 'right' });
  const key = { 'x-api-key': 'right' };
  const described = (await call('GET', '/openapi.json')).body.paths;
  const isServed = (operation: string) => {
    const [method = '', path = ''] = operation.split(' ');
    return described[`/v4${path}`]?.[method.toLowerCase()] !== undefined;
  };
  expect(OFFICIAL.allOperations).toHaveLength(60);
  expect(OFFICIAL.allOperations.filter(isServed).length).toBeGreaterThanOrEqual(24);
  for (const operation of OFFICIAL.allOperations.filter((each) => !isServed(each))) {
    const [method = '', path = ''] = operation.split(' ');
    const real = `/v4${path.replaceAll('{id}', 'x%2Fy')}`;
    const answer = await call(method, real, method === 'GET' ? undefined : {}, key);
    expect(answer, operation).toMatchObject({
      status: 404,
      body: { detail: `${operation} of the v4 API is not served here` },
    });
    if (method === 'GET') expect((await fetchHead(call, real, key)).status).toBe(404);
    // Only those with a key learn it.
    expect((await call(method, real)).status).toBe(401);
  }
});

const fetchHead = (
  call: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<{ status: number }>,
  path: string,
  headers: Record<string, string>,
) => call('HEAD', path, undefined, headers);

test('a path that is not in the API stays unknown, and a method that it does not have stays wrong', async () => {
  const { call } = await startTestServer();
  for (const path of [
    '/v4/chats',
    '/v4/datasets/a/b',
    '/v4/logs/a/b',
    '/v4/projects/x/nothing',
    '/chat',
    '/v4/v4/chat',
    '/v4',
  ]) {
    expect(await call('POST', path, {})).toMatchObject({ status: 404, body: { detail: 'Not Found' } });
  }
  expect(await call('GET', '/v4/chat')).toMatchObject({ status: 404 });
  for (const [method, path] of [
    ['PUT', '/v4/logs'],
    ['POST', '/v4/logs/x'],
    ['GET', '/v4/feedback'],
    ['PATCH', '/v4/sessions'],
  ] as const) {
    const wrong = await call(method, path, method === 'GET' ? undefined : {});
    expect(wrong).toMatchObject({ status: 405, body: { detail: 'Method Not Allowed' } });
    expect(wrong.headers.get('allow')).not.toContain(method);
  }
});
