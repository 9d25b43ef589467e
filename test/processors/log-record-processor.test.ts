/** Content in log events of the real instrumentation of the openai package, through the real logs SDK. */
import { createRequire } from 'node:module';
import { type Context, metrics, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import { OpenAIInstrumentation } from '@opentelemetry/instrumentation-openai';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type ScriptedModel, startScriptedModel } from '../../examples/scripted-model/server.ts';
import { readLogs } from '../../scripts/read-logs.ts';
import type { HumanloopOptions } from '../../src/options.ts';
import { HumanloopLogRecordProcessor } from '../../src/processors/log-record-processor.ts';
import { HumanloopSpanProcessor } from '../../src/processors/span-processor.ts';
import { startTestServer } from '../support/start-test-server.ts';

const instrumentation = new OpenAIInstrumentation({ captureMessageContent: true });
// The instrumentation creates its histograms here, and fails without them.
instrumentation.setMeterProvider(metrics.getMeterProvider());
const { OpenAI } = createRequire(import.meta.url)('openai') as typeof import('openai');
const QUESTION = { role: 'user', content: 'What is the capital of Norway?' } as const;
const ANSWER = 'Oslo is the capital of Norway. It lies at the head of a long fjord, with forest on its other side.';
const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' };

let model: ScriptedModel;
beforeAll(async () => {
  model = await startScriptedModel();
});
afterAll(() => model.close());

/** An app with both processors, and the server that they log to. */
async function setUp(options: HumanloopOptions = {}) {
  const server = await startTestServer();
  const processor = new HumanloopSpanProcessor({ project: 'records', baseUrl: server.baseUrl, ...options });
  const tracerProvider = new NodeTracerProvider({ spanProcessors: [processor] });
  const loggerProvider = new LoggerProvider({ processors: [new HumanloopLogRecordProcessor(processor)] });
  instrumentation.setTracerProvider(tracerProvider);
  instrumentation.setLoggerProvider(loggerProvider);
  onTestFinished(async () => {
    await loggerProvider.shutdown();
    await tracerProvider.shutdown();
  });
  const logger = loggerProvider.getLogger('app');
  return {
    processor,
    client: new OpenAI({ apiKey: 'scripted', baseURL: model.baseUrl, maxRetries: 0 }),
    tracer: tracerProvider.getTracer('app'),
    emit: (context: Context | undefined, name: string, body: object) => {
      logger.emit({ eventName: name, body: { ...body }, ...(context && { context }) });
    },
    stored: async () => {
      await loggerProvider.forceFlush();
      await processor.forceFlush();
      return readLogs(server.baseUrl, new Date(0));
    },
  };
}

const contextOf = (span: Span) => trace.setSpan(ROOT_CONTEXT, span);
const choice = (content: string) => ({ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } });

test('an event before the POST goes into it: prompt, answer, finish reason', async () => {
  const { client, processor, stored } = await setUp();
  await client.chat.completions.create({
    model: 'gpt-4o-mini',
    messages: [{ role: 'system', content: 'Be brief.' }, QUESTION],
  });
  const logs = await stored();
  expect(logs).toHaveLength(1);
  expect(logs[0]).toMatchObject({
    config: { type: 'model', model: 'gpt-4o-mini', provider: 'openai', endpoint: 'chat' },
    messages: [{ role: 'system', content: 'Be brief.' }, QUESTION],
    output: ANSWER,
    output_message: { role: 'assistant', content: ANSWER },
    metadata: { finish_reason: 'stop' },
  });
  expect(logs[0]?.prompt_tokens).toBeGreaterThan(0);
  expect(processor.stats()).toMatchObject({ logged: 1, updated: 0, dropped: {} });
});

test('a streamed answer arrives, too', async () => {
  const { client, stored } = await setUp();
  const stream = await client.chat.completions.create({ model: 'gpt-4o', messages: [QUESTION], stream: true });
  for await (const _ of stream);
  expect(await stored()).toMatchObject([{ messages: [QUESTION], output: ANSWER }]);
});

test('tool calls and their results keep their ids', async () => {
  const { client, stored } = await setUp();
  const call = { id: 'call_1', type: 'function', function: { name: 'find', arguments: '{"q":"Oslo"}' } } as const;
  await client.chat.completions.create({
    model: 'gpt-4o',
    messages: [
      QUESTION,
      { role: 'assistant', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: 'Oslo' },
    ],
    tools: [1, 2].map((n) => ({ type: 'function', function: { name: `find_${n}`, parameters: {} } })),
  });
  const [log] = await stored();
  expect(log?.messages).toMatchObject([
    QUESTION,
    { role: 'assistant', tool_calls: [call] },
    { role: 'tool', tool_call_id: 'call_1', content: 'Oslo' },
  ]);
  expect(log?.output_message?.tool_calls).toMatchObject([{ id: 'call_find_2', function: { name: 'find_2' } }]);
});

test('an event after the POST brings the output, by update, and nothing else', async () => {
  const { processor, tracer, emit, stored } = await setUp();
  const span = tracer.startSpan('chat gpt-4o', { attributes: CHAT });
  span.end();
  expect((await stored())[0]).not.toHaveProperty('output');
  emit(contextOf(span), 'gen_ai.user.message', QUESTION);
  emit(contextOf(span), 'gen_ai.choice', choice('Oslo.'));
  const [log] = await stored();
  expect(log?.output).toBe('Oslo.');
  expect(log?.messages ?? []).toEqual([]);
  expect(processor.stats()).toMatchObject({ logged: 1, updated: 1, dropped: {} });
});

test('an event between the end of its span and the POST goes into the POST', async () => {
  const { processor, tracer, emit, stored } = await setUp();
  const root = tracer.startSpan('request');
  const span = tracer.startSpan('chat gpt-4o', { attributes: CHAT }, contextOf(root));
  span.end();
  await new Promise(setImmediate);
  emit(contextOf(span), 'gen_ai.user.message', QUESTION);
  emit(contextOf(span), 'gen_ai.choice', choice('Oslo.'));
  root.end();
  expect(await stored()).toMatchObject([{ messages: [QUESTION], output: 'Oslo.' }]);
  expect(processor.stats()).toMatchObject({ logged: 1, updated: 0 });
});

test('events without a span, of unknown spans, of spans that are not logs, and other events change nothing', async () => {
  const { processor, tracer, emit, stored } = await setUp();
  const span = tracer.startSpan('chat gpt-4o', { attributes: CHAT });
  const request = tracer.startSpan('GET /', { attributes: { 'http.request.method': 'GET' } });
  const unknown = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
  for (const moment of ['open', 'sent']) {
    emit(trace.setSpanContext(ROOT_CONTEXT, unknown), 'gen_ai.choice', choice(`unknown ${moment}`));
    emit(undefined, 'gen_ai.choice', choice(`none ${moment}`));
    emit(contextOf(request), 'gen_ai.choice', choice(`no log ${moment}`));
    emit(contextOf(span), 'app.choice', choice(`other ${moment}`));
    if (moment === 'open') {
      request.end();
      span.end();
      expect(await stored()).toHaveLength(1);
    }
  }
  const logs = await stored();
  expect(logs).toHaveLength(1);
  expect(JSON.stringify(logs)).not.toMatch(/unknown|none|no log|other/);
  expect(processor.stats()).toMatchObject({ logged: 1, updated: 0, dropped: {} });
});

test('captureContent: false sends no content of events, before the POST or after', async () => {
  const { client, processor, tracer, emit, stored } = await setUp({ captureContent: false });
  await client.chat.completions.create({ model: 'gpt-4o', messages: [QUESTION] });
  const span = tracer.startSpan('chat gpt-4o', { attributes: CHAT });
  span.end();
  await stored();
  emit(contextOf(span), 'gen_ai.choice', choice('Oslo.'));
  const logs = await stored();
  expect(logs).toHaveLength(2);
  expect(JSON.stringify(logs)).not.toMatch(/Oslo|Norway/);
  expect(logs.map(({ metadata }) => metadata?.['finish_reason'])).toContain('stop');
  expect(processor.stats()).toMatchObject({ updated: 0, dropped: {} });
});

test('redact gets the content of an event, before the POST and after', async () => {
  const redact: HumanloopOptions['redact'] = (datapoint) =>
    JSON.parse(JSON.stringify(datapoint).replaceAll('Oslo', '[city]'));
  const { client, tracer, emit, stored } = await setUp({ redact });
  await client.chat.completions.create({ model: 'gpt-4o', messages: [QUESTION] });
  const span = tracer.startSpan('chat gpt-4o', { attributes: CHAT });
  span.end();
  await stored();
  emit(contextOf(span), 'gen_ai.choice', choice('It is Oslo.'));
  const logs = await stored();
  expect(logs.map(({ output }) => output).sort()).toEqual(['It is [city].', ANSWER.replace('Oslo', '[city]')]);
});
