/** One call that two instrumentations report in traces of their own is one log; two calls stay two. */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { HumanloopSpanExporter, HumanloopSpanProcessor } from '../../../src/index.ts';
import type { Attributes, SpanSlice } from '../../../src/otel/span-slice.ts';
import { loadRecording, toSpan, toSpans, toStartedSpan } from '../../conventions/recordings.ts';
import { inVirtualTime, type VirtualTime } from '../../pipeline/virtual-time.ts';
import { collectDiag } from '../../support/collect-diag.ts';
import { StrictEndpoint } from '../../support/strict-endpoint.ts';

const network = vi.hoisted(() => ({ endpoint: undefined as unknown }));
vi.mock('../../../src/transport/http-transport.ts', () => ({ createHttpTransport: () => network.endpoint }));

const RECORDED = ['responses', 'chat'].map((api) => `../one-call-in-two-traces/openai-agents-${api}`);
const CLIENT_SCOPE = '@opentelemetry/instrumentation-openai';

function createEndpoint(): StrictEndpoint {
  const endpoint = new StrictEndpoint();
  network.endpoint = endpoint;
  return endpoint;
}

/** Starts all spans, and ends them in an order that puts no span of a trace after a later one. */
async function process(
  time: VirtualTime,
  started: readonly SpanSlice[],
  ended: readonly SpanSlice[],
  pauseAfter: (index: number) => number,
): Promise<StrictEndpoint> {
  const endpoint = createEndpoint();
  const processor = new HumanloopSpanProcessor({ holdMillis: 5_000 });
  for (const span of started) processor.onStart(span);
  for (const [index, span] of ended.entries()) {
    processor.onEnd(span);
    await time.pass(pauseAfter(index));
  }
  await time.until(processor.forceFlush());
  expect(processor.stats().dropped).toEqual({});
  await time.until(processor.shutdown());
  expect(endpoint.breaches).toEqual([]);
  return endpoint;
}

function inTime(play: (time: VirtualTime) => Promise<void>): Promise<void> {
  return inVirtualTime({ seed: 1, isBusy: false }, play);
}

const calls = (endpoint: StrictEndpoint) =>
  [...endpoint.logs.values()].filter(({ config }) => config?.type === 'model');

test.each(RECORDED)('%s: the agents keep the call, whatever is worked off first', async (name) => {
  const recording = loadRecording(name);
  const starts = [...recording.spans].sort((a, b) => a.startTime[1] - b.startTime[1] || b.endTime[1] - a.endTime[1]);
  const started = [...starts].sort(
    (a, b) => Number(a.parentSpanId !== undefined) - Number(b.parentSpanId !== undefined),
  );
  const spans = toSpans(recording);
  const client = spans.find(({ instrumentationScope }) => instrumentationScope?.name === CLIENT_SCOPE) as SpanSlice;
  const others = spans.filter((span) => span !== client);
  const outcomes = new Set<string>();
  for (let at = 0; at <= others.length; at++) {
    const ended = [...others.slice(0, at), client, ...others.slice(at)];
    for (const pauseMillis of [0, 150]) {
      // The clients's span ends just before the other, so it has started when that is worked off.
      await inTime(async (time) => {
        const endpoint = await process(time, started.map(toStartedSpan), ended, () => pauseMillis);
        const [log, ...more] = calls(endpoint);
        expect(more).toEqual([]);
        expect(endpoint.logs.size).toBe(others.length);
        expect(log?.messages?.at(-1)).toEqual({ role: 'user', content: 'Weather?' });
        expect(log?.parent_reference_id).toBeDefined();
        outcomes.add(JSON.stringify({ output: log?.output, usage: [log?.prompt_tokens, log?.output_tokens] }));
      });
    }
  }
  expect([...outcomes]).toEqual(['{"output":"It is rainy.","usage":[42,9]}']);
});

test.each(RECORDED)('%s: exported in one batch, in any order', async (name) => {
  const spans = toSpans(loadRecording(name));
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(spans, { minLength: spans.length }), (shuffled) =>
      inTime(async (time) => {
        const endpoint = createEndpoint();
        const exporter = new HumanloopSpanExporter();
        exporter.export([...shuffled] as never, () => undefined);
        await time.until(exporter.forceFlush());
        await time.until(exporter.shutdown());
        const [log, ...more] = calls(endpoint);
        expect(more).toEqual([]);
        expect(log?.parent_reference_id).toBeDefined();
        expect(log?.metadata).toMatchObject({ server_address: '127.0.0.1' });
      }),
    ),
    { numRuns: 40 },
  );
});

interface Plan {
  readonly scope: string;
  readonly callId?: string;
  readonly question?: string;
  readonly answer?: string;
  readonly model?: string;
  readonly startMillis?: number;
  readonly endMillis?: number;
  readonly tokens?: number;
}

let count = 0;

/** A call in a trace of its own. */
function call(plan: Plan): SpanSlice {
  const { scope, callId, question, answer, model = 'gpt-4o', startMillis = 100, endMillis = 200, tokens } = plan;
  const id = String(++count).padStart(16, '0');
  const attributes: Record<string, unknown> = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': model };
  const said = (role: string, content: string) => JSON.stringify([{ role, parts: [{ type: 'text', content }] }]);
  if (callId) attributes['gen_ai.response.id'] = callId;
  if (question) attributes['gen_ai.input.messages'] = said('user', question);
  if (answer) attributes['gen_ai.output.messages'] = said('assistant', answer);
  if (tokens) attributes['gen_ai.usage.output_tokens'] = tokens;
  const at = (millis: number) => [1_767_225_600, millis * 1_000_000] as const;
  return toSpan({
    name: 'chat',
    kind: 2,
    traceId: id.padStart(32, 'a'),
    spanId: id,
    startTime: at(startMillis),
    endTime: at(endMillis),
    duration: [0, (endMillis - startMillis) * 1_000_000],
    status: { code: 0 },
    attributes: attributes as Attributes,
    events: [],
    instrumentationScope: { name: scope },
  });
}

/** Ends the calls one after the other, each with time to be posted, or all together. Returns their logs. */
async function logsOf(
  plans: readonly Plan[],
  isPostedEach: boolean,
): Promise<{ messages?: unknown; output?: unknown }[]> {
  let logs: { messages?: unknown; output?: unknown }[] = [];
  const spans = plans.map(call);
  await inTime(async (time) => {
    const endpoint = await process(time, [], spans, () => (isPostedEach ? 1_000 : 0));
    logs = [...endpoint.logs.values()];
  });
  return logs;
}

const FULL = { question: 'Weather?', answer: 'Rain.', tokens: 9 };

test.each<[string, number, Plan[]]>([
  [
    'one response id',
    1,
    [
      { scope: 'a', callId: 'r1', ...FULL },
      { scope: 'b', callId: 'r1' },
    ],
  ],
  ['one response id, and a third instrumentation', 1, ['a', 'b', 'c'].map((scope) => ({ scope, callId: 'r1' }))],
  [
    'other response ids',
    2,
    [
      { scope: 'a', callId: 'r1', ...FULL },
      { scope: 'b', callId: 'r2', ...FULL },
    ],
  ],
  [
    'one response id and one instrumentation',
    2,
    [
      { scope: 'a', callId: 'r1' },
      { scope: 'a', callId: 'r1' },
    ],
  ],
  [
    'one response id at another time, as a fake provider gives',
    2,
    [
      { scope: 'a', callId: 'r1' },
      { scope: 'b', callId: 'r1', startMillis: 300, endMillis: 400 },
    ],
  ],
  [
    'the same content',
    1,
    [
      { scope: 'a', ...FULL },
      { scope: 'b', ...FULL, startMillis: 110, endMillis: 190 },
    ],
  ],
  [
    'an id on one of them',
    1,
    [
      { scope: 'a', callId: 'r1', ...FULL },
      { scope: 'b', ...FULL },
    ],
  ],
  [
    'the same content, not one within the other',
    2,
    [
      { scope: 'a', ...FULL },
      { scope: 'b', ...FULL, startMillis: 150, endMillis: 250 },
    ],
  ],
  [
    'other answers',
    2,
    [
      { scope: 'a', ...FULL },
      { scope: 'b', ...FULL, answer: 'Sun.' },
    ],
  ],
  [
    'other questions',
    2,
    [
      { scope: 'a', ...FULL },
      { scope: 'b', ...FULL, question: 'Rain?' },
    ],
  ],
  [
    'other models',
    2,
    [
      { scope: 'a', ...FULL },
      { scope: 'b', ...FULL, model: 'claude' },
    ],
  ],
  [
    'other usage',
    2,
    [
      { scope: 'a', ...FULL },
      { scope: 'b', ...FULL, tokens: 10 },
    ],
  ],
  [
    'the same question, without answer and usage',
    2,
    [
      { scope: 'a', ...FULL },
      { scope: 'b', question: 'Weather?' },
    ],
  ],
  [
    'no content and no id',
    2,
    [
      { scope: 'a', ...FULL },
      { scope: 'b', tokens: 9 },
    ],
  ],
  ['two equal calls at once, each reported twice', 2, ['a', 'b', 'a', 'b'].map((scope) => ({ scope, ...FULL }))],
  ['two equal calls at once, one reported twice', 2, ['a', 'a', 'b'].map((scope) => ({ scope, ...FULL }))],
])('%s: %i', async (_what, expected, plans) => {
  for (const isPostedEach of [false, true]) {
    for (const order of [plans, [...plans].reverse()]) {
      expect((await logsOf(order, isPostedEach)).length, String(isPostedEach)).toBe(expected);
    }
  }
});

test('the log has the content, whichever span is worked off first', async () => {
  const [bare, full] = [
    { scope: 'a', callId: 'r1' },
    { scope: 'b', callId: 'r1', ...FULL },
  ];
  for (const plans of [
    [bare, full],
    [full, bare],
  ]) {
    const [log] = await logsOf(plans, false);
    expect(log).toMatchObject({ output: 'Rain.', messages: [{ role: 'user', content: 'Weather?' }] });
  }
});

test('a log that is posted without the answer gets it from the span that comes later', async () => {
  const logs = await logsOf(
    [
      { scope: 'a', callId: 'r1' },
      { scope: 'b', callId: 'r1', ...FULL },
    ],
    true,
  );
  expect(logs).toMatchObject([{ output: 'Rain.' }]);
});

test('however calls are reported and ordered, each has one log', async () => {
  const reported = fc.array(
    fc.record({
      scopes: fc.subarray(['a', 'b', 'c'], { minLength: 1 }),
      hasId: fc.boolean(),
      start: fc.nat(3),
    }),
    { minLength: 1, maxLength: 6 },
  );
  const scenario = reported.chain((each) => {
    const plans = each.flatMap(({ scopes, hasId, start }, index) =>
      scopes.map((scope): Plan => {
        const ends = { startMillis: 100 + start * 20, endMillis: 200 + start * 20 };
        return { scope, ...FULL, ...ends, ...(hasId && { callId: `r${index}` }), answer: `Rain ${index}.` };
      }),
    );
    return fc.record({
      count: fc.constant(each.length),
      plans: fc.shuffledSubarray(plans, { minLength: plans.length }),
      isPostedEach: fc.boolean(),
    });
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ count: expected, plans, isPostedEach }) => {
      expect(await logsOf(plans, isPostedEach)).toHaveLength(expected);
    }),
    { numRuns: 100 },
  );
});

test('the app is told once which two instrumentations report the same calls, and which to remove', async () => {
  const { lines } = collectDiag();
  const plans = (id: string): Plan[] => [
    { scope: 'agents', callId: id, ...FULL },
    { scope: '@opentelemetry/instrumentation-openai', callId: id },
  ];
  await logsOf([...plans('r1'), ...plans('r2')], false);
  expect(lines.filter((line) => line.includes('two instrumentations'))).toEqual([
    expect.stringMatching(
      /'agents' and '@opentelemetry\/instrumentation-openai'.*OTEL_NODE_DISABLED_INSTRUMENTATIONS=openai/,
    ),
  ]);
});
