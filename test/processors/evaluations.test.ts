/** Evaluations of calls become feedback of their logs: on the span, in log events, before the POST and after it. */
import { type Context, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { expect, onTestFinished, test } from 'vitest';
import { readLogs } from '../../scripts/read-logs.ts';
import type { HumanloopOptions } from '../../src/options.ts';
import { HumanloopLogRecordProcessor } from '../../src/processors/log-record-processor.ts';
import { HumanloopSpanProcessor } from '../../src/processors/span-processor.ts';
import { startTestServer } from '../support/start-test-server.ts';

const EVALUATION = 'gen_ai.evaluation.result';
const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' };
const AT = new Date('2026-03-01T12:00:00.250Z');
const RELEVANCE = {
  'gen_ai.evaluation.name': 'Relevance',
  'gen_ai.evaluation.score.value': 0.9,
  'gen_ai.evaluation.score.label': 'relevant',
  'gen_ai.evaluation.explanation': 'It names the capital.',
};
const AS_FEEDBACK = [
  { type: 'Relevance', value: 'relevant' },
  { type: 'Relevance.score', value: 0.9 },
  { type: 'Relevance.explanation', value: 'It names the capital.' },
];

/** An app with both processors, and the server that they log to. */
async function setUp(options: HumanloopOptions = {}) {
  const server = await startTestServer();
  const processor = new HumanloopSpanProcessor({ project: 'judged', baseUrl: server.baseUrl, ...options });
  const tracerProvider = new NodeTracerProvider({ spanProcessors: [processor] });
  const loggerProvider = new LoggerProvider({ processors: [new HumanloopLogRecordProcessor(processor)] });
  onTestFinished(async () => {
    await loggerProvider.shutdown();
    await tracerProvider.shutdown();
  });
  const tracer = tracerProvider.getTracer('app');
  const logger = loggerProvider.getLogger('evaluator');
  const stored = async () => {
    await processor.forceFlush();
    return readLogs(server.baseUrl, new Date(0));
  };
  return {
    processor,
    baseUrl: server.baseUrl,
    stored,
    start: (name: string, attributes = {}, parent?: Span) =>
      tracer.startSpan(name, { attributes }, parent && contextOf(parent)),
    judge: (context: Context, attributes: Record<string, string | number>) =>
      logger.emit({ eventName: EVALUATION, attributes, timestamp: AT, context }),
    /** Returns type and value of all feedback, by the name of the span. */
    feedback: async () => {
      const logs = await stored();
      return Object.fromEntries(
        logs.map(({ metadata, feedback }) => [
          metadata?.['span_name'],
          [feedback ?? []].flat().map(({ type, value }) => ({ type, value })),
        ]),
      );
    },
  };
}

const contextOf = (span: Span) => trace.setSpan(ROOT_CONTEXT, span);

test('an evaluation on the span is in the POST, with its time', async () => {
  const { processor, start, stored, feedback } = await setUp();
  const span = start('chat', CHAT);
  span.addEvent(EVALUATION, RELEVANCE, AT);
  span.end();
  expect(await feedback()).toEqual({ chat: AS_FEEDBACK });
  expect((await stored())[0]?.feedback).toMatchObject([{ created_at: '2026-03-01T12:00:00.250000Z' }, {}, {}]);
  expect(processor.stats()).toMatchObject({ logged: 1, updated: 0, dropped: {} });
});

test('a log event before the POST goes into it; one after the POST is sent after it, once', async () => {
  const { processor, start, judge, feedback, stored } = await setUp();
  const span = start('chat', CHAT);
  judge(contextOf(span), RELEVANCE);
  span.end();
  expect(await feedback()).toEqual({ chat: AS_FEEDBACK });
  expect(processor.stats()).toMatchObject({ logged: 1, updated: 0 });
  judge(contextOf(span), { 'gen_ai.evaluation.name': 'Safety', 'gen_ai.evaluation.score.value': '1' });
  expect(await feedback()).toEqual({ chat: [...AS_FEEDBACK, { type: 'Safety', value: 1 }] });
  expect((await stored())[0]?.feedback).toMatchObject([{}, {}, {}, { created_at: '2026-03-01T12:00:00.250000Z' }]);
  expect(processor.stats()).toMatchObject({ logged: 1, updated: 1, retried: 0, queued: 0, dropped: {} });
});

test('an evaluation that failed says why', async () => {
  const { start, judge, feedback } = await setUp();
  const span = start('chat', CHAT);
  judge(contextOf(span), { 'gen_ai.evaluation.name': 'Relevance', 'error.type': 'timeout' });
  span.end();
  expect(await feedback()).toEqual({ chat: [{ type: 'Relevance.error', value: 'timeout' }] });
});

test.each(['before', 'after'])('an evaluation goes to the call whose answer it names, %s the POST', async (moment) => {
  const { start, judge, feedback } = await setUp();
  const agent = start('agent', { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'a' });
  for (const id of ['resp_1', 'resp_2']) start(`chat ${id}`, { ...CHAT, 'gen_ai.response.id': id }, agent).end();
  if (moment === 'before') judge(contextOf(agent), { ...RELEVANCE, 'gen_ai.response.id': 'resp_2' });
  agent.end();
  await feedback();
  if (moment === 'after') judge(contextOf(agent), { ...RELEVANCE, 'gen_ai.response.id': 'resp_2' });
  judge(contextOf(agent), {
    'gen_ai.evaluation.name': 'Tone',
    'gen_ai.evaluation.score.label': 'kind',
    'gen_ai.response.id': 'resp_unknown',
  });
  expect(await feedback()).toEqual({
    agent: [{ type: 'Tone', value: 'kind' }],
    'chat resp_1': [],
    'chat resp_2': AS_FEEDBACK,
  });
});

test('an event on a span that is not a log goes to the call that it names, or is counted as dropped', async () => {
  const { processor, start, judge, feedback } = await setUp();
  const request = start('GET /', { 'http.request.method': 'GET' });
  request.addEvent(EVALUATION, { ...RELEVANCE, 'gen_ai.response.id': 'resp_1' });
  request.addEvent(EVALUATION, RELEVANCE);
  judge(contextOf(request), RELEVANCE);
  start('chat', { ...CHAT, 'gen_ai.response.id': 'resp_1' }, request).end();
  request.end();
  expect(await feedback()).toEqual({ chat: AS_FEEDBACK });
  judge(contextOf(request), RELEVANCE);
  await feedback();
  expect(processor.stats()).toMatchObject({ logged: 1, dropped: { feedback_no_log: 3 } });
});

test('an evaluation of a span that is unknown here goes to the log of an earlier process, or is counted', async () => {
  const { baseUrl, start, feedback } = await setUp();
  const span = start('chat', CHAT);
  span.end();
  await feedback();
  const other = await setUp({ baseUrl });
  other.judge(contextOf(span), RELEVANCE);
  const unknown = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
  other.judge(trace.setSpanContext(ROOT_CONTEXT, unknown), RELEVANCE);
  await other.processor.forceFlush();
  expect(await feedback()).toEqual({ chat: AS_FEEDBACK });
  expect(other.processor.stats()).toMatchObject({ updated: 1, queued: 0, dropped: { feedback_no_log: 3 } });
});

test('what an open span that is not a log has at shutdown, and what names no span, is counted as dropped', async () => {
  const { processor, start, judge } = await setUp();
  judge(contextOf(start('GET /', {})), RELEVANCE);
  judge(ROOT_CONTEXT, RELEVANCE);
  await processor.shutdown();
  expect(processor.stats().dropped).toEqual({ feedback_no_log: 2 });
});

test('an evaluation that says nothing is counted as dropped', async () => {
  const { processor, start, judge, feedback } = await setUp();
  const span = start('chat', CHAT);
  judge(contextOf(span), { 'gen_ai.evaluation.name': 'Relevance' });
  span.end();
  expect(await feedback()).toEqual({ chat: [] });
  expect(processor.stats()).toMatchObject({ dropped: { feedback_empty: 1 } });
});

test('annotations of OpenInference belong to their span, evaluations to the span that the evaluator links to', async () => {
  const { start, feedback, processor } = await setUp();
  const call = start('llm', {
    'openinference.span.kind': 'LLM',
    'llm.model_name': 'gpt-4o',
    'annotations.0.annotation.name': 'thumbs',
    'annotations.0.annotation.label': 'up',
    'annotations.1.annotation.name': 'thumbs',
    'annotations.1.annotation.score': '0.5',
  });
  call.end();
  expect(await feedback()).toEqual({
    llm: [
      { type: 'thumbs', value: 'up' },
      { type: 'thumbs', value: 0.5 },
    ],
  });
  const judge = start('judge', {
    'openinference.span.kind': 'EVALUATOR',
    'evaluations.0.evaluation.name': 'correctness',
    'evaluations.0.evaluation.score': 1,
  });
  judge.addLink({ context: call.spanContext() });
  judge.end();
  const unlinked = start('unlinked', {
    'openinference.span.kind': 'EVALUATOR',
    'evaluations.0.evaluation.name': 'correctness',
    'evaluations.0.evaluation.score': 0,
  });
  unlinked.end();
  expect(await feedback()).toEqual({
    llm: [
      { type: 'thumbs', value: 'up' },
      { type: 'thumbs', value: 0.5 },
      { type: 'correctness', value: 1 },
    ],
    judge: [],
    unlinked: [{ type: 'correctness', value: 0 }],
  });
  expect(processor.stats()).toMatchObject({ logged: 3, dropped: {} });
});

test('an evaluation that an open span got after its log was posted is sent when it ends', async () => {
  const { start, feedback } = await setUp({ holdMillis: 0 });
  const agent = start('agent', { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'a' });
  agent.addEvent(EVALUATION, RELEVANCE);
  start('chat', CHAT, agent).end();
  expect(await feedback()).toMatchObject({ agent: AS_FEEDBACK });
  agent.addEvent(EVALUATION, { ...RELEVANCE, 'gen_ai.evaluation.name': 'Tone' });
  agent.end();
  const tone = AS_FEEDBACK.map(({ type, value }) => ({ type: type.replace('Relevance', 'Tone'), value }));
  expect(await feedback()).toMatchObject({ agent: [...AS_FEEDBACK, ...tone] });
});

test.each(['before', 'after'])('captureContent: false leaves out the explanation, %s the POST', async (moment) => {
  const { start, judge, feedback } = await setUp({ captureContent: false });
  const span = start('chat', CHAT);
  if (moment === 'before') judge(contextOf(span), RELEVANCE);
  span.end();
  await feedback();
  if (moment === 'after') judge(contextOf(span), RELEVANCE);
  expect(await feedback()).toEqual({ chat: AS_FEEDBACK.slice(0, 2) });
});

test('redact gets feedback before the POST and after; a hook that fails costs the explanation only', async () => {
  let fails = false;
  const redact: HumanloopOptions['redact'] = async (datapoint) => {
    if (fails) throw new Error('no');
    return JSON.parse(JSON.stringify(datapoint).replaceAll('capital', '[word]'));
  };
  const { start, judge, feedback } = await setUp({ redact });
  const span = start('chat', CHAT);
  judge(contextOf(span), RELEVANCE);
  span.end();
  const cleared = JSON.parse(JSON.stringify(AS_FEEDBACK).replaceAll('capital', '[word]'));
  expect(await feedback()).toEqual({ chat: cleared });
  judge(contextOf(span), { ...RELEVANCE, 'gen_ai.evaluation.score.value': 0.8 });
  // What is equal to the first evaluation is stored already.
  const second = { type: 'Relevance.score', value: 0.8 };
  expect(await feedback()).toEqual({ chat: [...cleared, second] });
  fails = true;
  judge(contextOf(span), {
    'gen_ai.evaluation.name': 'Tone',
    'gen_ai.evaluation.score.label': 'kind',
    'gen_ai.evaluation.explanation': 'capital',
  });
  expect(await feedback()).toEqual({ chat: [...cleared, second, { type: 'Tone', value: 'kind' }] });
});
