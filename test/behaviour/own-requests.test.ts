/** What the package does itself must not become spans or log records that it logs. */
import { context, trace } from '@opentelemetry/api';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { expect, onTestFinished, test } from 'vitest';
import { HumanloopLogRecordProcessor } from '../../src/index.ts';
import { collectDiag } from '../support/collect-diag.ts';
import { useContextManager } from '../support/context-manager.ts';
import { type Misbehaviour, startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor } from '../support/traced-app.ts';

const TROUBLE: Misbehaviour[] = [
  { answer: { status: 503 } },
  { answer: { status: 500 }, stores: true },
  { answer: 'reset' },
  { answer: 'reset', stores: true },
  { answer: { status: 429, headers: { 'retry-after': '1' } } },
  { answer: 'html' },
  { answer: 'cut', stores: true },
  { answer: 'hang' },
];

test('with undici and http instrumented, no own request becomes a span, not even retries or those of timers', async () => {
  const trouble = [...TROUBLE];
  const server = await startMisbehavingV4({ fault: (_, index) => (index % 2 ? undefined : trouble.shift()) });
  const seen = new InMemorySpanExporter();
  const spanProcessors = [new SimpleSpanProcessor(seen)];
  const app = appWithProcessor(server, { timeoutMillis: 300, holdMillis: 10 }, { spanProcessors });
  const exporting = appWithExporter(server, { timeoutMillis: 300, holdMillis: 10 }, { scheduledDelayMillis: 20 });
  useContextManager();
  const instrumentations = [
    new UndiciInstrumentation(),
    new HttpInstrumentation({ disableIncomingRequestInstrumentation: true }),
  ];
  for (const instrumentation of instrumentations) instrumentation.setTracerProvider(app.provider);
  onTestFinished(() => {
    for (const instrumentation of instrumentations) instrumentation.disable();
  });
  // Requests of the app itself show that the instrumentations work.
  const { request } = await import('undici');
  await (await request(`${server.baseUrl}/logs`, { method: 'PATCH', body: '{}' })).body.dump();
  expect(seen.getFinishedSpans()).toHaveLength(1);

  for (let turn = 0; turn < 12; turn++) {
    for (const each of [app, exporting]) {
      const root = each.start('root', { attributes: AGENT });
      await context.with(trace.setSpan(context.active(), root), async () => {
        each.start('call', { parent: root }).end();
        await new Promise((resolve) => setTimeout(resolve, 40));
      });
      root.end();
    }
  }
  await Promise.all([app.flush(), exporting.flush()]);
  expect(trouble).toEqual([]);
  const requests = seen.getFinishedSpans().filter(({ attributes }) => 'http.request.method' in attributes);
  expect(requests).toHaveLength(1);
  expect(server.requests.some(({ headers }) => headers['traceparent'] !== undefined)).toBe(false);
  app.expectDelivered();
  exporting.expectDelivered();
});

test('warnings through diag can create spans and log records themselves, and that ends', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ answer: { status: 422, body: { detail: 'no' } } }) });
  const app = appWithProcessor(server);
  const bridge = new HumanloopLogRecordProcessor(app.client);
  // The worst bridge: each line becomes an LLM span with a GenAI event, which fails in turn.
  const diagnostics = collectDiag((line) => {
    const span = app.start('diag');
    bridge.onEmit({
      spanContext: span.spanContext(),
      eventName: 'gen_ai.choice',
      body: { message: { content: line } },
    });
    span.end();
  });
  app.start('first').end();
  for (let turn = 0; turn < 5; turn++) {
    await app.client.forceFlush();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  // At most one of each kind: also that of a span that ends when all is over.
  expect(new Set(diagnostics.lines).size).toBe(diagnostics.lines.length);
  expect(diagnostics.lines.length).toBeLessThan(7);
  expect(server.requests.length).toBeLessThan(20);
  app.expectAccounted();
  expect(app.stats).toMatchObject({ logged: 0, queued: 0, held: 0 });
});

test('creating a span for each warning of the package ends, even while nothing can be sent', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ answer: { status: 401 } }) });
  const app = appWithProcessor(server, { flushTimeoutMillis: 50 });
  const diagnostics = collectDiag(() => app.start('diag').end());
  app.start('first').end();
  for (let turn = 0; turn < 5; turn++) await app.client.forceFlush().catch(() => undefined);
  await app.client.shutdown();
  // At most one of each kind: also that of a span that ends when all is over.
  expect(new Set(diagnostics.lines).size).toBe(diagnostics.lines.length);
  expect(diagnostics.lines.length).toBeLessThan(7);
  app.expectAccounted();
});
