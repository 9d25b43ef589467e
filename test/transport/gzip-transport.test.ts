import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { context, diag, trace } from '@opentelemetry/api';
import { BasicTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { expect, onTestFinished, test, vi } from 'vitest';
import { HumanloopSpanProcessor } from '../../src/index.ts';
import { createGzipTransport } from '../../src/transport/gzip-transport.ts';
import { createHttpTransport } from '../../src/transport/http-transport.ts';
import { startTestServer } from '../support/start-test-server.ts';
import { startMisbehavingServer } from './misbehaving-server.ts';

const BODY = Buffer.from(JSON.stringify({ text: 'a long text, '.repeat(1_000) }));
const POST = { method: 'POST', path: '/logs', body: BODY } as const;

function transportTo(baseUrl: string) {
  const transport = createGzipTransport(createHttpTransport({ baseUrl, timeoutMillis: 2_000 }));
  onTestFinished(() => transport.close());
  return transport;
}

/** Answers 200 to what it can read, else the given status. Records the encodings that arrived. */
async function startWithoutGzip(status: number) {
  const encodings: (string | undefined)[] = [];
  const server = await startMisbehavingServer((request: IncomingMessage, response: ServerResponse) => {
    encodings.push(request.headers['content-encoding']);
    response.writeHead(request.headers['content-encoding'] ? status : 200).end('{}');
  });
  return { baseUrl: server.baseUrl, encodings };
}

test('a request arrives gzipped, a small one uncompressed', async () => {
  const received: Buffer[] = [];
  const server = createServer(async (request, response) => {
    received.push(await buffer(request));
    response.end(request.headers['content-encoding'] ?? 'none');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const transport = transportTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v4`);
  expect(await transport.send(POST)).toMatchObject({ status: 200, text: 'gzip' });
  expect(await transport.send({ ...POST, body: Buffer.from('{}') })).toMatchObject({ text: 'none' });
  const [packed, small] = received as [Buffer, Buffer];
  expect(packed.length).toBeLessThan(BODY.length / 4);
  expect(gunzipSync(packed)).toEqual(BODY);
  expect(small.toString()).toBe('{}');
});

test.each([415, 400, 422])(
  'a server that answers gzip with %i gets uncompressed requests from then on',
  async (status) => {
    const warn = vi.fn();
    diag.setLogger({ error: warn, warn, info() {}, debug() {}, verbose() {} });
    onTestFinished(() => diag.disable());
    const server = await startWithoutGzip(status);
    const transport = transportTo(server.baseUrl);
    expect(await transport.send(POST)).toMatchObject({ kind: 'answered', status: 200 });
    expect(await transport.send(POST)).toMatchObject({ kind: 'answered', status: 200 });
    expect(server.encodings).toEqual(['gzip', undefined, undefined]);
    expect(warn).toHaveBeenCalledTimes(1);
  },
);

test('a refusal by a server that accepts gzip is a refusal of the logs', async () => {
  let status = 200;
  const encodings: unknown[] = [];
  const server = await startMisbehavingServer((request, response) => {
    encodings.push(request.headers['content-encoding']);
    response.writeHead(status).end('{}');
  });
  const transport = transportTo(server.baseUrl);
  await transport.send(POST);
  status = 422;
  expect(await transport.send(POST)).toMatchObject({ status: 422 });
  expect(encodings).toEqual(['gzip', 'gzip']);
});

test("with compression logs arrive at this package's own server, parents first", async () => {
  const { url, call } = await startTestServer();
  const encodings: unknown[] = [];
  const note = (message: unknown) =>
    encodings.push((message as { request: IncomingMessage }).request.headers['content-encoding']);
  subscribe('http.server.request.start', note);
  onTestFinished(() => void unsubscribe('http.server.request.start', note));
  const processor = new HumanloopSpanProcessor({ baseUrl: `${url}/v4`, compression: 'gzip', project: 'p' });
  onTestFinished(() => processor.shutdown());
  const provider = new BasicTracerProvider({ spanProcessors: [processor as unknown as SpanProcessor] });
  const tracer = provider.getTracer('app');
  const agent = tracer.startSpan('agent', { attributes: { 'gen_ai.operation.name': 'invoke_agent' } });
  for (let step = 0; step < 20; step++) {
    const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.input.messages': 'a long question, '.repeat(100) };
    tracer.startSpan('chat', { attributes }, trace.setSpan(context.active(), agent)).end();
  }
  agent.end();
  await processor.forceFlush();
  expect(processor.stats()).toMatchObject({ logged: 21, queued: 0, dropped: {} });
  expect(encodings).toContain('gzip');
  const { body } = await call('GET', '/viewer/api/sessions');
  expect(body).toMatchObject({ sessions: [{ logs: 21 }] });
});
