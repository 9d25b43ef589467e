import { inspect } from 'node:util';
import { expect, expectTypeOf, onTestFinished, test, vi } from 'vitest';
import { HumanloopLogs, type HumanloopLogsOptions } from '../../src/client/humanloop-logs.ts';
import { HumanloopApiError, HumanloopError } from '../../src/errors.ts';
import type { CreatedLog } from '../../src/wire/v4.ts';
import { startMisbehavingServer } from '../transport/misbehaving-server.ts';

const KEY = 'sk-do-not-show-me';

interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  text?: string;
}

/** Creates a client of a server that gives these answers in turn, then repeats the last one. */
async function clientAnsweredBy(answers: Answer[], options: HumanloopLogsOptions = {}) {
  const queue = [...answers];
  const server = await startMisbehavingServer((_request, response) => {
    const { status = 200, headers = {}, body, text } = (queue.length > 1 ? queue.shift() : queue[0]) ?? {};
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(text ?? (body === undefined ? '' : JSON.stringify(body)));
  });
  const client = new HumanloopLogs({ apiKey: KEY, baseUrl: server.baseUrl, ...options });
  onTestFinished(() => client.close());
  return { client, ...server };
}

async function failureOf(promise: Promise<unknown>): Promise<HumanloopApiError> {
  const error = await promise.then(
    () => expect.fail('expected a rejection'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HumanloopApiError);
  return error as HumanloopApiError;
}

test('log sends one datapoint as an object, with dates as text, and resolves to the whole answer', async () => {
  const { client, received } = await clientAnsweredBy([
    { body: { id: 'data_1', project_id: 'pr_1' }, headers: { 'x-request-id': 'r' } },
  ]);
  const result = await client.log({
    project: 'p',
    created_at: new Date(0),
    config: { type: 'model', model: 'gpt-4o' },
    error: null,
    output: undefined,
  });
  expectTypeOf(result.body).toEqualTypeOf<CreatedLog>();
  expect(result).toMatchObject({ body: { id: 'data_1', project_id: 'pr_1' }, status: 200 });
  expect(result.headers['x-request-id']).toBe('r');
  expect(result.roundTripTime).toBeGreaterThan(0);
  expect(received[0]).toMatchObject({ method: 'POST', url: '/v4/logs', headers: { 'x-api-key': KEY } });
  expect(JSON.parse(received[0]?.body ?? '')).toEqual({
    project: 'p',
    created_at: '1970-01-01T00:00:00.000Z',
    config: { type: 'model', model: 'gpt-4o' },
    error: null,
  });
});

test('log sends several as a bare array', async () => {
  const ids = [
    { id: 'data_1', project_id: 'pr_1' },
    { id: 'data_2', project_id: 'pr_1' },
  ];
  const { client, received } = await clientAnsweredBy([{ body: ids }]);
  const result = await client.log([{ project: 'p', created_at: '2024-01-01T00:00:00Z' }, { project: 'p' }]);
  expectTypeOf(result.body).toEqualTypeOf<CreatedLog[]>();
  expect(result.body).toEqual(ids);
  expect(received[0]?.body).toBe('[{"project":"p","created_at":"2024-01-01T00:00:00Z"},{"project":"p"}]');
});

test.each([
  ['an object for an array', { id: 'data_1' }],
  ['too few ids', [{ id: 'data_1' }]],
  ['no ids', [{}, {}]],
  ['null', null],
])('log refuses %s', async (_name, body) => {
  const { client } = await clientAnsweredBy([{ body }]);
  const error = await failureOf(client.log([{ project: 'p' }, { project: 'p' }]));
  expect(error).toMatchObject({ status: 200, reason: 'expected the ids of 2 logs in the answer', body });
});

test('updates send the three fields and never the id', async () => {
  const { client, received } = await clientAnsweredBy([{ body: { id: 'data_1' } }]);
  await client.update({ id: 'data_/x y', output: 'o', duration: 2 });
  await client.updateByRef({ referenceId: 'trace:1/span 2&é', error: 'e', output: null });
  await client.updateByRef({ reference_id: 'r', output: '' });
  expect(received.map(({ method, url, body }) => [method, url, body])).toEqual([
    ['PATCH', '/v4/logs/data_%2Fx%20y', '{"output":"o","duration":2}'],
    ['PATCH', '/v4/logs?reference_id=trace%3A1%2Fspan+2%26%C3%A9', '{"output":null,"error":"e"}'],
    ['PATCH', '/v4/logs?reference_id=r', '{"output":""}'],
  ]);
});

test('get, list and delete', async () => {
  const { client, received } = await clientAnsweredBy([
    { body: { id: 'data_1' } },
    { body: { records: [], page: 1, size: 2, total: 0 } },
    { status: 204 },
    { status: 204 },
  ]);
  expect((await client.get('data_1')).body.id).toBe('data_1');
  const list = await client.list({
    projectId: 'pr_1',
    search: 'x y',
    metadataSearch: 'm',
    startDate: new Date(0),
    endDate: '2024-01-31',
    size: 2,
    page: 1,
    sort: ['timestamp.desc', 'model.asc'],
    sourceFilter: 's',
    modelFilter: ['a', 'b'],
    feedbackFilter: { rating: 'good' },
    evaluatorFilter: { evfn_1: ['1'] },
  });
  expect(list.body).toEqual({ records: [], page: 1, size: 2, total: 0 });
  expect(await client.delete('data_1')).toMatchObject({ status: 204, body: undefined });
  await client.delete(['data_1', 'data_2']);
  expect(received.map(({ method, url, body }) => `${method} ${url}${body}`)).toEqual([
    'GET /v4/logs/data_1',
    'GET /v4/logs?project_id=pr_1&search=x+y&metadata_search=m&start_date=1970-01-01T00%3A00%3A00.000Z' +
      '&end_date=2024-01-31&size=2&page=1&sort=timestamp.desc&sort=model.asc&source_filter=s&model_filter=a' +
      '&model_filter=b&feedback-rating_filter=good&evaluator-evfn_1_filter=1',
    'DELETE /v4/logs?id=data_1',
    'DELETE /v4/logs?id=data_1&id=data_2',
  ]);
});

test('a 422 has its detail and says where', async () => {
  const detail = [{ loc: ['body', 0, 'config', 'model'], msg: 'Field required', type: 'missing' }];
  const { client, baseUrl } = await clientAnsweredBy([{ status: 422, body: { detail } }]);
  const error = await failureOf(client.log({ project: 'p' }));
  expect(error).toMatchObject({
    name: 'HumanloopApiError',
    method: 'POST',
    url: `${baseUrl}/logs`,
    status: 422,
    reason: 'Unprocessable Entity',
    detail,
    body: { detail },
    message: `POST ${baseUrl}/logs: 422 Unprocessable Entity: body.0.config.model: Field required`,
  });
  expect(error.roundTripTime).toBeGreaterThan(0);
  expect(error).toBeInstanceOf(HumanloopError);
});

test('a detail that is not a list stays in the body', async () => {
  const { client } = await clientAnsweredBy([{ status: 404, body: { detail: 'no such log' } }]);
  const error = await failureOf(client.get('data_1'));
  expect(error.detail).toBeUndefined();
  expect(error.message).toContain('404 Not Found: {"detail":"no such log"}');
});

test.each([
  ['HTML', { headers: { 'content-type': 'text/html' }, text: '<html>Welcome' }, 'the answer is not JSON'],
  ['nothing', { text: '' }, 'the answer is not JSON'],
  ['half of its JSON', { text: '{"id":"data' }, 'the answer is not JSON'],
  ['5 MiB', { text: `"${'a'.repeat(5 * 1024 * 1024)}"` }, 'the answer is too long'],
])('a 200 with %s is a failure', async (_name, answer, reason) => {
  const { client } = await clientAnsweredBy([answer]);
  const error = await failureOf(client.get('data_1'));
  expect(error).toMatchObject({ status: 200, reason: expect.stringContaining(reason) });
  expect(error.message.length).toBeLessThan(700);
});

test('a redirect is a failure and is not followed', async () => {
  const { client, received } = await clientAnsweredBy([{ status: 308, headers: { location: '/v4/logs/data_2' } }]);
  expect(await failureOf(client.get('data_1'))).toMatchObject({
    status: 308,
    message: expect.stringContaining('redirects are not followed'),
    headers: { location: '/v4/logs/data_2' },
  });
  expect(received).toHaveLength(1);
});

test('failed connections and late answers are failures with status 0', async () => {
  const refused = await failureOf(new HumanloopLogs({ baseUrl: 'http://127.0.0.1:1' }).get('data_1'));
  expect(refused).toMatchObject({ status: 0, reason: expect.stringContaining('ECONNREFUSED'), body: undefined });
  expect(refused.message).toContain('the request was not sent');
  expect(refused.cause).toBeInstanceOf(Error);

  const { baseUrl } = await startMisbehavingServer(() => {});
  const late = await failureOf(new HumanloopLogs({ baseUrl, timeoutMillis: 100 }).log({ project: 'p' }));
  expect(late).toMatchObject({ status: 0, reason: 'no answer within 100 ms' });
  expect(late.message).toContain('may have received');
});

test('the key is shown nowhere, not even by a server that quotes it', async () => {
  const { client } = await clientAnsweredBy([
    { status: 401, body: { detail: `bad key ${KEY}` }, headers: { 'x-echo': KEY } },
  ]);
  const error = await failureOf(client.get('data_1'));
  expect(error.body).toEqual({ detail: 'bad key [API key]' });
  const shown = [client, error].flatMap((value) => [
    inspect(value, { depth: 20, showHidden: true }),
    JSON.stringify(value) ?? '',
    String(value),
  ]);
  expect(shown.filter((text) => text.includes(KEY))).toEqual([]);
});

test.each([
  [{ baseUrl: 'http://user:secret@127.0.0.1/v4' }, 'baseUrl: expected an http(s) address without credentials'],
  [{ baseUrl: 'ftp://127.0.0.1/v4' }, 'baseUrl: expected an http(s) address'],
  [{ baseUrl: 'nonsense' }, 'baseUrl: expected an http(s) address'],
  [{ baseUrl: 4340 }, 'got 4340'],
  [{ timeoutMillis: -1 }, 'timeoutMillis: expected milliseconds'],
  [{ apiKey: 7 }, 'apiKey: expected a non-empty string, got 7'],
  [{ apiKey: 'a\nb' }, 'apiKey: expected printable ASCII'],
  [{ apikey: 'a' }, 'unknown option apikey: expected one of apiKey, baseUrl, timeoutMillis'],
])('%j is refused at construction', (options, message) => {
  const make = () => new HumanloopLogs(options as HumanloopLogsOptions);
  expect(make).toThrow(HumanloopError);
  expect(make).toThrow(message);
  expect(make).not.toThrow('secret');
});

test('key and address come from the environment unless options set them', async () => {
  const { baseUrl, received } = await startMisbehavingServer((_request, response) => response.end('{"id":"data_1"}'));
  vi.stubEnv('HUMANLOOP_BASE_URL', `${baseUrl}/`);
  vi.stubEnv('HUMANLOOP_API_KEY', 'from-environment');
  onTestFinished(() => void vi.unstubAllEnvs());
  await new HumanloopLogs().get('data_1');
  await new HumanloopLogs({ apiKey: 'from-code' }).get('data_1');
  expect(received.map(({ url, headers }) => [url, headers['x-api-key']])).toEqual([
    ['/v4/logs/data_1', 'from-environment'],
    ['/v4/logs/data_1', 'from-code'],
  ]);
});

const circular: Record<string, unknown> = {};
circular['self'] = circular;

test.each([
  ['a circular datapoint', (client: HumanloopLogs) => client.log({ metadata: circular }), 'circular'],
  ['a bigint', (client: HumanloopLogs) => client.log({ metadata: { n: 1n } }), 'BigInt'],
  ['an invalid Date', (client: HumanloopLogs) => client.log({ created_at: new Date(Number.NaN) }), 'created_at'],
  ['no datapoint', (client: HumanloopLogs) => client.log(null as never), 'expected an object, got null'],
  ['an empty id', (client: HumanloopLogs) => client.get(''), 'get: expected id as a non-empty string'],
  ['a path for an id', (client: HumanloopLogs) => client.update({ id: '..' }), "got '..'"],
  ['no reference', (client: HumanloopLogs) => client.updateByRef({} as never), 'expected referenceId'],
  ['no ids', (client: HumanloopLogs) => client.delete([]), 'at least one id'],
])('%s is refused and not sent', async (_name, call, message) => {
  const { client, received } = await clientAnsweredBy([{ body: {} }]);
  const error = await call(client).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HumanloopError);
  expect((error as Error).message).toContain(message);
  expect(received).toEqual([]);
});

test('feedback sends one item as an object and several as a list, with dates as text', async () => {
  const one = { type: 'rating', value: 'good', id: 'ann_1' };
  const { client, received } = await clientAnsweredBy([{ body: one }, { body: [one] }]);
  const item = { type: 'rating', value: 'good', data_id: 'data_1' };
  expect((await client.feedback({ ...item, created_at: new Date(0) })).body).toEqual(one);
  expect((await client.feedback([item])).body).toEqual([one]);
  expect(received.map(({ method, url }) => `${method} ${url}`)).toEqual(['POST /v4/feedback', 'POST /v4/feedback']);
  expect(received.map(({ body }) => JSON.parse(body))).toEqual([
    { ...item, created_at: '1970-01-01T00:00:00.000Z' },
    [item],
  ]);
});
