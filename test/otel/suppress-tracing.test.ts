/**
 * With the real instrumentations and a real context manager. The first test shows that they do make spans, so that
 * the zero of the others means something.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { core } from '@opentelemetry/sdk-node';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { withoutTracing } from '../../src/otel/suppress-tracing.ts';
import { createHttpTransport } from '../../src/transport/http-transport.ts';
import { startMisbehavingServer } from '../transport/misbehaving-server.ts';

const exporter = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const instrumentations = [
  new UndiciInstrumentation(),
  new HttpInstrumentation({ disableIncomingRequestInstrumentation: true }),
];
const POST = { method: 'POST', path: '/logs', body: Buffer.from('{}') } as const;

const clientSpans = () => exporter.getFinishedSpans().filter(({ attributes }) => 'http.request.method' in attributes);

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new core.W3CTraceContextPropagator());
  for (const instrumentation of instrumentations) {
    instrumentation.setTracerProvider(tracerProvider);
    instrumentation.enable();
  }
});
afterAll(() => {
  for (const instrumentation of instrumentations) instrumentation.disable();
  context.disable();
  propagation.disable();
});
beforeEach(() => exporter.reset());

async function startServerAndTransport(delayMillis = 0) {
  const server = await startMisbehavingServer((_request, response) => {
    setTimeout(() => response.end('{}'), delayMillis);
  });
  const transport = createHttpTransport({ baseUrl: server.baseUrl, timeoutMillis: 2_000, connections: 1 });
  onTestFinished(() => transport.close());
  return { server, transport };
}

test('the instrumentations see requests that are not suppressed', async () => {
  const { server } = await startServerAndTransport();
  const { request } = await import('undici');
  await (await request(server.baseUrl)).body.dump();
  expect(clientSpans().length).toBeGreaterThan(0);
  expect(server.received[0]?.headers).not.toHaveProperty('x-api-key');
});

test('no spans of sends inside a span, in a row, and queued behind another on the connection', async () => {
  const { server, transport } = await startServerAndTransport(20);
  await tracerProvider.getTracer('app').startActiveSpan('app', async (span) => {
    await transport.send(POST);
    await Promise.all([transport.send(POST), transport.send(POST), transport.send(POST)]);
    span.end();
  });
  expect(server.received).toHaveLength(4);
  expect(clientSpans()).toEqual([]);
});

test('no spans of sends from timers, of failures and of what undici sends after a failure', async () => {
  const { server, transport } = await startServerAndTransport(20);
  const gaveUp = createHttpTransport({ baseUrl: server.baseUrl, timeoutMillis: 10, connections: 1 });
  onTestFinished(() => gaveUp.close());
  const done = new Promise((resolve) => {
    setTimeout(() => {
      resolve(Promise.all([transport.send(POST), gaveUp.send(POST), gaveUp.send(POST), gaveUp.send(POST)]));
    }, 5).unref();
  });
  await done;
  await sleep(50);
  await gaveUp.send(POST);
  expect(server.received.length).toBeGreaterThanOrEqual(2);
  expect(clientSpans()).toEqual([]);
});

test('no trace header travels with a request', async () => {
  const { server, transport } = await startServerAndTransport();
  await tracerProvider.getTracer('app').startActiveSpan('app', async (span) => {
    await transport.send(POST);
    span.end();
  });
  expect(server.received[0]?.headers).not.toHaveProperty('traceparent');
});

test('what the caller does meanwhile is traced as ever', async () => {
  const { transport } = await startServerAndTransport();
  const sending = transport.send(POST);
  tracerProvider.getTracer('app').startSpan('meanwhile').end();
  await sending;
  tracerProvider.getTracer('app').startSpan('afterwards').end();
  expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['meanwhile', 'afterwards']);
});

test('the context of a timer that is started without tracing stays so', async () => {
  const recording = await withoutTracing(async () => {
    await sleep(5);
    return tracerProvider.getTracer('app').startSpan('inside').isRecording();
  });
  expect(recording).toBe(false);
  expect(trace.getActiveSpan()).toBeUndefined();
});
