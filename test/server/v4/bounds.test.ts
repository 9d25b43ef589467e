/** No request of the v4 API holds up the others, or makes an answer that is too large. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkInParts } from '../../../src/server/v4/check-in-parts.ts';
import { parseLogRequests } from '../../../src/server/v4/request-body.ts';
import { check } from '../../../src/server/v4/validation-detail.ts';
import { logRequest } from '../../../src/wire/v4.ts';
import { MOST_RATIO, ratioOf } from '../../support/effort.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';

const good = { project: 'p', config: { model: 'gpt-4' } };

async function createProject(server: TestServer, ...logs: object[]): Promise<string> {
  const { status, body } = await server.call('POST', '/v4/logs', [good, ...logs.map((log) => ({ ...good, ...log }))]);
  expect(status, JSON.stringify(body)).toBe(200);
  return body[0].project_id;
}

test.each<[string, string[], string]>([
  ['sorts', Array.from({ length: 6 }, (_, index) => `sort=feedback-${index}.asc`), 'sort'],
  ['sorts by one column', ['sort=source.asc', 'sort=source.desc'], 'sort'],
  ['values', Array(101).fill('model_filter=m'), 'model_filter'],
  ['sources', Array(101).fill('source_filter=m'), 'source_filter'],
  ['feedback filters', Array.from({ length: 6 }, (_, index) => `feedback-${index}_filter=a`), 'feedback-5_filter'],
  ['values of feedback', Array(101).fill('feedback-a_filter=a'), 'feedback-a_filter'],
  ['search', [`search=${'a'.repeat(501)}`], 'search'],
])('too many or too long %s are a 422 that names them', async (_, parameters, name) => {
  const server = await startTestServer();
  const id = await createProject(server);
  const { status, body } = await server.call('GET', `/v4/logs?project_id=${id}&${parameters.join('&')}`);
  expect(status).toBe(422);
  expect(body.detail[0].loc).toEqual(['query', name]);
});

test('as many sorts and filters as are taken work together', async () => {
  const server = await startTestServer();
  const id = await createProject(server);
  const sorts = ['source.asc', 'model.desc', 'timestamp.asc', 'feedback-a.asc', 'feedback-b.desc'];
  const filters = Array.from({ length: 5 }, (_, index) => `feedback-${index}_filter=a`);
  const query = [...sorts.map((sort) => `sort=${sort}`), ...filters, ...Array(100).fill('model_filter=gpt-4')];
  expect((await server.call('GET', `/v4/logs?project_id=${id}&${query.join('&')}`)).status).toBe(200);
});

test('a search for a text that almost matches everywhere costs about as much as any, and takes no time of others', async () => {
  const server = await startTestServer();
  const id = await createProject(server, { output: 'a'.repeat(10_000_000) });
  let others = 0;
  const search = (text: string) => async () => {
    let isDone = false;
    const searching = server.call('GET', `/v4/logs?project_id=${id}&search=${text}`).finally(() => {
      isDone = true;
    });
    for (others = 0; !isDone; others += 1) await server.call('GET', '/healthz');
    expect((await searching).body.total).toBe(0);
  };
  // If each place were looked at for as long as it matches, it would be five hundred times as much.
  const ratio = await ratioOf(search(`${'b'.repeat(499)}B`), search(`${'a'.repeat(499)}B`), 5);
  expect(ratio).toBeLessThan(5);
  expect(others).toBeGreaterThan(2);
});

test('a page of large logs has fewer of them, and the same total', async () => {
  const server = await startTestServer();
  const id = await createProject(server, ...Array(12).fill({ output: 'x'.repeat(1024 * 1024) }));
  const { body } = await server.call('GET', `/v4/logs?project_id=${id}&size=50`);
  expect(body.records).toHaveLength(3);
  expect(body).toMatchObject({ total: 13, page: 0, size: 50 });
  const seen = new Set<string>();
  for (let page = 0; page < 13; page += 1) {
    const { records } = (await server.call('GET', `/v4/logs?project_id=${id}&size=1&page=${page}`)).body;
    for (const record of records) seen.add(record.id);
  }
  expect(seen.size).toBe(13);
});

test('a page of sessions with large inputs has fewer of them', async () => {
  const server = await startTestServer();
  const large = Array.from({ length: 9 }, (_, index) => ({
    ...{ session_reference_id: `s${index}`, inputs: { q: 'x'.repeat(1024 * 1024) } },
  }));
  const id = await createProject(server, ...large);
  const { body } = await server.call('GET', `/v4/sessions?project_id=${id}`);
  expect(body.records.length).toBeLessThan(5);
  expect(body).toMatchObject({ total: 9, size: 10 });
});

test.each([
  [{ prompt_tokens: 2 ** 31 }, 'prompt_tokens'],
  [{ output_tokens: Number.MAX_SAFE_INTEGER }, 'output_tokens'],
  [{ prompt_cost: 1e308 }, 'prompt_cost'],
  [{ duration: -1e300 }, 'duration'],
  [{ created_at: '9999-12-31T23:59:59-14:00' }, 'created_at'],
  [{ created_at: '0000-01-01T00:00:00+14:00' }, 'created_at'],
  [{ session_reference_id: 's'.repeat(10_001) }, 'session_reference_id'],
  [{ messages: Array(10_001).fill({ role: 'user' }) }, 'messages'],
  [{ feedback: { type: 't', value: true, created_at: '9999-12-31T23:59:59-14:00' } }, 'feedback', 'created_at'],
  [{ feedback: [{ type: 't', value: 'x'.repeat(50_001) }] }, 'feedback'],
])('%j cannot be stored, and the answer names it alone among others', async (fields, ...loc) => {
  const server = await startTestServer();
  const { status, body } = await server.call('POST', '/v4/logs', [good, { ...good, ...fields }, good]);
  expect(status).toBe(422);
  expect(body.detail.map((each: { loc: unknown }) => each.loc)).toEqual([['body', 1, ...loc]]);
});

test('a log takes a thousand feedback entries', async () => {
  const server = await startTestServer();
  const { id } = (await server.call('POST', '/v4/logs', good)).body;
  const entries = Array(1_000).fill({ data_id: id, type: 'rating', value: 'good' });
  expect((await server.call('POST', '/v4/feedback', entries)).status).toBe(200);
  const more = await server.call('POST', '/v4/feedback', entries[0]);
  expect(more).toMatchObject({ status: 422, body: { detail: [{ loc: ['body', 'value'] }] } });
  expect((await server.call('GET', `/v4/logs/${id}`)).body.feedback).toHaveLength(1_000);
});

test('what has NUL in it is found by it', async () => {
  const server = await startTestServer();
  const id = await createProject(server, {
    output: 'a\0b',
    source: 'c\0d',
    config: { model: 'm\0' },
    inputs: { q: 'e\0f' },
  });
  for (const query of ['search=a%00b', 'search=e%00f', 'source_filter=c%00d', 'model_filter=m%00']) {
    expect((await server.call('GET', `/v4/logs?project_id=${id}&${query}`)).body.total, query).toBe(1);
  }
  expect((await server.call('GET', `/v4/logs?project_id=${id}&search=z%00`)).body.total).toBe(0);
});

test('a log that grows request by request is bounded, and keeps what it had', async () => {
  const server = await startTestServer();
  const large = 'x'.repeat(15 * 1024 * 1024);
  const grow = (fields: object) => server.call('POST', '/v4/logs', { ...good, reference_id: 'r', ...fields });
  const { body } = await grow({ output: large });
  expect((await grow({ stdout: large })).status).toBe(200);
  expect(await grow({ error: large })).toMatchObject({
    status: 422,
    body: { detail: [{ loc: ['body', 'reference_id'] }] },
  });
  const patched = await server.call('PATCH', `/v4/logs/${body.id}`, { error: large });
  expect(patched).toMatchObject({ status: 422, body: { detail: [{ loc: ['body', 'output'] }] } });
  expect((await server.call('PATCH', `/v4/logs/${body.id}`, { error: 'small' })).status).toBe(200);
  expect((await server.call('GET', `/v4/logs/${body.id}`)).body).toMatchObject({ error: 'small', stdout: large });
});

const MANY_VALUES = Object.fromEntries(Array.from({ length: 30_000 }, (_, at) => [`key ${at}`, at]));
const LARGE_TOOLS = Array.from({ length: 4_000 }, (_, at) => ({
  name: `f${at}`,
  parameters: { type: 'object', properties: { a: {} } },
}));

test.each([
  ['characters', { prompt_template: 'x'.repeat(4 * 1024 * 1024) }],
  ['values', { other: MANY_VALUES }],
  ['tools', { tools: [...LARGE_TOOLS, ...LARGE_TOOLS], other: { a: 1 } }],
])(
  'a config with too many %s is a 422 where it is registered, and is shortened where a log has it',
  async (_, fields) => {
    const server = await startTestServer();
    const config = { type: 'model', model: 'm', temperature: 0.5, ...fields };
    const { type: _type, ...registered } = config;
    const refused = await server.call('POST', '/v4/model-configs', { project: 'p', ...registered });
    expect([refused.status, refused.body.detail[0].msg]).toEqual([
      422,
      expect.stringContaining('the config has more than'),
    ]);
    for (const given of [config, { type: 'agent', name: 'a', agent_class: 'a', model_config: registered }]) {
      const { status, body } = await server.call('POST', '/v4/logs', { ...good, config: given, output: 'kept' });
      expect(status, JSON.stringify(body)).toBe(200);
      const log = (await server.call('GET', `/v4/logs/${body.id}`)).body;
      const stored = log.config.model_config ?? log.config;
      expect([log.output, stored.model, stored.temperature]).toEqual(['kept', 'm', 0.5]);
      expect(stored.other.truncated).toEqual([Object.keys(fields)[0]]);
      expect(JSON.stringify(stored).length).toBeLessThan(3 * 1024 * 1024);
      if ('tools' in fields) expect(stored).toMatchObject({ tools: LARGE_TOOLS.slice(0, 2_000), other: { a: 1 } });
    }
  },
);

const PARTS = Array.from({ length: 1_500 }, (_, at) => ({ type: 'text', text: `${at}` }));
const CALLS = Array.from({ length: 1_500 }, (_, at) => ({ id: `${at}`, type: 'function', function: { name: 'f' } }));
const TOOLS = Array.from({ length: 5_000 }, (_, at) => ({ name: `f${at}` }));

test.each([
  ['tools', { config: { type: 'model', model: 'm', tools: TOOLS } }, ['config', 'tools', 4_321]],
  ['parts of a message', { messages: [{ role: 'user', content: PARTS }] }, ['messages', 0, 'content', 1_234]],
  ['tool calls', { messages: [{ role: 'assistant', tool_calls: CALLS }] }, ['messages', 0, 'tool_calls', 1_234]],
])('thousands of %s are taken, and a wrong one is named in its place', async (_, fields, place) => {
  const server = await startTestServer();
  const { status, body } = await server.call('POST', '/v4/logs', { ...good, ...fields });
  expect(status, JSON.stringify(body)).toBe(200);
  expect((await server.call('GET', `/v4/logs/${body.id}`)).body).toMatchObject(fields);
  const wrong = structuredClone(fields) as object;
  let list = wrong as Record<string | number, unknown>;
  for (const key of place.slice(0, -1)) list = list[key] as Record<string | number, unknown>;
  list[place.at(-1)!] = 1;
  const refused = await server.call('POST', '/v4/logs', [good, { ...good, ...wrong }]);
  expect(refused.status).toBe(422);
  expect(refused.body.detail.map(({ loc }: { loc: unknown }) => loc)).toEqual([['body', 1, ...place]]);
});

test('a config that is registered may have thousands of tools', async () => {
  const server = await startTestServer();
  const register = (tools: unknown) => server.call('POST', '/v4/model-configs', { project: 'p', model: 'm', tools });
  expect((await register(TOOLS)).status).toBe(200);
  const refused = await register([...TOOLS, 1]);
  expect([refused.status, refused.body.detail[0].loc]).toEqual([422, ['body', 'tools', 5_000]]);
});

test('what is wrong is found in parts as it is found at once', async () => {
  const right = { part: { type: 'text', text: 'a' }, message: { role: 'user', content: 'a' } };
  const many = (item: fc.Arbitrary<unknown>, filler: unknown) =>
    fc
      .tuple(fc.array(item, { maxLength: 4 }), fc.constantFrom(0, 3, 499, 1_200))
      .map(([items, before]) => [...Array(before).fill(filler), ...items]);
  const part = fc.constantFrom<unknown>(right.part, { type: 'text' }, 1);
  const role = fc.constantFrom('user', 'nobody');
  const message = fc.oneof(fc.record({ role, content: many(part, right.part) }), fc.constant(right.message));
  const item = fc.record({
    messages: many(message, right.message),
    config: fc.record({
      model: fc.constantFrom<unknown>('m', 1),
      tools: fc.constantFrom<unknown>(TOOLS, [1], [...TOOLS, {}]),
    }),
  });
  await fc.assert(
    fc.asyncProperty(item, async (fields) => {
      const log = { ...good, ...fields };
      const all = check(logRequest, log, ['body']).details;
      const found = (await checkInParts(logRequest, log, ['body'], async () => {})).details;
      expect(found === undefined).toBe(all === undefined);
      if (found && found[0]?.type !== 'value_error') expect(all).toEqual(expect.arrayContaining(found));
    }),
    { numRuns: 40 },
  );
});

test('wrong messages are named in their places, however many there are before them', async () => {
  const server = await startTestServer();
  const messages = Array.from({ length: 2_000 }, (): object => ({ role: 'user', content: 'text' }));
  messages[1_203] = { role: 'nobody' };
  messages[1_204] = { role: 'user', content: 1 };
  const { status, body } = await server.call('POST', '/v4/logs', [good, { ...good, messages }]);
  expect(status).toBe(422);
  expect(body.detail.map(({ loc }: { loc: unknown }) => loc)).toEqual([
    ['body', 1, 'messages', 1_203, 'role'],
    ['body', 1, 'messages', 1_204, 'content'],
  ]);
});

test('to refuse very many wrong messages costs about as much as to refuse some', async () => {
  const refuse = (count: number) => () =>
    expect(
      parseLogRequests({ ...good, messages: Array(count).fill({ role: 'nobody', content: {} }) }, 1),
    ).rejects.toThrow();
  expect(await ratioOf(refuse(600), refuse(9_600))).toBeLessThan(MOST_RATIO);
});
