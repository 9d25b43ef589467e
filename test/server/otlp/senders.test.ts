/** Real exporters of OpenTelemetry's SDKs, and a sender with the Collector's rules. */
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { OTLPLogExporter as JsonLogs } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtoLogs } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter as JsonTraces } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtoTraces } from '@opentelemetry/exporter-trace-otlp-proto';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { OTLPTraceExporter as Sdk1JsonTraces } from 'exporter-trace-otlp-http-1';
import { OTLPTraceExporter as Sdk1ProtoTraces } from 'exporter-trace-otlp-proto-1';
import { BatchSpanProcessor as Sdk1Batch, BasicTracerProvider as Sdk1Provider } from 'sdk-trace-node-1';
import { expect, onTestFinished, test } from 'vitest';
import { readLogs } from '../../../scripts/read-logs.ts';
import { startTestServer } from '../../support/start-test-server.ts';
import { startBusyProxy } from './busy-proxy.ts';
import { encode } from './otlp-messages.ts';

const resource = resourceFromAttributes({ 'service.name': 'js-app' });
const message = (role: string, content: string) => JSON.stringify([{ role, parts: [{ type: 'text', content }] }]);

/** An agent above an HTTP span above a call, and a call that failed. */
function makeTrace(tracer: Tracer): void {
  const under = (parent: ReturnType<Tracer['startSpan']>) => trace.setSpan(ROOT_CONTEXT, parent);
  const agent = tracer.startSpan('invoke_agent', {
    attributes: { 'gen_ai.operation.name': 'invoke_agent', 'session.id': 's-1' },
  });
  const plumbing = tracer.startSpan('POST', { kind: SpanKind.CLIENT }, under(agent));
  const call = tracer.startSpan(
    'chat',
    {
      kind: SpanKind.CLIENT,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.request.model': 'gpt-4o-mini',
        'gen_ai.usage.input_tokens': 3,
        'gen_ai.input.messages': message('user', 'Größe?'),
        'gen_ai.output.messages': message('assistant', '12 cm'),
        'gen_ai.response.finish_reasons': ['stop'],
      },
    },
    under(plumbing),
  );
  call.end();
  const failed = tracer.startSpan('chat', { attributes: { 'gen_ai.operation.name': 'chat' } }, under(agent));
  failed.setStatus({ code: SpanStatusCode.ERROR, message: 'overloaded' });
  failed.end();
  plumbing.end();
  agent.end();
}

async function expectTrace(baseUrl: string): Promise<void> {
  const logs = await readLogs(baseUrl, new Date(0));
  expect(logs).toHaveLength(3);
  const agent = logs.find(({ parent_id: parent }) => !parent);
  expect(agent).toMatchObject({ session_reference_id: 's-1', project: 'js-app' });
  const children = logs.filter(({ parent_id: parent }) => parent === agent?.id);
  expect(children.map(({ output, error }) => error ?? output).sort()).toEqual(['12 cm', 'overloaded']);
  expect(children.find(({ output }) => output)).toMatchObject({
    messages: [{ role: 'user', content: 'Größe?' }],
    prompt_tokens: 3,
    metadata: { finish_reason: 'stop' },
  });
}

test.each([
  ['JSON', JsonTraces, CompressionAlgorithm.NONE],
  ['JSON, gzip', JsonTraces, CompressionAlgorithm.GZIP],
  ['protobuf', ProtoTraces, CompressionAlgorithm.NONE],
  ['protobuf, gzip', ProtoTraces, CompressionAlgorithm.GZIP],
] as const)('SDK 2, %s', async (_, Exporter, compression) => {
  const server = await startTestServer({ apiKey: 'right' });
  const exporter = new Exporter({ url: `${server.url}/v1/traces`, headers: { 'x-api-key': 'right' }, compression });
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(exporter)] });
  makeTrace(provider.getTracer('app', '1.0.0'));
  await provider.shutdown();
  process.env['HUMANLOOP_API_KEY'] = 'right';
  onTestFinished(() => void delete process.env['HUMANLOOP_API_KEY']);
  await expectTrace(server.baseUrl);
});

test.each([
  ['JSON', Sdk1JsonTraces],
  ['protobuf', Sdk1ProtoTraces],
] as const)('SDK 1, %s', async (_, Exporter) => {
  const server = await startTestServer({ otlpPort: 0 });
  const provider = new Sdk1Provider({
    resource: resource as never,
    spanProcessors: [new Sdk1Batch(new Exporter({ url: `${server.otlpUrl}/v1/traces` }))],
  });
  makeTrace(provider.getTracer('app'));
  await provider.shutdown();
  await expectTrace(server.baseUrl);
});

test.each([
  ['JSON', JsonLogs, JsonTraces],
  ['protobuf', ProtoLogs, ProtoTraces],
] as const)('log records complete the log of their span, %s', async (_, Logs, Traces) => {
  const server = await startTestServer();
  const tracing = new BasicTracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor(new Traces({ url: `${server.url}/v1/traces` }))],
  });
  const span = tracing
    .getTracer('app')
    .startSpan('chat', { attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' } });
  span.end();
  await tracing.forceFlush();
  const logging = new LoggerProvider({
    resource,
    processors: [new BatchLogRecordProcessor({ exporter: new Logs({ url: `${server.url}/v1/logs` }) } as never)],
  });
  logging.getLogger('app').emit({
    eventName: 'gen_ai.choice',
    body: { index: 0, message: { role: 'assistant', content: 'From an event.' } },
    context: trace.setSpan(ROOT_CONTEXT, span),
  });
  await logging.shutdown();
  await tracing.shutdown();
  const [log] = await readLogs(server.baseUrl, new Date(0));
  expect(log).toMatchObject({ output: 'From an event.' });
});

test('a metrics exporter is content', async () => {
  const server = await startTestServer();
  const exporter = new OTLPMetricExporter({ url: `${server.url}/v1/metrics` });
  const results: number[] = [];
  const send = exporter.export.bind(exporter);
  exporter.export = (metrics, done) =>
    send(metrics, (result) => {
      results.push(result.code);
      done(result);
    });
  const provider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] });
  provider.getMeter('app').createCounter('calls').add(1);
  await provider.forceFlush();
  await provider.shutdown();
  expect(results).not.toContain(1);
  expect(results.length).toBeGreaterThan(0);
});

test('an SDK sends again after 503 with Retry-After: 1, and nothing is lost or there twice', async () => {
  const server = await startTestServer();
  const url = await startBusyProxy(server.url, [{ status: 503, headers: { 'retry-after': '1' } }]);
  const provider = new BasicTracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor(new ProtoTraces({ url: `${url}/v1/traces` }))],
  });
  makeTrace(provider.getTracer('app'));
  await provider.shutdown();
  await expectTrace(server.baseUrl);
});

interface Sent {
  readonly statuses: number[];
  readonly dropped: number;
}

/**
 * Sends as the Collector's `otlphttp` exporter does: 429, 502, 503 and 504 are sent again after `Retry-After`, else after
 * a growing pause; any other failure drops the batch.
 */
async function sendAsCollector(url: string, batches: readonly object[]): Promise<Sent> {
  const statuses: number[] = [];
  let dropped = 0;
  for (const batch of batches) {
    const body = new Uint8Array(gzipSync(encode('TracesData', { ...batch })));
    for (let pause = 50; ; pause *= 1.5) {
      const response = await fetch(`${url}/v1/traces`, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/x-protobuf',
          'content-encoding': 'gzip',
          'user-agent': 'OpenTelemetry Collector',
        },
      });
      statuses.push(response.status);
      await response.arrayBuffer();
      if (response.ok) break;
      if (![429, 502, 503, 504].includes(response.status)) {
        dropped += 1;
        break;
      }
      await sleep(Number(response.headers.get('retry-after') ?? 0) * 1000 || pause);
    }
  }
  return { statuses, dropped };
}

const batchOf = (ids: readonly number[], filler = '') => ({
  resourceSpans: [
    {
      scopeSpans: [
        {
          spans: ids.map((id) => ({
            traceId: '0123456789abcdef0123456789abcdef',
            spanId: id.toString(16).padStart(16, '0'),
            name: 'chat',
            attributes: [
              { key: 'gen_ai.operation.name', value: { stringValue: 'chat' } },
              { key: 'filler', value: { stringValue: filler } },
            ],
          })),
        },
      ],
    },
  ],
});

test('a Collector waits for a busy server, and drops only the batch that is too large', async () => {
  const server = await startTestServer({ maxBodyBytes: 100_000, maxItems: 1 });
  const batches = [batchOf([1, 2]), batchOf([3], 'x'.repeat(200_000)), batchOf([4])];
  const sent = await sendAsCollector(server.url, batches);
  expect(sent).toEqual({ statuses: [200, 413, 200], dropped: 1 });
  expect(await readLogs(server.baseUrl, new Date(0))).toHaveLength(3);
});

test('a Collector that sends more at once than there is room for loses nothing', async () => {
  const server = await startTestServer();
  const senders = Array.from({ length: 30 }, (_, sender) =>
    sendAsCollector(server.url, [batchOf([sender * 2 + 1, sender * 2 + 2], 'x'.repeat(900_000))]),
  );
  const results = await Promise.all(senders);
  expect(results.reduce((sum, { dropped }) => sum + dropped, 0)).toBe(0);
  expect(await readLogs(server.baseUrl, new Date(0))).toHaveLength(60);
});
