/** How the API tells of bounds of what is wide (store-contract-wide.ts), and what it takes for a name. */
import { expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';

const CONFIG = { model: 'gpt-4' };
const times = <Item>(count: number, make: (at: number) => Item) => Array.from({ length: count }, (_, at) => make(at));

async function send(server: TestServer, method: string, path: string, body?: unknown, expected = 200) {
  const answer = await server.call(method, path, body);
  expect(answer.status, JSON.stringify(answer.body)?.slice(0, 300)).toBe(expected);
  return answer.body;
}

test('the first inputs of a session are as they were logged', async () => {
  const server = await startTestServer();
  const inputs = { q: 'x', deep: { a: [1, { b: null }] } };
  const { session_id, project_id } = await send(server, 'POST', '/v4/logs', {
    ...{ project: 'p', config: CONFIG, session_reference_id: 's', inputs },
  });
  const expected = {
    reference_id: 's',
    first_inputs: inputs,
    projects: [{ id: project_id, name: 'p', type: 'prompt' }],
  };
  expect(await send(server, 'GET', `/v4/sessions/${session_id}`)).toMatchObject(expected);
  expect((await send(server, 'GET', `/v4/sessions?project_id=${project_id}`)).records).toMatchObject([expected]);
});

const type = (name: string, labels: number) => ({
  ...{ type: name, class: 'select' },
  values: times(labels, (at) => ({ value: `${at} `.padEnd(90, 'v') })),
});

test('all types of feedback of a project together are bounded, and it keeps what it had', async () => {
  const server = await startTestServer();
  const { id } = await send(server, 'POST', '/v4/projects', { name: 'p' }, 201);
  const path = `/v4/projects/${id}/feedback-types`;
  await send(server, 'PATCH', path, [type('a', 1_000), type('b', 1_000), type('c', 1_000)]);
  const refused = await send(
    server,
    'PATCH',
    path,
    times(9, (at) => type(`more ${at}`, 1_000)),
    422,
  );
  expect(refused.detail[0].loc).toEqual(['body', 5, 'values']);
  await send(server, 'POST', path, type('small', 2), 201);
  const { feedback_types: types } = await send(server, 'GET', `/v4/projects/${id}`);
  expect(types.map((each: { type: string }) => each.type)).toEqual(['a', 'b', 'c', 'small']);
});

test('an empty project_id is none: each log of a request goes to the project that it names', async () => {
  const server = await startTestServer();
  const logs = ['a', 'b'].map((project) => ({ project, project_id: '', config: CONFIG }));
  const created = await send(server, 'POST', '/v4/logs', logs);
  const projects = [];
  for (const { id } of created) projects.push((await send(server, 'GET', `/v4/logs/${id}`)).project);
  expect(projects).toEqual(['a', 'b']);
});
