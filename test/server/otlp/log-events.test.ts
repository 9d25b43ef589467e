/** Log events of OTLP complete the logs of their spans, and judgements become feedback, in whatever order they come. */
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import type { SpanSlice } from '../../../src/otel/span-slice.ts';
import type { ReceivedEvent } from '../../../src/server/otlp/decoding/received.ts';
import type { OtlpIntakeOptions } from '../../../src/server/otlp/otlp-intake.ts';
import { makeSpan } from '../../conventions/span.ts';
import { PROPERTY_TIMEOUT_MILLIS, RUNS } from '../../pipeline/forests.ts';
import { KilledServer } from './kill-server.ts';
import { plannedTrace, spanIdOf, spansOf } from './planned-trace.ts';

const TRACE = 'a'.repeat(32);
const CALL = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' };

async function start(options: OtlpIntakeOptions = {}): Promise<KilledServer> {
  const server = await KilledServer.start(options);
  onTestFinished(() => server.close());
  return server;
}

function chat(attributes: Record<string, unknown> = {}, index = 0, parent?: number): SpanSlice {
  return makeSpan(
    { ...CALL, ...attributes },
    {
      traceId: TRACE,
      spanId: spanIdOf(index),
      ...(parent !== undefined && { parentSpanId: spanIdOf(parent) }),
      resource: { attributes: { 'service.name': 'app' } },
    },
  );
}

function event(eventName: string, body: unknown, index = 0, more: Partial<ReceivedEvent> = {}): ReceivedEvent {
  return {
    traceId: TRACE,
    spanId: spanIdOf(index),
    eventName,
    body,
    attributes: {},
    time: [1_700_000_000, index],
    scope: { name: 'scope' },
    resource: { attributes: {} },
    ...more,
  };
}

const ASKED = event('gen_ai.user.message', { content: 'why?' }, 0, { time: [1_700_000_000, 1] });
const ANSWERED = event('gen_ai.choice', { index: 0, message: { content: 'because' }, finish_reason: 'stop' }, 0, {
  time: [1_700_000_000, 2],
});
const JUDGED = event('gen_ai.evaluation.result', undefined, 0, {
  attributes: { 'gen_ai.evaluation.name': 'relevance', 'gen_ai.evaluation.score.value': 0.5 },
});

test.each([
  ['before their span', ['asked', 'answered', 'span']],
  ['after it', ['span', 'asked', 'answered']],
  ['in turn, the answer first', ['answered', 'span', 'asked']],
  ['twice', ['asked', 'span', 'asked', 'answered', 'answered', 'span']],
])('content that comes %s completes the log', async (_, steps) => {
  const server = await start();
  for (const step of steps) {
    const taken = step === 'span' ? server.take([chat()]) : server.takeEvents([step === 'asked' ? ASKED : ANSWERED]);
    expect(await taken).toEqual({ rejected: 0 });
    await server.kill();
  }
  const logs = await server.logs();
  expect(logs.size).toBe(1);
  expect(logs.get(`${TRACE}-${spanIdOf(0)}`)).toMatchObject({
    messages: [{ role: 'user', content: 'why?' }],
    output: 'because',
    output_message: { role: 'assistant', content: 'because' },
    config: { type: 'model', model: 'gpt-4o' },
    metadata: { finish_reason: 'stop' },
  });
});

test('events say what a span does not, and nothing else', async () => {
  const server = await start();
  const own = JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: 'how?' }] }]);
  await server.take([chat({ 'gen_ai.input.messages': own })]);
  await server.takeEvents([ASKED, ANSWERED]);
  const [log] = (await server.logs()).values();
  expect(log).toMatchObject({ messages: [{ content: 'how?' }], output: 'because' });
});

test('an answer in an event shows that two spans report the same call', async () => {
  const server = await start();
  const answer = JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: 'because' }] }]);
  const other = makeSpan(
    { ...CALL, 'gen_ai.output.messages': answer },
    { traceId: TRACE, spanId: spanIdOf(1), scope: 'other' },
  );
  await server.take([chat({ 'gen_ai.usage.output_tokens': 3 }), other]);
  expect((await server.logs()).size).toBe(2);
  await server.takeEvents([ANSWERED]);
  const logs = await server.logs();
  expect([...logs.values()]).toMatchObject([{ output: 'because', output_tokens: 3 }]);
});

test.each([
  ['before its span', ['judged', 'span']],
  ['after it', ['span', 'judged']],
  ['again and again', ['judged', 'span', 'judged', 'judged']],
])('a judgement that comes %s is feedback of the log, once', async (_, steps) => {
  const server = await start();
  for (const step of steps) {
    await (step === 'span' ? server.take([chat()]) : server.takeEvents([JUDGED]));
    await server.kill();
  }
  const [log] = (await server.logs()).values();
  expect(log?.feedback).toMatchObject([{ type: 'relevance', value: 0.5 }]);
});

test('a judgement of a call that another span has the log of goes to that log, and moves there if need be', async () => {
  const server = await start();
  const own = { 'gen_ai.response.id': 'r', 'gen_ai.usage.output_tokens': 3 };
  const kept = makeSpan(
    { ...CALL, ...own, 'gen_ai.input.messages': '[{"role":"user","parts":[{"type":"text","content":"why?"}]}]' },
    { traceId: TRACE, spanId: spanIdOf(1), scope: 'other' },
  );
  await server.take([chat(own)]);
  await server.takeEvents([JUDGED]);
  await server.take([kept]);
  const later = { ...JUDGED, attributes: { ...JUDGED.attributes, 'gen_ai.evaluation.name': 'later' } };
  await server.takeEvents([later]);
  const logs = await server.logs();
  expect([...logs.keys()]).toEqual([`${TRACE}-${spanIdOf(1)}`]);
  expect([...logs.values()][0]?.feedback).toMatchObject([{ type: 'relevance' }, { type: 'later' }]);
});

test('judgements on spans, of themselves and of others, are feedback', async () => {
  const server = await start();
  const judge = makeSpan(
    {
      'openinference.span.kind': 'EVALUATOR',
      'evaluations.0.evaluation.name': 'quality',
      'evaluations.0.evaluation.label': 'good',
    },
    {
      ...{ traceId: 'b'.repeat(32), spanId: spanIdOf(5), name: 'judge' },
    },
  );
  Object.assign(judge, { links: [{ context: { traceId: TRACE, spanId: spanIdOf(0) } }] });
  await server.take([judge]);
  await server.take([chat({ 'gen_ai.evaluation.name': 'own', 'gen_ai.evaluation.score.value': 1 })]);
  const log = (await server.logs()).get(`${TRACE}-${spanIdOf(0)}`);
  expect(log?.feedback).toMatchObject([
    { type: 'quality', value: 'good' },
    { type: 'own', value: 1 },
  ]);
});

test('what cannot be used is counted, with the reason', async () => {
  const server = await start();
  const { traceId: _, ...homeless } = ASKED;
  expect(await server.takeEvents([homeless, event('app.started', 'x'), ASKED])).toEqual({
    rejected: 1,
    message: "a log record 'gen_ai.user.message' names no span",
    // An app sends all of its events here.
    unused: 1,
  });
  const empty = event('gen_ai.evaluation.result', undefined);
  expect(await server.takeEvents([empty])).toMatchObject({ rejected: 1, message: expect.stringContaining('no score') });
  await server.take([chat({ 'gen_ai.operation.name': undefined, 'gen_ai.request.model': undefined }, 3)]);
  expect(await server.takeEvents([{ ...JUDGED, spanId: spanIdOf(3) }])).toMatchObject({
    rejected: 1,
    message: expect.stringContaining('not a log'),
  });
  const large = event('gen_ai.user.message', { content: 'x'.repeat(200 * 1024) });
  const more = event('gen_ai.user.message', { content: 'y'.repeat(200 * 1024) });
  expect(await server.takeEvents([large])).toEqual({ rejected: 0 });
  expect(await server.takeEvents([more])).toMatchObject({
    rejected: 1,
    message: expect.stringContaining('characters of log events'),
  });
});

test('without content, events say nothing, nothing of them is stored, and judgements have no explanation', async () => {
  const server = await start({ captureContent: false });
  const explained = {
    ...JUDGED,
    attributes: { ...JUDGED.attributes, 'gen_ai.evaluation.explanation': 'secret explanation' },
  };
  const secret = [ASKED, ANSWERED].map((each) => ({ ...each, body: { content: 'secret', message: 'secret' } }));
  await server.takeEvents([...secret, explained]);
  const tool = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.call.arguments': '{"query":"secret"}' };
  await server.take([
    chat({ 'gen_ai.input.messages': '[{"role":"user","parts":[{"type":"text","content":"secret"}]}]' }),
  ]);
  await server.take([chat(tool, 1, 0)]);
  const [log] = (await server.logs()).values();
  expect(log?.feedback).toMatchObject([{ type: 'relevance', value: 0.5 }]);
  expect(log?.messages).toBeUndefined();
  for (const table of ['logs', 'configs', 'feedback', 'trace_contents', 'trace_parts']) {
    for (const row of server.query(`SELECT * FROM ${table}`)) {
      for (const value of Object.values(row)) expect(Buffer.from(String(value)).toString()).not.toContain('secret');
      for (const value of Object.values(row)) {
        if (value instanceof Uint8Array) expect(Buffer.from(value).toString('latin1')).not.toContain('secret');
      }
    }
  }
});

test('any order of spans and events gives the same logs', { timeout: 2 * PROPERTY_TIMEOUT_MILLIS }, async () => {
  const scenario = fc.record({
    planned: plannedTrace(8),
    events: fc.array(
      fc.record({
        index: fc.nat(8),
        name: fc.constantFrom('gen_ai.user.message', 'gen_ai.choice', 'gen_ai.evaluation.result'),
        text: fc.constantFrom('because', 'why?', 'so'),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    ranks: fc.array(fc.nat(99), { minLength: 16, maxLength: 16 }),
  });
  const property = fc.asyncProperty(scenario, async ({ planned, events, ranks }) => {
    const spans = spansOf(TRACE, planned);
    const taken = events.map(({ index, name, text }, place) =>
      event(
        name,
        name === 'gen_ai.choice' ? { message: { content: text } } : { content: text },
        index % planned.length,
        {
          time: [1_700_000_000, place],
          attributes: name.endsWith('result') ? { 'gen_ai.evaluation.score.label': text } : {},
        },
      ),
    );
    const whole = await KilledServer.start();
    const cut = await KilledServer.start();
    try {
      await whole.takeEvents(taken);
      await whole.take(spans);
      const items = [...spans.map((span) => ({ span })), ...taken.map((each) => ({ event: each }))];
      const order = items
        .map((item, index) => ({ item, rank: ranks[index] as number }))
        .sort((a, b) => a.rank - b.rank);
      for (const { item } of order) await ('span' in item ? cut.take([item.span]) : cut.takeEvents([item.event]));
      // A judgement of a span whose log was merged into another one for a while stays with that one.
      const said = async (server: KilledServer) => {
        const judged = new Set<string>();
        const logs: [string, unknown][] = [];
        for (const [reference, log] of await server.logs()) {
          const { messages, output, output_message, config, metadata, prompt_tokens, output_tokens } = log;
          const { id: _id, ...fields } = config as Record<string, unknown>;
          logs.push([reference, { messages, output, output_message, metadata, prompt_tokens, output_tokens, fields }]);
          for (const { type, value } of [log.feedback ?? []].flat()) judged.add(`${type} ${value}`);
        }
        return { logs: Object.fromEntries(logs.sort()), judged: [...judged].sort() };
      };
      expect(await said(cut)).toEqual(await said(whole));
    } finally {
      await whole.close();
      await cut.close();
    }
  });
  await fc.assert(property, { numRuns: Math.ceil(RUNS / 3) });
});
