import { describe, expect, test } from 'vitest';
import { startTestServer } from '../../support/start-test-server.ts';

const config = { type: 'model', model: 'gpt-4' };
const item = (fields: object = {}) => ({ project: 'p', config, ...fields });

describe('POST /v4/logs', () => {
  test('one datapoint is answered with one object', async () => {
    const { call } = await startTestServer();
    const { status, headers, body } = await call('POST', '/v4/logs', item({ session_reference_id: 's' }));
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json');
    expect(body).toEqual({
      id: expect.stringMatching(/^data_[0-9A-Za-z]{21}$/),
      project_id: expect.stringMatching(/^pr_[0-9A-Za-z]{21}$/),
      session_id: expect.stringMatching(/^sesh_[0-9A-Za-z]{21}$/),
    });
  });

  test('an array is answered by position', async () => {
    const { call } = await startTestServer();
    const { body } = await call(
      'POST',
      '/v4/logs',
      ['a', 'b', 'c'].map((output) => item({ output })),
    );
    const outputs = [];
    for (const { id } of body) outputs.push((await call('GET', `/v4/logs/${id}`)).body.output);
    expect(outputs).toEqual(['a', 'b', 'c']);
    expect(body[0].session_id).toBeNull();
    expect((await call('POST', '/v4/logs', [])).body).toEqual([]);
  });

  test('JSON is answered with the values that it has, however a client writes it', async () => {
    const { call } = await startTestServer();
    const inputs = [
      ['{"b":1.0,"a":2,"a":{"c":[]},"2":"\\"}","1":"é"}', { a: { c: [] }, b: 1, 1: 'é', 2: '"}' }],
      ['{ "a" : [ 1e2, 1E400, "\\u00e9\\/" ] }', { a: [100, null, 'é/'] }],
      ['{"a":1},"inputs":{"a":2}', { a: 2 }],
      ['{"a":1},"\\u0069nputs":{"a":2}', { a: 2 }],
    ] as const;
    for (const [written, read] of inputs) {
      const one = `{"project":"p","config":{"type":"model","model":"gpt-4"},"inputs":${written}}`;
      const { body } = await call('POST', '/v4/logs', `[{"project":"p","config_id":null,"trial_id":"t"},${one}]`);
      expect((await call('GET', `/v4/logs/${body[1].id}`)).body.inputs).toEqual(read);
      const single = await call('POST', '/v4/logs', one);
      expect((await call('GET', `/v4/logs/${single.body.id}`)).body.inputs).toEqual(read);
    }
  });

  test('of a key that comes twice, the first value is not found, as it is in no answer', async () => {
    const { call } = await startTestServer();
    const fields = '"inputs":{"a":"hidden","a":"seen"},"metadata":{"user":"hidden","user":"seen"}';
    const { body } = await call('POST', '/v4/logs', `{"project":"p","trial_id":"t",${fields}}`);
    for (const parameter of ['search', 'metadata_search']) {
      const find = (text: string) => call('GET', `/v4/logs?project_id=${body.project_id}&${parameter}=${text}`);
      expect((await find('seen')).body.total).toBe(1);
      expect((await find('hidden')).body.total).toBe(0);
    }
  });

  test('null is taken for absent, also inside a config', async () => {
    const { call } = await startTestServer();
    const nulls = { session_id: null, parent_id: null, inputs: null, error: null, duration: null, feedback: null };
    const sent = item({ ...nulls, config: { model: 'gpt-4', temperature: null, endpoint: 'chat' } });
    const { status, body } = await call('POST', '/v4/logs', sent);
    expect(status).toBe(200);
    const log = (await call('GET', `/v4/logs/${body.id}`)).body;
    expect(log.config).toEqual({ id: log.config_id, type: 'model', model: 'gpt-4', endpoint: 'chat' });
    expect(log).not.toHaveProperty('error');
    expect(log.inputs).toEqual({});
  });

  test('keys that leak from old clients are not stored, unknown keys of messages are', async () => {
    const { call } = await startTestServer();
    const messages = [{ role: 'user', content: 'hi', refusal: 'no' }];
    const { body } = await call('POST', '/v4/logs', item({ provider_api_keys: { openai: 'sk-1' }, messages }));
    const log = (await call('GET', `/v4/logs/${body.id}`)).body;
    expect(JSON.stringify(log)).not.toContain('sk-1');
    expect(log.messages).toEqual(messages);
  });

  test('keys of the prototype are data', async () => {
    const { call } = await startTestServer();
    const text = `{"project":"p","config":{"model":"m"},"inputs":{"__proto__":{"polluted":true},"toString":1}}`;
    const { body } = await call('POST', '/v4/logs', text);
    const { inputs } = (await call('GET', `/v4/logs/${body.id}`)).body;
    expect(Object.keys(inputs)).toEqual(['__proto__', 'toString']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('PATCH /v4/logs', () => {
  test('by id and by reference, answered with the whole log', async () => {
    const { call } = await startTestServer();
    const { body: created } = await call('POST', '/v4/logs', item({ reference_id: 'trace:1/span 2&é' }));
    const leaks = { id: created.id, referenceId: 'x', provider_api_keys: { openai: 'sk-1' }, output: null };
    const byId = await call('PATCH', `/v4/logs/${created.id}`, { ...leaks, error: 'e' });
    expect(byId).toMatchObject({ status: 200, body: { id: created.id, error: 'e', config } });
    for (const encoded of ['trace%3A1%2Fspan+2%26%C3%A9', 'trace%3A1/span%202%26%C3%A9']) {
      const byReference = await call('PATCH', `/v4/logs?reference_id=${encoded}`, { output: encoded, duration: 0.5 });
      expect(byReference).toMatchObject({
        status: 200,
        body: { id: created.id, output: encoded, error: 'e', duration: 0.5 },
      });
      expect(JSON.stringify(byReference.body)).not.toContain('sk-1');
    }
  });

  test('of what is not known is a 404, without a reference or with a wrong value a 422', async () => {
    const { call } = await startTestServer();
    expect(await call('PATCH', '/v4/logs/data_x', { output: 'o' })).toMatchObject({
      status: 404,
      body: { detail: 'log not found' },
    });
    expect((await call('PATCH', '/v4/logs?reference_id=x', { output: 'o' })).status).toBe(404);
    expect((await call('PATCH', '/v4/logs', { output: 'o' })).body.detail[0].loc).toEqual(['query', 'reference_id']);
    expect((await call('PATCH', '/v4/logs/data_x', { duration: 'long' })).body.detail[0].loc).toEqual([
      'body',
      'duration',
    ]);
    expect((await call('PATCH', '/v4/logs/data_x')).body.detail[0].loc).toEqual(['body']);
  });
});

test('DELETE /v4/logs takes the id once or more often', async () => {
  const { call } = await startTestServer();
  const { body } = await call('POST', '/v4/logs', [item(), item(), item()]);
  const deleted = await call('DELETE', `/v4/logs?id=${body[0].id}&id=${body[1].id}`);
  expect(deleted).toMatchObject({ status: 204, body: undefined });
  expect((await call('GET', `/v4/logs/${body[0].id}`)).status).toBe(404);
  expect((await call('GET', `/v4/logs?project_id=${body[0].project_id}`)).body.total).toBe(1);
});

test('GET /v4/logs reads the query string of the official description', async () => {
  const { call } = await startTestServer();
  const { body } = await call('POST', '/v4/logs', [
    item({ output: 'one', source: 'a', created_at: '2024-01-01T23:30:00Z', metadata: { user: 'u1' } }),
    item({
      output: 'two',
      source: 'b',
      created_at: '2024-01-02T23:30:00Z',
      feedback: { type: 'explicit', value: 'good' },
    }),
  ]);
  const find = async (query: string) => {
    const answer = await call('GET', `/v4/logs?project_id=${body[0].project_id}&${query}`);
    expect(answer.status).toBe(200);
    return answer.body.records.map(({ output }: { output: string }) => output);
  };
  expect(await find('')).toEqual(['two', 'one']);
  expect(await find('sort=timestamp.asc')).toEqual(['one', 'two']);
  expect(await find('sort=source.desc&sort=model.asc')).toEqual(['two', 'one']);
  expect(await find('search=ONE')).toEqual(['one']);
  expect(await find('metadata_search=u1')).toEqual(['one']);
  expect(await find('end_date=2024-01-01')).toEqual(['one']);
  expect(await find('start_date=2024-01-02')).toEqual(['two']);
  expect(await find('start_date=2024-01-03T00:00:00%2B01:00')).toEqual(['two']);
  expect(await find('source_filter=a&source_filter=c')).toEqual(['one']);
  expect(await find('model_filter=none')).toEqual([]);
  expect(await find('feedback-explicit_filter=good&version_status=uncommitted')).toEqual(['two']);
  expect(await find('size=1&page=1')).toEqual(['one']);
  const wrong = ['size=0', 'size=x', 'size=1001', 'page=-1', 'start_date=soon', 'sort=output.asc', 'version_status=x'];
  for (const query of wrong) {
    const answer = await call('GET', `/v4/logs?project_id=${body[0].project_id}&${query}`);
    expect(answer).toMatchObject({ status: 422, body: { detail: [{ loc: ['query', query.split('=')[0]] }] } });
  }
  expect((await call('GET', '/v4/logs')).body.detail[0].loc).toEqual(['query', 'project_id']);
  expect((await call('GET', '/v4/logs?project_id=pr_x')).status).toBe(404);
});

test('sessions, projects and feedback', async () => {
  const { call } = await startTestServer();
  const session = await call('POST', '/v4/sessions');
  expect(session).toMatchObject({ status: 201, body: { id: expect.stringMatching(/^sesh_/) } });
  const project = await call('POST', '/v4/projects', { name: 'p' });
  expect(project).toMatchObject({ status: 201, body: { name: 'p', users: [], data_count: 0, feedback_types: [] } });
  expect((await call('POST', '/v4/projects', { name: 'p' })).status).toBe(409);
  expect((await call('POST', '/v4/projects', {})).body.detail[0]).toMatchObject({
    loc: ['body', 'name'],
    msg: 'field required',
  });

  const { body: created } = await call('POST', '/v4/logs', item({ session_id: session.body.id }));
  expect(created).toMatchObject({ project_id: project.body.id, session_id: session.body.id });
  const one = { type: 'rating', value: 'good', data_id: created.id, user: null };
  expect(await call('POST', '/v4/feedback', one)).toMatchObject({ status: 200, body: { value: 'good' } });
  expect((await call('POST', '/v4/feedback', [one])).body).toMatchObject([{ id: expect.stringMatching(/^ann_/) }]);
  const broken = [one, { type: 'rating' }, { ...one, value: undefined }, { value: 1 }];
  const { body } = await call('POST', '/v4/feedback', broken);
  expect(body.detail.map(({ loc }: { loc: unknown[] }) => loc.join('.'))).toEqual([
    ...['body.1.data_id', 'body.1.value', 'body.2.value', 'body.3.type'],
  ]);

  const sessions = await call('GET', `/v4/sessions?project_id=${project.body.id}`);
  expect(sessions.body).toMatchObject({ page: 1, size: 10, total: 1, records: [{ datapoints_count: 1 }] });
  expect((await call('GET', `/v4/sessions?project_id=${project.body.id}&page=0`)).status).toBe(422);
  expect((await call('GET', `/v4/sessions/${session.body.id}`)).body.projects[0].name).toBe('p');
  const projects = await call('GET', '/v4/projects?filter=P&sort_by=name&order=asc');
  expect(projects.body).toMatchObject({
    page: 0,
    size: 10,
    total: 1,
    records: [{ feedback_types: [{ type: 'rating' }] }],
  });
  expect((await call('GET', `/v4/projects/${project.body.id}`)).body.data_count).toBe(1);
  for (const path of ['/v4/projects/pr_x', '/v4/sessions/sesh_x', '/v4/sessions?project_id=pr_x']) {
    expect((await call('GET', path)).status).toBe(404);
  }
});
