/** Which spans become logs, and what is in these, with several instrumentations at once. */
import { createOpenAI } from '@ai-sdk/openai';
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { generateText } from 'ai';
import OpenAI from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { startScriptedModel } from '../../examples/scripted-model/server.ts';
import { collectDiag } from '../support/collect-diag.ts';
import { useContextManager } from '../support/context-manager.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { appWithProcessor, CHAT, outputOf, referenceOf } from '../support/traced-app.ts';

test('a call that the AI SDK and an instrumentation of the client below it both report is one model log, with its tokens once', async () => {
  useContextManager();
  const model = await startScriptedModel();
  onTestFinished(() => model.close());
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  const instrumentation = new OpenAIInstrumentation();
  instrumentation.setTracerProvider(app.provider);
  instrumentation.manuallyInstrument(OpenAI);
  const client = new OpenAI({ apiKey: 'scripted', baseURL: model.baseUrl });
  // The AI SDK's provider has its own client; here it uses the one that is instrumented.
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
  expect(logs).toHaveLength(2);
  const kinds = logs.map(({ config }) => config?.type);
  expect(kinds.filter((kind) => kind === 'model')).toHaveLength(1);
  const counted = logs.filter(({ prompt_tokens }) => prompt_tokens !== undefined);
  expect(counted).toHaveLength(1);
  expect(counted[0]?.config?.type).toBe('model');
  expect(logs.filter((log) => log.parent_reference_id === undefined)).toHaveLength(1);
});

test('attributes that an enricher adds to every span do not turn the spans into logs', async () => {
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
});

test('a call with more attributes than the SDK keeps is logged in part and flagged, with one warning that helps', async () => {
  useContextManager();
  const diagnostics = collectDiag();
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  for (let call = 0; call < 3; call++) {
    const span = app.start('chat', { attributes: { 'gen_ai.system': 'OpenAI', 'gen_ai.request.model': 'gpt-4o' } });
    span.setAttribute('llm.request.type', 'chat');
    for (let index = 0; index < 100; index++) {
      span.setAttribute(`gen_ai.prompt.${index}.role`, index % 2 ? 'assistant' : 'user');
      span.setAttribute(`gen_ai.prompt.${index}.content`, `message ${index}`);
    }
    span.setAttribute('gen_ai.completion.0.role', 'assistant');
    span.setAttribute('gen_ai.completion.0.content', 'the answer');
    span.end();
  }
  await app.client.forceFlush();
  app.expectDelivered();
  for (const log of server.logs.values()) {
    expect(log.metadata).toMatchObject({ dropped_attributes: 77 });
    expect(log.messages?.length).toBeGreaterThan(50);
  }
  expect(diagnostics.lines).toEqual([expect.stringContaining('OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT')]);
});
