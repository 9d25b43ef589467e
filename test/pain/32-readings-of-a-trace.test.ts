/** What spans say in odd ways: errors, doubled calls, sessions on one span only, clocks that jump, foreign attributes. */
import { createOpenAI } from '@ai-sdk/openai';
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { generateText } from 'ai';
import OpenAI from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { startScriptedModel } from '../../examples/scripted-model/server.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, CHAT, outputOf, referenceOf } from '../support/traced-app.ts';

const ERROR = 2;

test('32: errors in the status, in an exception event, in error.type and in the finish reason are errors of the log', async () => {
  const server = await startMisbehavingV4();
  for (const app of [appWithProcessor(server), appWithExporter(server)]) {
    const byStatus = app.start('status');
    byStatus.setStatus({ code: ERROR, message: 'status says no' });
    const byEvent = app.start('event');
    byEvent.recordException(new TypeError('event says no'));
    byEvent.setStatus({ code: ERROR });
    const byType = app.start('type', { attributes: { ...CHAT, 'error.type': 'timeout' } });
    byType.setStatus({ code: ERROR });
    const byReason = app.start('finish reason', {
      attributes: { ...CHAT, 'gen_ai.response.finish_reasons': ['error'] },
    });
    const bare = app.start('bare');
    bare.setStatus({ code: ERROR });
    const fine = app.start('fine');
    const spans = [byStatus, byEvent, byType, byReason, bare, fine];
    for (const span of spans) span.end();
    await app.provider.forceFlush();
    await app.client.forceFlush();
    app.expectDelivered();
    expect(spans.map((span) => app.log(span)?.error)).toEqual([
      expect.stringContaining('status says no'),
      expect.stringContaining('event says no'),
      expect.stringContaining('timeout'),
      expect.stringMatching(/./),
      expect.stringMatching(/./),
      undefined,
    ]);
  }
});

test('32: an error that comes after the log was posted open is sent by update', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, { holdMillis: 0 });
  const root = app.start('agent', { attributes: AGENT });
  app.start('call', { parent: root }).end();
  await expect.poll(() => app.stats.logged).toBe(2);
  root.recordException(new Error('broke late'));
  root.setStatus({ code: ERROR, message: 'broke late' });
  root.end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(app.log(root)?.error).toContain('broke late');
});

function useContextManager(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  onTestFinished(() => context.disable());
}

test('33: a call that the AI SDK and an instrumentation of the client below it both tell of is one model log, its tokens once', async () => {
  useContextManager();
  const model = await startScriptedModel();
  onTestFinished(() => model.close());
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  const instrumentation = new OpenAIInstrumentation();
  instrumentation.setTracerProvider(app.provider);
  instrumentation.manuallyInstrument(OpenAI);
  const client = new OpenAI({ apiKey: 'scripted', baseURL: model.baseUrl });
  // The AI SDK's provider has a client of its own; here it goes through the one that is instrumented.
  const throughClient: typeof fetch = async (_, init) =>
    Response.json(await client.chat.completions.create(JSON.parse(String(init?.body))));
  const openai = createOpenAI({ apiKey: 'scripted', fetch: throughClient });
  await generateText({
    model: openai.chat('gpt-4o-mini'),
    prompt: 'What is the capital of Norway?',
    experimental_telemetry: { isEnabled: true, tracer: app.provider.getTracer('ai') },
  });
  await app.client.forceFlush();
  const logs = [...server.logs.values()];
  expect(server.breaches).toEqual([]);
  expect(logs).toHaveLength(3);
  const kinds = logs.map(({ config }) => config?.type);
  expect(kinds.filter((kind) => kind === 'model')).toHaveLength(1);
  const counted = logs.filter(({ prompt_tokens }) => prompt_tokens !== undefined);
  expect(counted).toHaveLength(1);
  expect(counted[0]?.config?.type).toBe('model');
  expect(logs.filter((log) => log.parent_reference_id === undefined)).toHaveLength(1);
});

test('34: a session that is named on one span only is that of the whole trace, of late logs too', async () => {
  const server = await startMisbehavingV4();
  for (const app of [appWithProcessor(server), appWithExporter(server, { holdMillis: 2_000 })]) {
    const http = app.startOther('POST /chat', { attributes: { 'http.route': '/chat', 'session.id': 'from the root' } });
    const agent = app.start('agent', { parent: http, attributes: AGENT });
    const call = app.start('call', { parent: agent });
    const late = app.start('late', { parent: agent, attributes: { ...CHAT, 'session.id': 'too late' } });
    for (const span of [call, agent, http]) span.end();
    await app.provider.forceFlush();
    await app.client.forceFlush();
    late.end();
    await app.provider.forceFlush();
    await app.client.forceFlush();
    app.expectDelivered();
    for (const span of [agent, call, late]) expect(app.log(span)?.session_reference_id).toBe('from the root');
  }
});

test('34: named on a span far below, it is that of all', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  const agent = app.start('agent', { attributes: AGENT });
  const call = app.start('call', { parent: agent, attributes: { ...CHAT, 'gen_ai.conversation.id': 'below' } });
  const other = app.start('other', { parent: agent });
  for (const span of [call, other, agent]) span.end();
  await app.client.forceFlush();
  app.expectDelivered();
  for (const span of [agent, call, other]) expect(app.log(span)?.session_reference_id).toBe('below');
});

test('34: named too late, when logs of the trace were sent, it does not tear the trace apart', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  const agent = app.start('agent', { attributes: AGENT });
  const late = app.start('late', { parent: agent });
  agent.end();
  await app.client.forceFlush();
  late.setAttribute('session.id', 'too late').end();
  await app.client.forceFlush();
  app.expectDelivered();
  for (const span of [agent, late]) expect(app.log(span)?.session_reference_id).toBe(agent.spanContext().traceId);
});

test('35: clocks that jump: durations are not negative, dates are dates', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  const start = (name: string, startTime: number) => {
    const tracer = app.provider.getTracer('app');
    return tracer.startSpan(name, { attributes: CHAT, startTime }, context.active());
  };
  const now = Date.now();
  const backwards = start('backwards', now);
  backwards.end(now - 3_600_000);
  const future = start('future', now + 365 * 86_400_000);
  future.end(now + 365 * 86_400_000 + 1_000);
  const zero = start('end at 0', now);
  zero.end(0);
  const none = start('no number', Number.NaN);
  none.end(Number.NaN);
  for (const damage of [
    [0, 0],
    [Number.NaN, 0],
    [-5, 0],
    [1e15, 0],
  ] as const) {
    const clocks = { startTime: { value: damage }, endTime: { value: damage }, duration: { value: [-3, 0] } };
    app.client.onEnd(Object.create(start('damaged', now), { ...clocks, ended: { value: true } }));
  }
  await app.client.forceFlush();
  expect(server.breaches).toEqual([]);
  expect(server.logs.size).toBe(8);
  for (const { duration, created_at } of server.logs.values()) {
    if (duration !== undefined) expect(duration).toBeGreaterThanOrEqual(0);
    expect(new Date(String(created_at)).toISOString()).toBe(created_at);
  }
  expect(server.logs.get(referenceOf(future))?.duration).toBeCloseTo(1);
});

test('36: attributes that an enricher puts on every span do not make logs of them', async () => {
  const server = await startMisbehavingV4();
  const enricher: SpanProcessor = {
    onStart: (span) => {
      span.setAttributes({
        'session.id': 's',
        'user.id': 'u',
        'langfuse.session.id': 's',
        'langfuse.trace.tags': ['a'],
        'tag.tags': ['a'],
        'gen_ai.conversation.id': 's',
        'gen_ai.system': 'openai',
        'ai.telemetry.metadata.userId': 'u',
        'traceloop.association.properties.user_id': 'u',
        metadata: '{"a":1}',
      });
    },
    onEnd: () => undefined,
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
  const app = appWithProcessor(server, {}, { spanProcessors: [enricher] });
  const http = app.startOther('POST /chat', { attributes: { 'http.request.method': 'POST' } });
  const database = app.startOther('SELECT', { parent: http, attributes: { 'db.system': 'postgresql' } });
  const call = app.start('call', { parent: http, attributes: { ...CHAT, ...outputOf('said') } });
  for (const span of [database, call, http]) span.end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect([...server.logs.keys()]).toEqual([referenceOf(call)]);
  expect(app.log(call)).toMatchObject({ session_reference_id: 's', metadata: { user: 'u' } });
  expect(trace.getActiveSpan()).toBeUndefined();
});
