import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createViewerCookies } from '../../../src/server/http/cookie.ts';
import type { SessionLogs, SessionPage, SessionSummary } from '../../../src/server/store/viewer-store.ts';
import type { LogRequest } from '../../../src/wire/v4.ts';
import { startTestServer, type TestServer, temporaryDirectory } from '../../support/start-test-server.ts';

function log(fields: Partial<LogRequest> = {}): Partial<LogRequest> {
  return { project: 'p', session_reference_id: 's', config: { type: 'model', model: 'gpt-4o' }, ...fields };
}

async function list(server: TestServer, query = ''): Promise<SessionPage> {
  const { status, body } = await server.call('GET', `/viewer/api/sessions${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

const names = ({ sessions }: SessionPage) => sessions.map(({ reference_id }) => reference_id);

/** Waits for the index, which follows a write within a second; a busy machine gets more. */
async function indexed<Result>(read: () => Promise<Result>, isThere: (result: Result) => boolean): Promise<Result> {
  const end = Date.now() + 30_000;
  for (;;) {
    const result = await read();
    if (isThere(result) || Date.now() > end) return result;
    await sleep(20);
  }
}

async function post(server: TestServer, body: unknown): Promise<{ id: string; session_id: string }[]> {
  const answer = await server.call('POST', '/v4/logs', body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return [answer.body].flat();
}

test('a session is summed up over its logs, through creation, update and deletion', async () => {
  const server = await startTestServer();
  await post(server, log({ reference_id: 'root', created_at: '2026-01-01T00:00:00Z', inputs: { q: 'asked' } }));
  const [child] = await post(server, [
    log({
      parent_reference_id: 'root',
      created_at: '2026-01-01T00:00:01Z',
      duration: 2,
      prompt_tokens: 5,
      prompt_cost: 0.5,
      project: 'other',
    }),
    log({
      parent_reference_id: 'root',
      created_at: '2026-01-01T00:00:02Z',
      duration: 3,
      output_tokens: 7,
      error: 'boom',
    }),
  ]);
  const first = await indexed(
    () => list(server),
    ({ sessions }) => sessions[0]?.last_output !== undefined,
  );
  expect(first.sessions).toEqual([
    expect.objectContaining({
      ...{ reference_id: 's', projects: ['p', 'other'], logs: 3, errors: 1, running: 1, prompt_tokens: 5 },
      ...{ output_tokens: 7, cost: 0.5, duration: 5, first_input: 'asked', last_output: 'boom', last_is_error: true },
    }),
  ]);

  await server.call('PATCH', '/v4/logs?reference_id=root', { output: 'answered', duration: 9 });
  await server.call('DELETE', `/v4/logs?id=${child!.id}`);
  const after = await indexed(
    () => list(server),
    ({ sessions }) => sessions[0]?.last_output === 'answered',
  );
  expect(after.sessions[0]).toMatchObject({
    logs: 2,
    running: 0,
    prompt_tokens: 0,
    cost: 0,
    duration: 9,
    last_output: 'answered',
  });
  expect(after.sessions[0]!.last_is_error).toBeUndefined();
});

test('a retry of a request changes no sum', async () => {
  const server = await startTestServer();
  for (let attempt = 0; attempt < 3; attempt += 1)
    await post(server, log({ reference_id: 'r', prompt_tokens: 5, duration: 1 }));
  expect((await list(server)).sessions).toMatchObject([{ logs: 1, prompt_tokens: 5, running: 0 }]);
});

test('pages go by key: nothing twice and nothing left out while others write', async () => {
  const server = await startTestServer();
  const numbers = Array.from({ length: 25 }, (_, index) => index);
  for (const index of numbers) await post(server, log({ session_reference_id: `s${index}` }));
  const seen: (string | undefined)[] = [];
  let cursor: string | null = '';
  for (let page = 0; cursor !== null; page += 1) {
    const query: string = cursor === '' ? '?size=10' : `?size=10&cursor=${encodeURIComponent(cursor)}`;
    const answer = await list(server, query);
    seen.push(...names(answer));
    cursor = answer.next;
    await post(server, log({ session_reference_id: `new${page}` }));
  }
  expect(seen).toEqual(numbers.map((index) => `s${24 - index}`));
});

describe('filters', () => {
  async function filled(): Promise<TestServer> {
    const server = await startTestServer();
    const [rated] = await post(server, [
      log({ session_reference_id: 'a', project: 'one' }),
      log({ session_reference_id: 'b', project: 'two', error: 'boom' }),
      log({ session_reference_id: 'c', project: 'two', config: { type: 'tool', name: 'search' } }),
    ]);
    await server.call('POST', '/v4/feedback', { type: 'rating', value: 'good', data_id: rated!.id });
    await indexed(
      () => list(server, '?feedback=*'),
      ({ sessions }) => sessions.length > 0,
    );
    return server;
  }

  test('by project, model, type, error and feedback, alone and together', async () => {
    const server = await filled();
    const found = async (query: string) => names(await list(server, query)).sort();
    expect(await found('?project=two')).toEqual(['b', 'c']);
    expect(await found('?model=gpt-4o')).toEqual(['a', 'b']);
    expect(await found('?type=tool')).toEqual(['c']);
    expect(await found('?error=1')).toEqual(['b']);
    expect(await found('?feedback=*')).toEqual(['a']);
    expect(await found(`?feedback=${encodeURIComponent('rating: good')}`)).toEqual(['a']);
    expect(await found('?project=two&type=model')).toEqual(['b']);
    expect(await found('?project=one&error=1')).toEqual([]);
    expect(await found('?project=nothing')).toEqual([]);
    expect(await found('?since=2000-01-01T00:00:00Z&until=2000-01-02T00:00:00Z')).toEqual([]);
    expect(await found(`?since=${new Date(Date.now() - 60_000).toISOString()}`)).toEqual(['a', 'b', 'c']);
    expect((await server.call('GET', '/viewer/api/filters')).body).toEqual({
      projects: ['one', 'two'],
      models: ['gpt-4o'],
      types: ['model', 'tool'],
      feedback: ['*', 'rating: good'],
      environments: [],
    });
  });

  test('feedback that was taken back is found no more', async () => {
    const server = await filled();
    const { body } = await server.call('GET', '/viewer/api/sessions?feedback=*');
    const session = await server.call('GET', `/viewer/api/sessions/${body.sessions[0].id}`);
    const dataId = session.body.logs[0].id;
    await server.call('POST', '/v4/feedback', { type: 'rating', unset: true, data_id: dataId });
    const after = await indexed(
      () => list(server, '?feedback=*'),
      ({ sessions }) => sessions.length === 0,
    );
    expect(names(after)).toEqual([]);
  });

  test('what is wrong in a query is a 422 that names it', async () => {
    const server = await startTestServer();
    for (const [query, name] of [
      ['?size=0', 'size'],
      ['?since=yesterday', 'since'],
      ['?cursor=1;drop', 'cursor'],
      ['?sort=x', 'sort'],
      ['?order=x', 'order'],
      ['?min_duration=-1', 'min_duration'],
      ['?cursor=2026-01-01T00:00:00.000000Z%201', 'cursor'],
      ['?q=user:a&cursor=1', 'cursor'],
      ['/s?cursor=1', 'cursor'],
      ['/s/logs?cursor=x', 'cursor'],
      [`?q=${'x'.repeat(501)}`, 'q'],
    ] as const) {
      const { status, body } = await server.call('GET', `/viewer/api/sessions${query}`);
      expect({ status, loc: body.detail[0].loc }).toEqual({ status: 422, loc: ['query', name] });
    }
  });
});

describe('search', () => {
  test('finds the words of a log within a second, and says where', async () => {
    const server = await startTestServer();
    const [first] = await post(server, [
      log({ session_reference_id: 'a', messages: [{ role: 'user', content: 'the quick Förde train' }] }),
      log({ session_reference_id: 'b', output: 'a slow train', inputs: { place: '東京駅' } }),
    ]);
    const found = async (q: string) =>
      indexed(
        () => list(server, `?q=${encodeURIComponent(q)}`),
        ({ sessions }) => sessions.length > 0,
      );
    expect(names(await found('train'))).toEqual(['b', 'a']);
    const quick = await found('QUICK forde');
    expect(quick.sessions).toMatchObject([
      { reference_id: 'a', match: { log_id: first!.id, text: expect.stringContaining('quick Förde') } },
    ]);
    expect(names(await found('"slow train"'))).toEqual(['b']);
    expect(names(await list(server, '?q=%22train%20slow%22'))).toEqual([]);
    expect(names(await found('qui'))).toEqual(['a']);
    expect(names(await found('京駅'))).toEqual(['b']);
    expect(names(await list(server, `?q=${encodeURIComponent('quick slow')}`))).toEqual([]);
    expect(names(await list(server, `?q=${encodeURIComponent('" OR rowid:*')}`))).toEqual([]);
    expect(names(await list(server, '?q=train&project=nothing'))).toEqual([]);
  });

  test('finds late outputs, forgets deleted logs, and lists a session once', async () => {
    const server = await startTestServer();
    const logs = await post(server, [log({ reference_id: 'r', output: 'alpha' }), log({ output: 'alpha' })]);
    await server.call('PATCH', '/v4/logs?reference_id=r', { output: 'omega' });
    await indexed(
      () => list(server, '?q=omega'),
      ({ sessions }) => sessions.length > 0,
    );
    expect((await list(server, '?q=omega')).sessions).toMatchObject([{ match: { log_id: logs[0]!.id } }]);
    expect((await list(server, '?q=alpha')).sessions).toMatchObject([{ match: { log_id: logs[1]!.id } }]);
    await server.call('DELETE', `/v4/logs?id=${logs[0]!.id}`);
    expect((await list(server, '?q=omega')).sessions).toEqual([]);
  });

  test('goes on where the page ended', async () => {
    const server = await startTestServer();
    for (let index = 0; index < 7; index += 1)
      await post(server, log({ session_reference_id: `s${index}`, output: 'same words' }));
    await indexed(
      () => list(server, '?q=words'),
      ({ sessions }) => sessions.length === 7,
    );
    const first = await list(server, '?q=words&size=4');
    const second = await list(server, `?q=words&size=4&cursor=${first.next}`);
    expect([...names(first), ...names(second)]).toEqual(['s6', 's5', 's4', 's3', 's2', 's1', 's0']);
    expect(second.next).toBeNull();
  });

  test('what was not indexed before the end is indexed after the next start', async () => {
    const file = join(temporaryDirectory(), 'logs.db');
    const before = await startTestServer({ file });
    await post(before, log({ output: 'lasting' }));
    await before.close();
    const after = await startTestServer({ file });
    expect(
      names(
        await indexed(
          () => list(after, '?q=lasting'),
          ({ sessions }) => sessions.length > 0,
        ),
      ),
    ).toEqual(['s']);
  });
});

test('a session is read whole, and then only what has changed', async () => {
  const server = await startTestServer();
  const [{ session_id: id } = { session_id: '' }] = await post(
    server,
    log({ reference_id: 'root', metadata: { trace_id: 't1' } }),
  );
  await post(server, [
    log({
      parent_reference_id: 'root',
      config: { type: 'tool', name: 'search' },
      duration: 1,
      error: 'e'.repeat(1000),
    }),
    log({
      parent_reference_id: 'never',
      output_message: { role: 'assistant', tool_calls: [{ id: 'c', type: 'function', function: { name: 'find' } }] },
    }),
  ]);
  const read = async (query = ''): Promise<SessionLogs> =>
    (await server.call('GET', `/viewer/api/sessions/${id}${query}`)).body;
  const { logs, configs, session } = await read();
  expect(session).toMatchObject({ id, logs: 3 });
  const [root, tool, orphan] = logs;
  expect(root).toMatchObject({ running: true, trace: 't1' });
  expect(tool).toMatchObject({ parent: root!.key, duration: 1, error: 'e'.repeat(300) });
  expect(orphan).toMatchObject({ missing_parent: 'never', calls: 'find' });
  expect(configs[tool!.config!]).toEqual({ type: 'tool', name: 'search' });

  await sleep(5);
  await server.call('PATCH', '/v4/logs?reference_id=root', { output: 'late', duration: 3 });
  const newest = logs
    .map(({ updated_at: at }) => at)
    .sort()
    .at(-1)!;
  const changed = await read(`?since=${encodeURIComponent(new Date(Date.parse(newest) + 1).toISOString())}`);
  expect(changed.logs).toMatchObject([{ id: root!.id, output: 'late', duration: 3 }]);
  expect((await server.call('GET', '/viewer/api/sessions/none')).status).toBe(404);
});

test('a log without a session is its own, with what is below it', async () => {
  const server = await startTestServer();
  const alone = { project: 'p', config: { type: 'generic' } };
  const [root] = await post(server, { ...alone, reference_id: 'root', output: 'alone' });
  const [child] = await post(server, { ...alone, parent_reference_id: 'root', output: 'under it' });
  await indexed(
    () => list(server, '?q=under'),
    ({ sessions }) => sessions.length > 0,
  );
  expect((await list(server)).sessions.map(({ id }) => id)).toEqual([root!.id]);
  expect((await list(server, '?q=under')).sessions).toMatchObject([{ id: root!.id, match: { log_id: child!.id } }]);
  const { body } = await server.call('GET', `/viewer/api/sessions/${root!.id}`);
  expect(body.logs.map(({ id }: SessionSummary) => id)).toEqual([root!.id, child!.id]);
  expect((await server.call('GET', `/viewer/api/logs/${child!.id}`)).body).toMatchObject({
    session: root!.id,
    log: { output: 'under it' },
  });
  expect((await server.call('GET', '/viewer/api/logs/none')).status).toBe(404);
});

test('changes are streamed, and an open stream does not hold up the end', async () => {
  const server = await startTestServer();
  const response = await fetch(`${server.url}/viewer/api/events`);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const [created] = await post(server, log());
  let text = '';
  while (text.split('data:').length < 3) text += (await reader.read()).value;
  const [first, second] = [...text.matchAll(/data: (.*)/g)].map(([, json]) => JSON.parse(json!));
  expect(first).toEqual({ sessions: null, version: expect.any(Number) });
  expect(second).toEqual({ sessions: [created!.session_id], version: first.version + 1 });
  expect((await list(server)).version).toBe(second.version);
  const closing = performance.now();
  await server.close();
  // Connections that are still open after ten seconds are closed then.
  expect(performance.now() - closing).toBeLessThan(9_000);
});

describe('access', () => {
  test('with an API key the viewer asks once, and its cookie opens both APIs', async () => {
    const { call } = await startTestServer({ apiKey: 'right' });
    const open = ['sessions', 'sessions/x', 'sessions/x/logs', 'names/x', 'overview', 'filters', 'events', 'logs/x'];
    for (const path of open.map((name) => `/viewer/api/${name}`)) {
      expect((await call('GET', path)).status).toBe(401);
    }
    expect((await call('POST', '/viewer/api/login', { api_key: 'wrong' })).status).toBe(401);
    expect((await call('POST', '/viewer/api/login', {})).status).toBe(422);
    const login = await call('POST', '/viewer/api/login', { api_key: 'right' });
    const header = login.headers.get('set-cookie')!;
    expect(header).toMatch(/; HttpOnly; SameSite=Strict; Path=\/; Max-Age=\d+$/);
    expect(header).not.toContain('right');
    const cookie = header.split(';')[0]!;
    expect((await call('GET', '/viewer/api/sessions', undefined, { cookie })).status).toBe(200);
    expect((await call('POST', '/v4/logs', log(), { cookie })).status).toBe(200);
    expect((await call('POST', '/v4/logs', log(), { cookie, origin: 'https://page.example' })).status).toBe(403);
    expect((await call('GET', '/viewer/api/sessions', undefined, { cookie: `${cookie}0` })).status).toBe(401);
  });

  test('a cookie is of its key, and not for ever', () => {
    const cookies = createViewerCookies('key');
    expect(cookies.create('other', false)).toBeUndefined();
    const cookie = cookies.create('key', false, 0)!.split(';')[0]!;
    expect(cookies.read(`a=b; ${cookie}`, 1_000)).toBeDefined();
    expect(cookies.read(cookie, 31 * 86_400_000)).toBeUndefined();
    expect(createViewerCookies('another').read(cookie, 1_000)).toBeUndefined();
    expect(cookies.read(cookie.replace(/=\w/, '=g'), 1_000)).toBeUndefined();
    expect(cookies.read(cookie.replace(/\.0\./, '.9.'), 1_000)).toBeUndefined();
    expect(cookies.read(undefined)).toBeUndefined();
  });
});

test('a name leads to its session, and days are counted', async () => {
  const server = await startTestServer();
  const [made] = await post(server, log({ reference_id: 'mine/1', duration: 2, created_at: '2024-03-05T10:00:00Z' }));
  const { status, body } = await server.call('GET', `/viewer/api/names/${encodeURIComponent('mine/1')}`);
  expect({ status, body }).toEqual({ status: 200, body: { session: made!.session_id, log: made!.id } });
  expect((await server.call('GET', '/viewer/api/names/other')).status).toBe(404);
  const overview = async () =>
    (await server.call('GET', '/viewer/api/overview?days=2&until=2024-03-06T00:00:00Z&project=p')).body;
  const { days } = await indexed(overview, (found) => found.days.length > 0);
  expect(days).toMatchObject([{ day: '2024-03-05', logs: 1, models: [{ model: 'gpt-4o', calls: 1 }] }]);
  for (const query of ['days=0', 'days=93', 'days=x', 'until=x']) {
    expect((await server.call('GET', `/viewer/api/overview?${query}`)).status).toBe(422);
  }
  const exported = (await server.call('GET', `/viewer/api/sessions/${made!.session_id}/logs`)).body;
  expect(exported).toMatchObject({ records: [{ id: made!.id, reference_id: 'mine/1' }], next: null });
  expect((await server.call('GET', '/viewer/api/sessions/none/logs')).status).toBe(404);
});

test('a search has at most fifty words, and Chinese characters are words', async () => {
  const server = await startTestServer();
  const search = (q: string) => server.call('GET', `/viewer/api/sessions?q=${encodeURIComponent(q)}`);
  expect((await search('ab '.repeat(50))).status).toBe(200);
  expect((await search('漢'.repeat(50))).status).toBe(200);
  for (const q of ['ab '.repeat(51), '漢'.repeat(51), `"${'a.'.repeat(60)}"`]) {
    expect((await search(q)).body.detail[0].loc).toEqual(['query', 'q']);
  }
});

test('a large session is whole, portion by portion, and those of large logs are bounded', async () => {
  const server = await startTestServer();
  for (let part = 0; part < 3; part += 1) {
    await post(
      server,
      Array.from({ length: 700 }, (_, n) => log({ reference_id: `${part} ${n}`, created_at: '2026-01-01T00:00:00Z' })),
    );
  }
  const [{ id }] = (await list(server)).sessions as [SessionSummary];
  const seen = new Set<string>();
  for (let cursor = ''; cursor !== 'end'; ) {
    const { body } = await server.call('GET', `/viewer/api/sessions/${id}${cursor}`);
    expect(body.total).toBe(2_100);
    expect(body.logs.length).toBeLessThanOrEqual(600);
    for (const each of body.logs) seen.add(each.id);
    cursor = body.next === null ? 'end' : `?cursor=${encodeURIComponent(body.next)}`;
  }
  expect(seen.size).toBe(2_100);
});

test('the words around a match are shown of a large log too', async () => {
  const server = await startTestServer();
  const filler = 'lorem ipsum '.repeat(10_000);
  await post(
    server,
    log({
      messages: [
        { role: 'user', content: filler },
        { role: 'user', content: `find the Zebra here ${filler}` },
      ],
    }),
  );
  const found = await indexed(
    () => list(server, '?q=zebra'),
    ({ sessions }) => sessions.length > 0,
  );
  expect(found.sessions[0]?.match?.text).toContain('find the Zebra here');
});
