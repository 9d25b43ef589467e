/** `/openapi.json` describes what is served, and nothing else. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect, test } from 'vitest';
import type { Store } from '../../../src/server/store/store.ts';
import { createV4Routes } from '../../../src/server/v4/routes.ts';
import { startTestServer } from '../../support/start-test-server.ts';

interface Described {
  readonly servers: { url: string }[];
  readonly paths: Record<
    string,
    Record<string, { responses: Record<string, { content?: Content }>; requestBody?: { content: Content } }>
  >;
  readonly components: object;
}
type Content = { 'application/json': { schema: object } };

test('is a valid OpenAPI 3.1 document, and needs no key', async () => {
  const { call } = await startTestServer({ apiKey: 'right' });
  const { status, body, headers } = await call('GET', '/openapi.json');
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('application/json');
  expect(body.openapi).toBe('3.1.0');
  const result = await new Validator().validate(structuredClone(body));
  expect(result).toMatchObject({ valid: true });
});

test('has each route, and each of its operations is a route', async () => {
  const { call } = await startTestServer();
  const { paths } = (await call('GET', '/openapi.json')).body as Described;
  const routes = createV4Routes({ projects: {} } as Store, { maxItems: 1, serverUrl: '/' });
  const served = Object.entries(routes).flatMap(([path, route]) =>
    Object.keys(route).map((method) => `${method} ${path.replaceAll(':id', '{id}')}`),
  );
  const described = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(described.sort()).toEqual(served.sort());
  // And these are really answered: by the operation itself, not by the lack of one.
  for (const operation of described) {
    const [method = '', path = ''] = operation.split(' ');
    const { status, body } = await call(method, path.replace('{id}', 'x'), method === 'GET' ? undefined : '{}');
    expect(
      [404, 405].includes(status) && /^(Not Found|Method Not Allowed|.*not served here)$/.test(body?.detail),
      operation,
    ).toBe(false);
  }
});

test('names the public address', async () => {
  const { call } = await startTestServer({ publicUrl: 'https://logs.example.com/base/' });
  expect((await call('GET', '/openapi.json')).body.servers).toEqual([{ url: 'https://logs.example.com/base' }]);
  const plain = await startTestServer();
  expect((await plain.call('GET', '/openapi.json')).body.servers).toEqual([{ url: '/' }]);
});

test('answers and bodies are as it says', async () => {
  const { call } = await startTestServer();
  const document = (await call('GET', '/openapi.json')).body as Described;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ $id: 'served', components: document.components });
  const compile = (schema: object) => ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"served#/')));
  const run = async (operation: string, path: string, body?: object) => {
    const [method = '', name = ''] = operation.split(' ');
    const described = document.paths[name]![method.toLowerCase()]!;
    const takes = described.requestBody && compile(described.requestBody.content['application/json'].schema);
    const answer = await call(method, path, body);
    if (takes && answer.status < 300) expect(takes(body), `${operation} ${JSON.stringify(takes.errors)}`).toBe(true);
    const content = described.responses[answer.status]!.content;
    expect(content === undefined, operation).toBe(answer.body === undefined);
    if (content) {
      const answers = compile(content['application/json'].schema);
      expect(answers(answer.body), `${operation} ${JSON.stringify(answers.errors)}`).toBe(true);
    }
    return answer.body;
  };
  const config = { type: 'model', model: 'm', tools: [{ name: 't' }] };
  const feedback = { type: 'rating', value: 'good' };
  const log = {
    project: 'p',
    session_reference_id: 's',
    config,
    output: 'o',
    feedback,
    metadata: {},
    created_at: '2024-01-01T00:00:00Z',
  };
  const created = await run('POST /v4/logs', '/v4/logs', log);
  await run('POST /v4/logs', '/v4/logs', [log, { project: 'p', config: { type: 'generic' } }]);
  await run('POST /v4/logs', '/v4/logs', [{}]);
  await run('GET /v4/logs', `/v4/logs?project_id=${created.project_id}`);
  await run('GET /v4/logs', '/v4/logs');
  await run('GET /v4/logs/{id}', `/v4/logs/${created.id}`);
  await run('GET /v4/logs/{id}', '/v4/logs/none');
  await run('PATCH /v4/logs/{id}', `/v4/logs/${created.id}`, { output: 'x' });
  await run('POST /v4/feedback', '/v4/feedback', { ...feedback, data_id: created.id });
  await run('GET /v4/sessions', `/v4/sessions?project_id=${created.project_id}`);
  await run('GET /v4/sessions/{id}', `/v4/sessions/${created.session_id}`);
  await run('POST /v4/sessions', '/v4/sessions');
  await run('POST /v4/projects', '/v4/projects', { name: 'q' });
  await run('POST /v4/projects', '/v4/projects', {});
  await run('GET /v4/projects', '/v4/projects');
  const project = `/v4/projects/${created.project_id}`;
  const registered = await run('POST /v4/model-configs', '/v4/model-configs', { project: 'p', model: 'n' });
  await run('GET /v4/model-configs/{id}', `/v4/model-configs/${registered.config.id}`);
  await run('PATCH /v4/projects/{id}', project, { active_config_id: registered.config.id });
  await run('GET /v4/projects/{id}', project);
  await run('GET /v4/projects/{id}/active-config', `${project}/active-config`);
  await run('GET /v4/projects/{id}/deployed-configs', `${project}/deployed-configs`);
  await run('PATCH /v4/projects/{id}/deploy-config', `${project}/deploy-config`, { config_id: registered.config.id });
  await run('GET /v4/projects/{id}/configs', `${project}/configs`);
  await run('POST /v4/projects/{id}/export', `${project}/export`);
  await run('POST /v4/projects/{id}/feedback-types', `${project}/feedback-types`, { type: 'a', class: 'select' });
  await run('PATCH /v4/projects/{id}/feedback-types', `${project}/feedback-types`, [{ type: 'rating' }]);
  await run('DELETE /v4/projects/{id}/active-config', `${project}/active-config`);
  await run('DELETE /v4/logs', `/v4/logs?id=${created.id}`);
  await run('GET /healthz', '/healthz');
  await run('GET /readyz', '/readyz');
  await run('GET /openapi.json', '/openapi.json');
});
