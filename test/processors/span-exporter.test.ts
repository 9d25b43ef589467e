/** What the exporter guarantees to the span processor that calls it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Context, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type ExportResult, type HumanloopOptions, HumanloopSpanExporter } from '../../src/index.ts';
import type { SpanSlice } from '../../src/otel/span-slice.ts';
import { type MisbehavingV4Options, startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, CHAT, outputOf, QUICK, referenceOf } from '../support/traced-app.ts';

async function start(options: HumanloopOptions = {}, server: MisbehavingV4Options = {}) {
  const v4 = await startMisbehavingV4(server);
  const exporter = new HumanloopSpanExporter({ baseUrl: v4.baseUrl, ...QUICK, ...options });
  onTestFinished(() => exporter.shutdown());
  return { v4, exporter };
}

/** Ended spans, as a span processor exports them. */
function createSpans() {
  const ended = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(ended)] });
  const startSpan = (name: string, attributes = CHAT, parent?: Span): Span => {
    const context: Context = parent ? trace.setSpan(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
    return provider.getTracer('app').startSpan(name, { attributes }, context);
  };
  return { startSpan, takeEnded: () => ended.getFinishedSpans().splice(0) };
}

function oneSpan(): SpanSlice[] {
  const { startSpan, takeEnded } = createSpans();
  startSpan('chat').end();
  return takeEnded();
}

/** Results of all calls of the callback, with the time since the export. */
function exportSpans(exporter: HumanloopSpanExporter, spans: readonly SpanSlice[]) {
  const results: (ExportResult & { elapsedMillis: number })[] = [];
  const startedAtMillis = performance.now();
  exporter.export(spans, (result) => {
    results.push({ ...result, elapsedMillis: performance.now() - startedAtMillis });
  });
  return results;
}

test('the callback is called once, with success, when the server has acknowledged', async () => {
  const { v4, exporter } = await start({}, { fault: () => ({ stores: true, delayMillis: 200 }) });
  const results = exportSpans(exporter, oneSpan());
  await exporter.forceFlush();
  await exporter.shutdown();
  expect(results).toEqual([{ code: 0, elapsedMillis: expect.any(Number) }]);
  expect(results[0]?.elapsedMillis).toBeGreaterThanOrEqual(199);
  expect(v4.logs.size).toBe(1);
});

test.each<[string, MisbehavingV4Options]>([
  ['refuses everything', { refuses: () => true }],
  ['is down', { fault: () => ({ answer: { status: 503 } }) }],
  ['cuts connections', { fault: () => ({ answer: 'reset' }) }],
  ['never answers', { fault: () => ({ answer: 'hang' }) }],
  ['wants another key', { fault: () => ({ answer: { status: 401 } }) }],
])('the callback is called once by the deadline if the server %s', async (_, server) => {
  const { exporter } = await start({ timeoutMillis: 200, flushTimeoutMillis: 300 }, server);
  const results = exportSpans(exporter, oneSpan());
  await expect.poll(() => results).toHaveLength(1);
  // Without the deadline that of the default, half a minute, would be waited for.
  expect(results[0]?.elapsedMillis).toBeLessThan(15_000);
  await exporter.shutdown();
  await sleep(50);
  expect(results).toHaveLength(1);
  const { dropped } = exporter.stats();
  expect(Object.values(dropped)).toEqual([1]);
});

test('export of nothing succeeds at once', async () => {
  const { v4, exporter } = await start();
  const results = exportSpans(exporter, []);
  await expect.poll(() => results).toMatchObject([{ code: 0 }]);
  expect(v4.requests).toEqual([]);
});

test('export after shutdown fails, once, and sends nothing', async () => {
  const { v4, exporter } = await start();
  await exporter.shutdown();
  await exporter.shutdown();
  const results = exportSpans(exporter, oneSpan());
  await sleep(20);
  expect(results).toMatchObject([{ code: 1, error: { name: 'HumanloopError', message: 'export after shutdown' } }]);
  expect(v4.requests).toEqual([]);
  await exporter.forceFlush();
});

test('a callback that throws is called once, and delivery continues', async () => {
  const { v4, exporter } = await start();
  const callback = vi.fn(() => {
    throw new Error('callback');
  });
  exporter.export(oneSpan(), callback);
  await exporter.forceFlush();
  exportSpans(exporter, oneSpan());
  await exporter.forceFlush();
  expect(callback).toHaveBeenCalledTimes(1);
  expect(v4.logs.size).toBe(2);
});

test('a child that comes in an earlier batch waits for its parent and is sent after it', async () => {
  const { v4, exporter } = await start({ holdMillis: 10_000 });
  const { startSpan, takeEnded } = createSpans();
  const agent = startSpan('agent', AGENT);
  const chat = startSpan('chat', CHAT, agent);
  chat.end();
  const results = exportSpans(exporter, takeEnded());
  await expect.poll(() => results).toMatchObject([{ code: 0 }]);
  expect(v4.requests).toEqual([]);
  expect(exporter.stats().held).toBe(1);
  agent.end();
  exportSpans(exporter, takeEnded());
  await exporter.forceFlush();
  expect(v4.requests.map(({ method, references }) => [method, ...references])).toEqual([
    ['POST', referenceOf(agent)],
    ['POST', referenceOf(chat)],
  ]);
  expect(v4.breaches).toEqual([]);
});

test('a parent that does not come in time gets a stub, which it completes when it comes', async () => {
  const { v4, exporter } = await start({ holdMillis: 30, missingParent: 'stub' });
  const { startSpan, takeEnded } = createSpans();
  const agent = startSpan('agent', AGENT);
  const chat = startSpan('chat', CHAT, agent);
  chat.end();
  exportSpans(exporter, takeEnded());
  await expect.poll(() => v4.logs.get(referenceOf(chat))).toBeDefined();
  expect(v4.logs.get(referenceOf(agent))).toMatchObject({ metadata: { stub: true }, config: { type: 'generic' } });
  expect(v4.logs.get(referenceOf(chat))?.parent_reference_id).toBe(referenceOf(agent));
  agent.setAttributes(outputOf('done')).end();
  exportSpans(exporter, takeEnded());
  await exporter.forceFlush();
  expect(v4.logs.get(referenceOf(agent))).toMatchObject({ output: 'done', duration: expect.any(Number) });
  expect(v4.breaches).toEqual([]);
});

test("missingParent 'root' makes such a child top-level in the session of its trace", async () => {
  const { v4, exporter } = await start({ holdMillis: 30, missingParent: 'root' });
  const { startSpan, takeEnded } = createSpans();
  const chat = startSpan('chat', CHAT, startSpan('agent', AGENT));
  chat.end();
  exportSpans(exporter, takeEnded());
  await exporter.forceFlush();
  expect([...v4.logs.keys()]).toEqual([referenceOf(chat)]);
  expect(v4.logs.get(referenceOf(chat))).not.toHaveProperty('parent_reference_id');
  expect(v4.logs.get(referenceOf(chat))?.session_reference_id).toBe(chat.spanContext().traceId);
});

test('a stub whose parent never comes is closed at shutdown', async () => {
  const { v4, exporter } = await start({ holdMillis: 10 });
  const { startSpan, takeEnded } = createSpans();
  const agent = startSpan('agent', AGENT);
  startSpan('chat', CHAT, agent).end();
  exportSpans(exporter, takeEnded());
  await exporter.forceFlush();
  await exporter.shutdown();
  expect(v4.logs.get(referenceOf(agent))?.error).toBe('span did not end before shutdown');
});

describe('a log below a span that is not a log', () => {
  const HTTP = { 'http.request.method': 'POST' };

  async function startChain(options: HumanloopOptions) {
    const { v4, exporter } = await start(options);
    const { startSpan, takeEnded } = createSpans();
    const agent = startSpan('agent', AGENT);
    const http = startSpan('POST /tools', HTTP, agent);
    const tool = startSpan('tool', CHAT, http);
    const exportAlone = (span: Span) => {
      span.end();
      return exportSpans(exporter, takeEnded());
    };
    return { v4, exporter, agent, http, tool, startSpan, exportAlone };
  }

  test.each(['stub', 'root'] as const)('that was exported alone, before its own parent (%s)', async (missingParent) => {
    for (const isSlow of [false, true]) {
      const { v4, exporter, agent, http, tool, exportAlone } = await startChain({ holdMillis: 0, missingParent });
      for (const span of [http, agent, tool]) {
        const results = exportAlone(span);
        if (isSlow) await expect.poll(() => results).toHaveLength(1);
      }
      await exporter.forceFlush();
      expect(v4.logs.get(referenceOf(tool))?.parent_reference_id).toBe(referenceOf(agent));
      expect([...v4.logs.keys()].sort()).toEqual([referenceOf(agent), referenceOf(tool)].sort());
      expect(v4.breaches).toEqual([]);
    }
  });

  test.each(['stub', 'root'] as const)(
    'that was exported after its parent, with others in between (%s)',
    async (missingParent) => {
      for (const holdMillis of [0, 10, 10_000]) {
        const { v4, exporter, agent, http, tool, startSpan, exportAlone } = await startChain({
          holdMillis,
          missingParent,
        });
        exportAlone(agent);
        await sleep(20);
        exportAlone(http);
        for (let others = 0; others < 3; others++) {
          exportAlone(startSpan('other', CHAT));
          await sleep(20);
        }
        exportAlone(tool);
        await exporter.forceFlush();
        expect(v4.logs.get(referenceOf(tool))?.parent_reference_id).toBe(referenceOf(agent));
        expect(v4.breaches).toEqual([]);
      }
    },
  );
});

test('the session is the one that a span said which was exported long before the first log', async () => {
  const { v4, exporter } = await start({ holdMillis: 0 });
  const { startSpan, takeEnded } = createSpans();
  const http = startSpan('POST /chat', { 'http.request.method': 'POST', 'session.id': 's' });
  const chat = startSpan('chat', CHAT, http);
  http.end();
  const results = exportSpans(exporter, takeEnded());
  await expect.poll(() => results).toHaveLength(1);
  chat.end();
  exportSpans(exporter, takeEnded());
  await exporter.forceFlush();
  expect(v4.logs.get(referenceOf(chat))?.session_reference_id).toBe('s');
});

test('the session of a root outranks that of its descendants, also if its own parent is remote', async () => {
  const { v4, exporter } = await start();
  const { startSpan, takeEnded } = createSpans();
  const traceId = 'a'.repeat(32);
  const remote = trace.wrapSpanContext({ traceId, spanId: 'b'.repeat(16), traceFlags: 1, isRemote: true });
  const http = startSpan('POST /chat', { 'http.request.method': 'POST', 'session.id': 'of the root' }, remote);
  const agent = startSpan('agent', AGENT, http);
  const chat = startSpan('chat', { ...CHAT, 'session.id': 'of the call' }, agent);
  for (const span of [chat, agent, http]) span.end();
  exportSpans(exporter, takeEnded());
  await exporter.forceFlush();
  expect(v4.logs.get(referenceOf(chat))?.session_reference_id).toBe('of the root');
});

test('a span that comes before its stub is stored is logged as what it is', async () => {
  const pause = { answer: { status: 429, headers: { 'retry-after': '1' } } };
  const { v4, exporter } = await start({ holdMillis: 0 }, { fault: (_, index) => (index === 0 ? pause : undefined) });
  const { startSpan, takeEnded } = createSpans();
  const call = startSpan('call');
  startSpan('retry', CHAT, call).end();
  exportSpans(exporter, takeEnded());
  await expect.poll(() => v4.requests).toHaveLength(1);
  call.end();
  exportSpans(exporter, takeEnded());
  await exporter.forceFlush();
  expect(v4.logs.get(referenceOf(call))?.config).toMatchObject({ type: 'model' });
  expect(v4.breaches).toEqual([]);
});

test('frozen spans are accepted', async () => {
  const { v4, exporter } = await start();
  const spans = oneSpan().map((span) => {
    Object.freeze(span.attributes);
    Object.freeze(span.events);
    return Object.freeze(span);
  });
  const results = exportSpans(exporter, spans);
  await exporter.forceFlush();
  expect(results).toMatchObject([{ code: 0 }]);
  expect(v4.logs.size).toBe(1);
});
