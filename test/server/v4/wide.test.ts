/** What grows request by request, in numbers or in names, makes no answer that is too large. */
import { expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';

const CONFIG = { model: 'gpt-4' };
const times = <Item>(count: number, make: (at: number) => Item) => Array.from({ length: count }, (_, at) => make(at));

async function send(server: TestServer, method: string, path: string, body?: unknown, expected = 200) {
  const answer = await server.call(method, path, body);
  expect(answer.status, JSON.stringify(answer.body)?.slice(0, 300)).toBe(expected);
  return answer.body;
}

test('a session of very many projects names some of them, and a page of such sessions has fewer', async () => {
  const server = await startTestServer();
  const logs = (session: number, projects: readonly object[]) =>
    projects.map((project) => ({ ...project, config: CONFIG, session_reference_id: `${session}`, output: 'o' }));
  const names = times(300, (at) => ({ project: `${at} `.padEnd(9_900, 'n') }));
  const created = await send(server, 'POST', '/v4/logs', logs(0, names));
  const ids = created.map(({ project_id }: { project_id: string }) => ({ project_id }));
  for (let session = 1; session < 5; session += 1) await send(server, 'POST', '/v4/logs', logs(session, ids));
  const session = await send(server, 'GET', `/v4/sessions/${created[0].session_id}`);
  expect(session.projects).toHaveLength(200);
  expect(session.projects[0]).toEqual({ id: ids[0].project_id, name: names[0]!.project, type: 'prompt' });
  expect(session.datapoints_count).toBe(300);
  const page = await send(server, 'GET', `/v4/sessions?project_id=${ids[0].project_id}`);
  expect(page.records.length).toBeLessThan(4);
  expect(page.total).toBe(5);
});

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

test('a page of projects with many types of feedback has fewer of them, and the same total', async () => {
  const server = await startTestServer();
  const ids: string[] = [];
  for (let at = 0; at < 8; at += 1) {
    const { id } = await send(server, 'POST', '/v4/projects', { name: `p${at}` }, 201);
    ids.unshift(id);
    await send(
      server,
      'PATCH',
      `/v4/projects/${id}/feedback-types`,
      times(7, (n) => type(`${n}`, 1_000)),
    );
  }
  const page = await send(server, 'GET', '/v4/projects?size=1000');
  expect(page.records.length).toBeGreaterThan(1);
  expect(page.records.length).toBeLessThan(8);
  expect(page.total).toBe(8);
  const seen = [];
  for (let at = 0; at < 8; at += 1) {
    seen.push((await send(server, 'GET', `/v4/projects?size=1&page=${at}`)).records[0].id);
  }
  expect(seen).toEqual(ids);
});

test('types that only logs have are not all in the answer if they are long', async () => {
  const server = await startTestServer();
  const feedback = times(300, (at) => ({ type: `${at} `.padEnd(9_900, 't'), value: 'good' }));
  const { project_id: id } = await send(server, 'POST', '/v4/logs', { project: 'p', config: CONFIG, feedback });
  expect((await send(server, 'GET', `/v4/projects/${id}`)).feedback_types).toHaveLength(10);
});

test('the feedback of one log is bounded, by its number and by what it says', async () => {
  const server = await startTestServer();
  const { id } = await send(server, 'POST', '/v4/logs', { project: 'p', config: CONFIG });
  const entries = (count: number) => times(count, () => ({ data_id: id, type: 't', value: 'v'.repeat(49_000) }));
  await send(server, 'POST', '/v4/feedback', entries(50));
  const refused = await send(server, 'POST', '/v4/feedback', entries(50), 422);
  expect(refused.detail[0].loc).toEqual(['body', 31, 'value']);
  await send(server, 'POST', '/v4/feedback', entries(31));
  // What is taken back makes room.
  await send(server, 'POST', '/v4/feedback', [{ data_id: id, type: 't', unset: true }, ...entries(81)]);
  expect((await send(server, 'GET', `/v4/logs/${id}`)).feedback).toHaveLength(81);
});

test('an empty project_id is none: each log of a request goes to the project that it names', async () => {
  const server = await startTestServer();
  const logs = ['a', 'b'].map((project) => ({ project, project_id: '', config: CONFIG }));
  const created = await send(server, 'POST', '/v4/logs', logs);
  const projects = [];
  for (const { id } of created) projects.push((await send(server, 'GET', `/v4/logs/${id}`)).project);
  expect(projects).toEqual(['a', 'b']);
});
