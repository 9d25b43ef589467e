/**
 * What the package must never do to its app, seen from outside, in a process of its own: throw, reject unhandled, keep
 * it alive, trace its own requests, print the key.
 */
import { expect, test } from 'vitest';
import { createApp, runApp } from './support/installed-app.ts';
import { startMisbehavingV4 } from './support/misbehaving-v4.ts';

const STRICT = ['--unhandled-rejections=strict', '--trace-warnings', 'app.mjs'];
const SETUP = `
import { diag, DiagLogLevel, trace } from '@opentelemetry/api';
import { BasicTracerProvider, BatchSpanProcessor, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { HumanloopSpanExporter, HumanloopSpanProcessor } from 'humanloop-otel';
const print = (...words) => console.log('diag', ...words.map(String));
diag.setLogger({ error: print, warn: print, info: print, debug: print, verbose: print }, DiagLogLevel.ALL);
const fail = () => { throw new Error('hook'); };
const failLater = async () => fail();
const chat = { attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' } };
const setUp = (...spanProcessors) => new BasicTracerProvider({ spanProcessors }).getTracer('app');
`;
const packages = [
  '@opentelemetry/sdk-trace-base',
  '@opentelemetry/sdk-trace-node',
  '@opentelemetry/context-async-hooks',
  '@opentelemetry/instrumentation-http',
  '@opentelemetry/instrumentation-undici',
];
const KEY = 'hl_sk_4f1c0ffee';

async function runWith(source: string, baseUrl: string) {
  const app = await createApp({ packages, files: { 'app.mjs': SETUP + source } });
  return runApp(app, STRICT, { env: { HUMANLOOP_BASE_URL: baseUrl, HUMANLOOP_API_KEY: KEY } });
}

const REFUSED = 'http://127.0.0.1:9/v4';

test('hooks that throw and reject, spans that break every promise: the app sees nothing of it', async () => {
  const v4 = await startMisbehavingV4();
  const source = `
    for (const hook of [fail, failLater, () => undefined, () => ({ then: fail }), () => new Proxy({}, { get: fail }),
      async () => new Proxy({}, { ownKeys: fail })]) {
      const options = { redact: hook, include: hook, project: hook, session: hook, onDrop: hook };
      const processor = new HumanloopSpanProcessor(options);
      const tracer = setUp(processor, new BatchSpanProcessor(new HumanloopSpanExporter(options)));
      tracer.startSpan('chat', chat).end();
      const broken = [undefined, null, 1, {}, { spanContext: fail }, { spanContext: () => ({}) },
        { spanContext: () => undefined }, new Proxy({}, { get: fail }), Object.freeze({ spanContext: () => ({ traceId: 'x' }) }),
        { spanContext: () => ({ traceId: 1, spanId: 2 }), attributes: null, events: null, startTime: 'x' }];
      const exporter = new HumanloopSpanExporter(options);
      const handAll = () => {
        for (const span of broken) {
          processor.onStart(span);
          processor.onEnd(span);
          exporter.export([span], fail);
        }
        exporter.export(broken, undefined);
      };
      handAll();
      processor.update('0'.repeat(32) + '-' + '1'.repeat(16), {});
      await processor.forceFlush();
      await exporter.forceFlush();
      await processor.shutdown();
      await exporter.shutdown();
      handAll();
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    console.log('done');`;
  const result = await runWith(source, v4.baseUrl);
  expect(result).toMatchObject({ code: 0, stderr: '' });
  expect(result.stdout).toContain('done\n');
  expect(result.stdout + result.stderr).not.toContain(KEY);
});

test.each([
  ['takes everything', undefined],
  ['refuses connections', REFUSED],
])('an app that neither flushes nor shuts down ends by itself, where the server %s', async (_, address) => {
  const v4 = await startMisbehavingV4();
  const source = `
    const processor = new HumanloopSpanProcessor({ holdMillis: 600_000 });
    const tracer = setUp(processor, new SimpleSpanProcessor(new HumanloopSpanExporter()));
    tracer.startSpan('open', chat);
    tracer.startSpan('chat', chat).end();
    await new Promise((resolve) => setTimeout(resolve, 700));
    const { logged } = processor.stats();
    const before = performance.now();
    process.on('exit', () => console.log(logged, Math.round(performance.now() - before)));`;
  const { code, stdout, stderr } = await runWith(source, address ?? v4.baseUrl);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [, logged, waitedMillis] = /^(\d+) (\d+)$/m.exec(stdout) ?? [];
  expect(logged).toBe(address ? '0' : '1');
  expect(Number(waitedMillis)).toBeLessThan(500);
});

test('an app that awaits a flush gets its answer, though nothing else keeps it alive', async () => {
  const source = `
    const processor = new HumanloopSpanProcessor({ flushTimeoutMillis: 700 });
    setUp(processor).startSpan('chat', chat).end();
    await processor.forceFlush().catch((error) => console.log(error.name, error.message));
    await processor.shutdown();
    console.log('shut down', JSON.stringify(processor.stats().dropped));`;
  const { code, stdout, stderr } = await runWith(source, REFUSED);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^HumanloopError 1 logs? w.* not acknowledged within \d+ ms$/m);
  expect(stdout).toContain('shut down {"shutdown":1}');
});

test('with every instrumentation on, the own requests make no spans: not at once, not from timers, not again', async () => {
  const v4 = await startMisbehavingV4({
    fault: (_, index) => (index === 0 ? { answer: { status: 503 } } : undefined),
  });
  const source = `
    const { NodeTracerProvider } = await import('@opentelemetry/sdk-trace-node');
    const { HttpInstrumentation } = await import('@opentelemetry/instrumentation-http');
    const { UndiciInstrumentation } = await import('@opentelemetry/instrumentation-undici');
    const names = [];
    const watcher = { onStart() {}, onEnd: (span) => names.push(span.name), forceFlush: async () => {}, shutdown: async () => {} };
    const processor = new HumanloopSpanProcessor({ holdMillis: 50 });
    const batch = new BatchSpanProcessor(new HumanloopSpanExporter(), { scheduledDelayMillis: 50 });
    new NodeTracerProvider({ spanProcessors: [watcher, processor, batch] }).register();
    new HttpInstrumentation();
    new UndiciInstrumentation();
    const tracer = trace.getTracer('app');
    await tracer.startActiveSpan('agent', chat, async (agent) => {
      tracer.startSpan('chat', chat).end();
      await new Promise((resolve) => setTimeout(resolve, 900));
      await processor.forceFlush();
      agent.end();
    });
    await processor.shutdown();
    await batch.shutdown();
    await fetch('http://127.0.0.1:65000').catch(() => undefined);
    console.log(JSON.stringify(names));`;
  const { code, stdout, stderr } = await runWith(source, v4.baseUrl);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  // The last one is the app's own request: the instrumentations do work.
  expect(stdout.trim().split('\n').at(-1)).toBe('["chat","agent","GET"]');
  expect(v4.requests.length).toBeGreaterThan(2);
  expect(stdout).not.toContain(KEY);
});
