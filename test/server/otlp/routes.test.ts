/** Answers of OTLP over HTTP, in both types, with the store behind them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readLogs } from '../../../scripts/read-logs.ts';
import { createOtlpRoutes } from '../../../src/server/otlp/routes.ts';
import { openSqlite } from '../../../src/sqlite/open.ts';
import { startTestServer, type TestServer, temporaryDirectory } from '../../support/start-test-server.ts';
import { serveRoutes } from '../http/serve-routes.ts';
import { decode, encode } from './otlp-messages.ts';

const IDS = { traceId: '0123456789abcdef0123456789abcdef', spanId: '0123456789abcdef' };
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const chat = (fields: object = {}, more: object[] = []) => ({
  ...IDS,
  name: 'chat',
  kind: 3,
  startTimeUnixNano: '1795699435000000000',
  endTimeUnixNano: '1795699436500000000',
  attributes: [
    text('gen_ai.operation.name', 'chat'),
    text('gen_ai.request.model', 'gpt-4o-mini'),
    { key: 'gen_ai.usage.input_tokens', value: { intValue: '7' } },
    text('gen_ai.input.messages', JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: 'Hello?' }] }])),
    text('gen_ai.output.messages', JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: 'Hi.' }] }])),
    ...more,
  ],
  ...fields,
});
const traces = (spans: object[], resource: object[] = [text('service.name', 'shop')]) => ({
  resourceSpans: [{ resource: { attributes: resource }, scopeSpans: [{ scope: { name: 'lib' }, spans }] }],
});

interface Sent {
  readonly status: number;
  readonly type: string | null;
  readonly headers: Headers;
  /** Decoded as the message that a success or a failure has. */
  readonly body: Record<string, unknown>;
  readonly bytes: number;
}

type Post = (path: string, message: object | Buffer, headers?: Record<string, string>) => Promise<Sent>;

async function read(response: Response): Promise<Sent> {
  const bytes = Buffer.from(await response.arrayBuffer());
  const type = response.headers.get('content-type');
  const isBinary = type === 'application/x-protobuf';
  const message = response.ok ? 'ExportTraceServiceResponse' : 'RpcStatus';
  const body = isBinary ? decode(message, bytes) : JSON.parse(bytes.toString());
  return { status: response.status, type, headers: response.headers, body, bytes: bytes.length };
}

const inJson =
  (url: string): Post =>
  async (path, message, headers) =>
    read(
      await fetch(url + path, {
        method: 'POST',
        body: Buffer.isBuffer(message) ? new Uint8Array(message) : JSON.stringify(message),
        headers: { 'content-type': 'application/json', ...headers },
      }),
    );

const inProtobuf =
  (url: string): Post =>
  async (path, message, headers) => {
    const name = path === '/v1/logs' ? 'LogsData' : path === '/v1/metrics' ? 'MetricsData' : 'TracesData';
    const body = new Uint8Array(Buffer.isBuffer(message) ? message : encode(name, { ...message }));
    const all = { 'content-type': 'application/x-protobuf', ...headers };
    return read(await fetch(url + path, { method: 'POST', body, headers: all }));
  };

const logsOf = (server: TestServer) => readLogs(server.baseUrl, new Date(0));

describe.each([
  ['application/json', inJson, 2],
  ['application/x-protobuf', inProtobuf, 0],
] as const)('%s', (type, poster, emptyBytes) => {
  test('200 with an empty message when all is stored: the log can be read at once', async () => {
    const server = await startTestServer();
    const sent = await poster(server.url)('/v1/traces', traces([chat()]));
    expect([sent.status, sent.type, sent.body, sent.bytes]).toEqual([200, type, {}, emptyBytes]);
    expect(await logsOf(server)).toMatchObject([
      {
        project: 'shop',
        reference_id: `${IDS.traceId}-${IDS.spanId}`,
        session_reference_id: IDS.traceId,
        created_at: '2026-11-26T13:23:55.000000Z',
        duration: 1.5,
        config: { type: 'model', model: 'gpt-4o-mini' },
        messages: [{ role: 'user', content: 'Hello?' }],
        output: 'Hi.',
        prompt_tokens: 7,
        source: 'opentelemetry',
      },
    ]);
  });

  test.each(['/v1/traces', '/v1/logs', '/v1/metrics'])('%s without data is 200', async (path) => {
    const post = poster((await startTestServer()).url);
    for (const message of [{}, Buffer.alloc(0)]) {
      const { status, bytes } = await post(path, message);
      expect([status, bytes]).toEqual([200, emptyBytes]);
    }
  });

  test('what cannot be used is counted in partial_success, and the rest is stored', async () => {
    const server = await startTestServer();
    const { status, body } = await poster(server.url)('/v1/traces', traces([{ ...chat(), spanId: '' }, chat()]));
    expect([status, body]).toEqual([
      200,
      { partialSuccess: { rejectedSpans: '1', errorMessage: '1 × the span id is not 8 bytes, or zero' } },
    ]);
    expect(await logsOf(server)).toHaveLength(1);
  });

  test('400 for what cannot be decoded, in the same type', async () => {
    const { url } = await startTestServer();
    const sent = await poster(url)('/v1/traces', Buffer.from([0xff, 0x00, 0x7b]));
    expect([sent.status, sent.type, sent.body['code']]).toEqual([400, type, 3]);
    expect(sent.body['message']).toMatch(/cannot be decoded: .|invalid JSON/);
  });

  test('413 for what is too large, also when it is unpacked', async () => {
    const { url } = await startTestServer({ maxBodyBytes: 5_000 });
    const post = poster(url);
    const large = chat({}, [text('filler', 'x'.repeat(6_000))]);
    expect(await post('/v1/traces', traces([large]))).toMatchObject({ status: 413, type, body: { code: 8 } });
    const packed = gzipSync(
      type === 'application/json' ? JSON.stringify(traces([large])) : encode('TracesData', traces([large])),
    );
    expect(packed.length).toBeLessThan(5_000);
    expect(await post('/v1/traces', packed, { 'content-encoding': 'gzip' })).toMatchObject({ status: 413, type });
  });

  test.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['identity', Buffer.from],
    ['', Buffer.from],
    ['GZIP', gzipSync],
  ])('encoding %j', async (encoding, pack) => {
    const server = await startTestServer();
    const plain =
      type === 'application/json'
        ? Buffer.from(JSON.stringify(traces([chat()])))
        : encode('TracesData', traces([chat()]));
    const { status } = await poster(server.url)('/v1/traces', pack(plain) as Buffer, { 'content-encoding': encoding });
    expect(status).toBe(200);
    expect(await logsOf(server)).toHaveLength(1);
  });

  test('415 for other encodings', async () => {
    const { url } = await startTestServer();
    for (const encoding of ['br', 'zstd', 'gzip, gzip', 'constructor', '__proto__']) {
      const sent = await poster(url)('/v1/traces', brotliCompressSync('{}'), { 'content-encoding': encoding });
      expect(sent).toMatchObject({ status: 415, type, body: { code: 3 } });
      expect(sent.body['message']).toContain('expected gzip, x-gzip, deflate or identity');
    }
  });

  test('401 without the key, which may be a bearer token', async () => {
    const { url } = await startTestServer({ apiKey: 'right' });
    const post = poster(url);
    const statuses: number[] = [];
    const attempts: Record<string, string>[] = [
      {},
      { 'x-api-key': 'wrong' },
      { authorization: 'Bearer wrong' },
      { authorization: 'Basic right' },
      { 'x-api-key': 'right' },
      { authorization: 'Bearer right' },
      { authorization: 'bearer  right ' },
    ];
    for (const headers of attempts) {
      statuses.push((await post('/v1/traces', traces([]), headers)).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 200, 200, 200]);
    expect(await post('/v1/traces', {})).toMatchObject({
      type,
      body: { code: 16, message: 'the header X-API-KEY is missing' },
    });
  });

  test('403 for another host', async () => {
    const { url } = await startTestServer();
    expect(await poster(url)('/v1/traces', {}, { origin: 'https://a.example' })).toMatchObject({
      status: 403,
      type,
      body: { code: 7 },
    });
  });

  test('503 with Retry-After: 1 while the database is locked, and nothing is lost when it is sent again', async () => {
    const file = join(temporaryDirectory(), 'logs.db');
    const server = await startTestServer({ file, onError: () => {} });
    const other = await openSqlite({ file });
    other.exec('BEGIN IMMEDIATE');
    const sent = await poster(server.url)('/v1/traces', traces([chat()]));
    expect(sent).toMatchObject({ status: 503, type, body: { code: 14 } });
    expect(sent.headers.get('retry-after')).toBe('1');
    other.exec('ROLLBACK');
    other.close();
    expect((await poster(server.url)('/v1/traces', traces([chat()]))).status).toBe(200);
    expect(await logsOf(server)).toHaveLength(1);
  });

  test('metrics are answered, with their number', async () => {
    const post = poster((await startTestServer()).url);
    const points = { dataPoints: [{ asDouble: 1 }, { asDouble: 2 }] };
    const { status, body } = await post('/v1/metrics', {
      resourceMetrics: [
        {
          scopeMetrics: [
            {
              metrics: [
                { name: 'a', sum: points },
                { name: 'b', gauge: points },
              ],
            },
          ],
        },
      ],
    });
    expect(status).toBe(200);
    const partial = body['partialSuccess'] as Record<string, unknown>;
    expect(partial['rejectedDataPoints'] ?? partial['rejectedSpans']).toBe('4');
    expect(partial['errorMessage']).toContain('OTEL_METRICS_EXPORTER=none');
  });

  test('an event after its span completes the log; one without a span is counted', async () => {
    const server = await startTestServer();
    const post = poster(server.url);
    const silent = chat();
    silent.attributes = silent.attributes.slice(0, 2);
    await post('/v1/traces', traces([silent]));
    const record = (fields: object) => ({
      eventName: 'gen_ai.choice',
      body: {
        kvlistValue: {
          values: [{ key: 'message', value: { kvlistValue: { values: [text('content', 'Said later.')] } } }],
        },
      },
      ...fields,
    });
    const { body } = await post('/v1/logs', {
      resourceLogs: [
        { scopeLogs: [{ logRecords: [record(IDS), record({}), record({ ...IDS, eventName: 'app.event' })] }] },
      ],
    });
    const partial = body['partialSuccess'] as Record<string, unknown>;
    expect(partial['rejectedLogRecords'] ?? partial['rejectedSpans']).toBe('1');
    // The third is about nothing that a log has: an app sends all of its events here.
    expect(partial['errorMessage']).toContain("a log record 'gen_ai.choice' names no span");
    expect(await logsOf(server)).toMatchObject([{ output: 'Said later.' }]);
  });

  test('the same request again changes nothing', async () => {
    const server = await startTestServer();
    const post = poster(server.url);
    await post('/v1/traces', traces([chat()]));
    const [before] = await logsOf(server);
    await post('/v1/traces', traces([chat()]));
    // It is a completion, which says when it was.
    expect(await logsOf(server)).toEqual([{ ...before, updated_at: expect.any(String) }]);
  });
});

test.each([
  [''],
  ['text/plain'],
  ['application/grpc'],
  ['application/json-seq'],
  ['application/vnd.x'],
  ['constructor'],
  ['__proto__'],
])('415 for the content type %j', async (type) => {
  const { url } = await startTestServer();
  const sent = await inJson(url)('/v1/traces', {}, { 'content-type': type });
  expect([sent.status, sent.type]).toEqual([415, 'application/json']);
  expect(sent.body['message']).toMatch(/^content type .+: expected application\/x-protobuf or application\/json$/);
});

test.each(['application/json; charset=utf-8', 'Application/JSON'])('content type %j', async (type) => {
  const { url } = await startTestServer();
  expect((await inJson(url)('/v1/traces', {}, { 'content-type': type })).status).toBe(200);
});

test.each([
  ['/v1/traces', { resource_spans: [{ scope_spans: [] }] }, undefined],
  ['/v1/traces', { resource_span: [] }, "nothing was read of 'resource_span': expected 'resourceSpans'"],
  ['/v1/traces', { resourceLogs: [] }, "nothing was read of 'resourceLogs': expected 'resourceSpans'"],
  [
    '/v1/traces',
    { resourceSpans: [{ resource: {}, instrumentationLibrarySpans: [{ spans: [] }] }] },
    "nothing was read of 'instrumentationLibrarySpans': expected 'scopeSpans'",
  ],
  ['/v1/logs', { resourceLogs: [{ scopeLogs: [{ logs: [] }] }] }, "nothing was read of 'logs': expected 'logRecords'"],
  ['/v1/traces', { resourceSpans: [{ resource: {}, scopeSpans: [{ scope: {} }] }], later: 1 }, undefined],
  [
    '/v1/traces',
    { resourceSpans: [{ scopeSpans: [{ spans: [chat({ kind: 'SPAN_KIND_AGENT' }), chat()] }] }] },
    '1 × kind "SPAN_KIND_AGENT" is not known, and counts as not set',
  ],
  ['/v1/traces', {}, undefined],
])('what nothing was read of is said: %s %j', async (path, body, message) => {
  const server = await startTestServer();
  const { status, body: answer } = await server.call('POST', path, body);
  expect([status, answer.partialSuccess?.errorMessage]).toEqual([200, message]);
});

test.each([
  ['/otlp/v1/traces', 'OTLP is served at /v1/traces'],
  ['/v1/traces/v1/traces', 'OTLP is served at /v1/traces'],
  ['/v4/v1/logs', 'OTLP is served at /v1/logs'],
  ['/', 'OTLP is served at /v1/traces'],
  ['/opentelemetry.proto.collector.trace.v1.TraceService/Export', 'gRPC is not served'],
])('a sender that looks for OTLP at %s is told where it is', async (path, message) => {
  const server = await startTestServer();
  const { status, body } = await server.call('POST', path, {});
  expect([status, body.detail]).toEqual([404, expect.stringContaining(message)]);
});

test('paths and methods that are not there', async () => {
  const { call } = await startTestServer();
  const statuses = [];
  for (const [method, path] of [
    ['GET', '/v1/traces'],
    ['POST', '/v1/other'],
    ['POST', '/v1'],
    ['POST', '/v1/traces/'],
  ]) {
    statuses.push((await call(method!, path!, method === 'POST' ? {} : undefined)).status);
  }
  expect(statuses).toEqual([405, 404, 404, 200]);
});

test('the answer comes after the commit, not before', async () => {
  let commit = (): void => {};
  const committed = new Promise<void>((resolve) => {
    commit = resolve;
  });
  const take = () => committed.then(() => ({ rejected: 0 }));
  const { port } = await serveRoutes(createOtlpRoutes({ takeSpans: take, takeEvents: take }, { maxBodyBytes: 10_000 }));
  let isAnswered = false;
  const answer = inProtobuf(`http://127.0.0.1:${port}`)('/v1/traces', traces([chat()])).finally(() => {
    isAnswered = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(isAnswered).toBe(false);
  commit();
  expect((await answer).status).toBe(200);
});

test('a failure of the server is a 503, as senders give up after a 500, and is reported', async () => {
  const reported: unknown[] = [];
  const fail = () => Promise.reject(new Error('a fault of the disk'));
  const { port } = await serveRoutes(
    createOtlpRoutes({ takeSpans: fail, takeEvents: fail }, { maxBodyBytes: 10_000 }),
    {
      onError: (error) => void reported.push(error),
    },
  );
  const sent = await inProtobuf(`http://127.0.0.1:${port}`)('/v1/traces', traces([chat()]));
  expect([sent.status, sent.headers.get('retry-after'), sent.body]).toEqual([
    503,
    '1',
    { code: 14, message: 'Internal Server Error' },
  ]);
  expect(String(reported)).toBe('Error: a fault of the disk');
});

describe('the project', () => {
  const projectOf = async (resource: object[], headers: Record<string, string> = {}) => {
    const server = await startTestServer();
    await inJson(server.url)('/v1/traces', traces([chat()], resource), headers);
    const [log] = await logsOf(server);
    return log?.project;
  };
  const service = text('service.name', 'shop');

  test('is that of the header, else humanloop.project, else service.name, and never unknown_service', async () => {
    expect(await projectOf([service, text('humanloop.project', 'mine')], { 'x-humanloop-project': 'header' })).toBe(
      'header',
    );
    expect(await projectOf([service, text('humanloop.project', 'mine')])).toBe('mine');
    expect(await projectOf([service])).toBe('shop');
    expect(await projectOf([text('service.name', 'unknown_service:python')])).toBe('default');
    expect(await projectOf([])).toBe('default');
    expect(await projectOf([{ key: 'service.name', value: { intValue: '5' } }])).toBe('default');
  });

  test('of a header may have any letters', async () => {
    const header = Buffer.from('Größe').toString('latin1');
    expect(await projectOf([], { 'x-humanloop-project': header })).toBe('Größe');
  });
});

test('nesting, over plumbing, and errors: what Python sends', async () => {
  const server = await startTestServer();
  await inProtobuf(server.url)('/v1/traces', readFileSync('test/fixtures/otlp/python-traces.bin'));
  await inProtobuf(server.url)('/v1/logs', readFileSync('test/fixtures/otlp/python-logs.bin'));
  const logs = (await logsOf(server)) as unknown as Record<string, unknown>[];
  const agent = logs.find(({ parent_id: parent }) => !parent);
  expect(agent).toMatchObject({ session_reference_id: 'talk-1', environment: 'staging' });
  const children = logs.filter(({ parent_id: parent }) => parent === agent?.['id']);
  expect(children.map(({ output, error }) => error ?? output).sort()).toEqual([
    'In Norwegen.',
    'Said by an event.',
    'ValueError: nothing found',
  ]);
});

test('without content, structure, tokens and timing are stored, and nothing that anybody said', async () => {
  const server = await startTestServer({ captureContent: false });
  await inJson(server.url)('/v1/traces', traces([chat({ status: { code: 2, message: 'Hello? is forbidden' } })]));
  await inProtobuf(server.url)('/v1/traces', readFileSync('test/fixtures/otlp/python-traces.bin'));
  await inProtobuf(server.url)('/v1/logs', readFileSync('test/fixtures/otlp/python-logs.bin'));
  const logs = await logsOf(server);
  expect(logs).toHaveLength(5);
  expect(JSON.stringify(logs)).not.toMatch(/Hello|Hi\.|Troms|Norwegen|Said by|nothing found/);
  expect(logs.find(({ reference_id: id }) => id === `${IDS.traceId}-${IDS.spanId}`)).toMatchObject({
    prompt_tokens: 7,
    duration: 1.5,
  });
});

describe('the second port', () => {
  test('takes the same, by the same rules, and closes with the server', async () => {
    const server = await startTestServer({ otlpPort: 0, apiKey: 'right' });
    expect(server.otlpUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(server.otlpUrl).not.toBe(server.url);
    const post = inProtobuf(server.otlpUrl);
    expect((await post('/v1/traces', traces([chat()]))).status).toBe(401);
    expect(
      (await post('/v1/traces', traces([chat()]), { 'x-api-key': 'right', origin: 'http://a.example' })).status,
    ).toBe(403);
    expect((await post('/v1/traces', traces([chat()]), { 'x-api-key': 'right' })).status).toBe(200);
    await server.close();
    await expect(post('/v1/traces', {})).rejects.toThrow('fetch failed');
  });

  test('is none by default', async () => {
    const server = await startTestServer();
    expect(server.otlpUrl).toBe(server.url);
  });

  test('in use: the server does not start, and lets go of the first', async () => {
    const first = await startTestServer({ otlpPort: 0 });
    const taken = Number(new URL(first.otlpUrl).port);
    const file = join(temporaryDirectory(), 'logs.db');
    await expect(startTestServer({ otlpPort: taken, file })).rejects.toMatchObject({ code: 'EADDRINUSE', port: taken });
    await startTestServer({ file });
  });

  test('that is the first is a wrong option', async () => {
    await expect(startTestServer({ port: 4340, otlpPort: 4340 })).rejects.toThrow(
      'option otlpPort: expected another port than 4340',
    );
  });
});
