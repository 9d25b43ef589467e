import { describe, expect, test } from 'vitest';
import { startTestServer } from '../../support/start-test-server.ts';

const good = { project: 'p', config: { model: 'gpt-4' } };

/** What is wrong with the item, and the place that the answer must name. */
const WRONG: [name: string, item: unknown, ...loc: (string | number)[]][] = [
  ['not an object', 'text'],
  ['neither project nor project_id', { config: good.config }, 'project'],
  ['an empty project', { ...good, project: '' }, 'project'],
  ['no config', { project: 'p' }, 'config'],
  ['a config of no known type', { ...good, config: { type: 'AgentConfigRequest' } }, 'config', 'type'],
  ['a config without its model', { ...good, config: { type: 'model' } }, 'config', 'model'],
  ['an unknown key in a model config', { ...good, config: { model: 'm', topk: 1 } }, 'config', 'topk'],
  ['both session fields', { ...good, session_id: 'a', session_reference_id: 'b' }, 'session_reference_id'],
  ['both parent fields', { ...good, parent_id: 'a', parent_reference_id: 'b' }, 'parent_reference_id'],
  ['an output that is not a text', { ...good, output: { a: 1 } }, 'output'],
  ['a duration that is not a number', { ...good, duration: '1' }, 'duration'],
  ['a time without a date', { ...good, created_at: 'today' }, 'created_at'],
  ['a message of no known role', { ...good, messages: [{ role: 'robot' }] }, 'messages', 0, 'role'],
  [
    'a message part of no known type',
    { ...good, messages: [{ role: 'user', content: [{ type: 'text', text: 1 }] }] },
    ...['messages', 0, 'content', 0, 'text'],
  ],
  ['an unknown session', { ...good, session_id: 'sesh_x' }, 'session_id'],
  ['an unknown project id', { ...good, project: undefined, project_id: 'pr_x' }, 'project_id'],
  ['an unknown parent id', { ...good, parent_id: 'data_x' }, 'parent_id'],
  ['its own parent', { ...good, reference_id: 'r', parent_reference_id: 'r' }, 'parent_reference_id'],
];

describe('a wrong datapoint is a 422 that says where, and nothing of the request is stored', () => {
  test.each(WRONG)('%s', async (_name, item, ...loc) => {
    const { call } = await startTestServer();
    const alone = await call('POST', '/v4/logs', item as object);
    expect(alone.status).toBe(422);
    expect(alone.body.detail[0]).toEqual({ loc: ['body', ...loc], msg: expect.any(String), type: expect.any(String) });

    const among = await call('POST', '/v4/logs', [{ ...good, reference_id: 'good' }, item]);
    expect(among.status).toBe(422);
    expect(among.body.detail.map((each: { loc: unknown }) => each.loc)).toEqual([['body', 1, ...loc]]);
    expect((await call('PATCH', '/v4/logs?reference_id=good', {})).status).toBe(404);
    expect((await call('GET', '/v4/projects')).body.total).toBe(0);
  });

  test('every wrong item is named, a hundred places at most', async () => {
    const { call } = await startTestServer();
    const some = await call('POST', '/v4/logs', [{}, good, {}]);
    expect(some.body.detail.map(({ loc }: { loc: unknown[] }) => loc.join('.'))).toEqual([
      ...['body.0.project', 'body.0.config', 'body.2.project', 'body.2.config'],
    ]);
    expect((await call('POST', '/v4/logs', Array(300).fill({}))).body.detail).toHaveLength(100);
  });
});

test('a parent in the same request is a 422, in an earlier request it is not', async () => {
  const { call } = await startTestServer();
  const parent = { ...good, reference_id: 'parent' };
  const child = { ...good, reference_id: 'child', parent_reference_id: 'parent' };
  for (const together of [
    [parent, child],
    [child, parent],
    [parent, { ...good, parent_id: 'parent' }],
  ]) {
    const { status, body } = await call('POST', '/v4/logs', together);
    expect(status).toBe(422);
    expect(body.detail[0].msg).toContain('same request');
  }
  const { body: created } = await call('POST', '/v4/logs', [parent]);
  const { body: nested } = await call('POST', '/v4/logs', child);
  expect((await call('GET', `/v4/logs/${nested.id}`)).body.parent_id).toBe(created[0].id);
});

test('what is not JSON is a 422', async () => {
  const { call } = await startTestServer();
  for (const text of ['{', 'nonsense', '{"a":1}}']) {
    const { status, body } = await call('POST', '/v4/logs', text);
    expect(status).toBe(422);
    expect(body.detail[0]).toMatchObject({ loc: ['body'], type: 'value_error.jsondecode' });
  }
  expect((await call('POST', '/v4/logs')).status).toBe(422);
});
