/** Another SDK was registered first, a part of OpenTelemetry is missing, or other exporters read the same spans. */
import { type Tracer, trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { collectDiag } from '../support/collect-diag.ts';
import { useContextManager } from '../support/context-manager.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithProcessor, CHAT, outputOf, referenceOf } from '../support/traced-app.ts';

beforeEach(() => void vi.resetModules());

/** Imports the package as in a process without any earlier warning. */
async function freshApp(...args: Parameters<typeof appWithProcessor>): Promise<ReturnType<typeof appWithProcessor>> {
  const fresh = await import('../support/traced-app.ts');
  return fresh.appWithProcessor(...args);
}

test('with another SDK as the global provider, a provider of its own logs all its spans', async () => {
  const foreign = new BasicTracerProvider();
  expect(trace.setGlobalTracerProvider(foreign)).toBe(true);
  onTestFinished(() => trace.disable());
  useContextManager();
  const server = await startMisbehavingV4();
  const app = await freshApp(server);
  expect(trace.setGlobalTracerProvider(app.provider)).toBe(false);
  // A span of the other SDK is the parent, which this package never sees.
  trace.getTracer('other').startActiveSpan('request of the other SDK', (request) => {
    app.start('call', { parent: request }).end();
    request.end();
  });
  await app.client.forceFlush();
  app.expectDelivered();
  expect([...server.logs.values()].map((log) => log.parent_reference_id)).toEqual([undefined]);
});

function runAgent(tracer: Tracer): void {
  tracer.startActiveSpan('agent', { attributes: AGENT }, (agent) => {
    tracer.startActiveSpan('call', { attributes: CHAT }, (call) => call.end());
    agent.end();
  });
}

test('without a context manager each span is logged in its own session, and one warning says why', async () => {
  const diagnostics = collectDiag();
  const server = await startMisbehavingV4();
  const app = await freshApp(server);
  for (let run = 0; run < 3; run++) runAgent(app.provider.getTracer('app'));
  await app.client.forceFlush();
  expect(server.logs.size).toBe(6);
  expect(server.breaches).toEqual([]);
  expect(diagnostics.lines).toEqual([expect.stringContaining('no OpenTelemetry context manager is registered')]);
});

test('there is no warning if nothing is wrong', async () => {
  const diagnostics = collectDiag();
  useContextManager();
  const server = await startMisbehavingV4();
  const app = await freshApp(server);
  for (let run = 0; run < 3; run++) runAgent(app.provider.getTracer('app'));
  app.start('call').end();
  await app.client.forceFlush();
  expect(server.logs.size).toBe(7);
  expect(diagnostics.lines).toEqual([]);
});

test('a script that only makes calls gets no warning that it has no context manager', async () => {
  const diagnostics = collectDiag();
  const server = await startMisbehavingV4();
  const app = await freshApp(server);
  for (let call = 0; call < 3; call++) app.start('call').end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(diagnostics.lines).toEqual([]);
});

test('frozen spans are logged, and other exporters get them unchanged', async () => {
  const diagnostics = collectDiag();
  const server = await startMisbehavingV4();
  const other = new InMemorySpanExporter();
  const before: string[] = [];
  const freeze: SpanProcessor = {
    onStart: () => undefined,
    onEnd: (span) => {
      before.push(pictureOf(span));
      deepFreeze(span);
    },
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
  const app = appWithProcessor(
    server,
    { redact: (log) => ({ ...log, output: 'hidden' }) },
    { spanProcessors: [freeze] },
  );
  const last = new SimpleSpanProcessor(other);
  const http = app.startOther('POST', { attributes: { 'http.request.method': 'POST' } });
  const root = app.start('root', { parent: http, attributes: { ...AGENT, list: ['a', 'b'] } });
  const child = app.start('child', { parent: root, attributes: { ...CHAT, ...outputOf('said') } });
  child.recordException(new Error('broke'));
  for (const span of [child, root, http]) {
    span.end();
    last.onEnd(span as unknown as ReadableSpan);
  }
  await app.client.forceFlush();
  await last.forceFlush();
  app.expectDelivered();
  expect(app.log(child)?.parent_reference_id).toBe(referenceOf(root));
  expect(other.getFinishedSpans().map(pictureOf)).toEqual(before);
  expect(diagnostics.lines).toEqual([]);
});

function pictureOf(span: ReadableSpan): string {
  const { name, kind, attributes, events, status, startTime, endTime, duration, parentSpanContext, links } = span;
  const times = [startTime, endTime, duration];
  const resource = span.resource.attributes;
  return JSON.stringify([name, kind, attributes, events, status, times, parentSpanContext, links, resource]);
}

function deepFreeze(value: unknown, seen = new Set<unknown>()): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  // The SDK's own parts are not shared by exporters.
  for (const [key, part] of Object.entries(value))
    if (!/^_(spanProcessor|spanLimits)$/.test(key)) deepFreeze(part, seen);
  Object.freeze(value);
}
