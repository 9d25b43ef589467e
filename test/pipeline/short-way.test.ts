/** What is sent does not depend on the way that a span goes. With a hook, all logs go the long way. */
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import type { Convention } from '../../src/conventions/convention.ts';
import type { ShortWay } from '../../src/conventions/short-way.ts';
import { openInference } from '../../src/conventions/vocabularies/openinference/openinference.ts';
import { openLlmetry } from '../../src/conventions/vocabularies/openllmetry/openllmetry.ts';
import { vercelAi } from '../../src/conventions/vocabularies/vercel-ai/vercel-ai.ts';
import { type HumanloopOptions, resolveOptions } from '../../src/options.ts';
import type { SpanSlice } from '../../src/otel/span-slice.ts';
import { Pipeline } from '../../src/pipeline/pipeline.ts';
import type { Transport } from '../../src/transport/transport.ts';
import type { LateFields } from '../../src/wire/late-fields.ts';
import { loadRecording, toSpans } from '../conventions/recordings.ts';
import { makeSpan } from '../conventions/span.ts';
import { spanNearGenAi } from '../datapoint/short-way/near-gen-ai.ts';
import { spanNearOpenInference } from '../datapoint/short-way/near-openinference.ts';
import { spanNearOpenLlmetry } from '../datapoint/short-way/near-openllmetry.ts';
import { spanNearVercelAi } from '../datapoint/short-way/near-vercel-ai.ts';

const SPANS = 600;
/** As many calls as it takes until readings are not compared any more. */
const FIRST_CALLS = 120;

interface How {
  /** Longer requests are refused. */
  readonly maxBytes?: number;
  /** What the app says of each log before it is written. */
  readonly update?: LateFields;
}

type Logs = Map<string, Record<string, unknown>>;

/** Returns the logs as they were posted. */
async function send(spans: readonly SpanSlice[], options: HumanloopOptions, how: How = {}): Promise<Logs> {
  const sent: Logs = new Map();
  const transport: Transport = {
    async send({ body }) {
      const frame = { kind: 'answered', reason: '', headers: {}, truncated: false, roundTripTime: 0 } as const;
      if ((body?.length ?? 0) > (how.maxBytes ?? Number.POSITIVE_INFINITY))
        return { ...frame, status: 413, text: '{}' };
      const logs = JSON.parse(body?.toString() ?? '[]') as Record<string, unknown>[];
      for (const log of logs) sent.set(log['reference_id'] as string, log);
      const text = JSON.stringify(logs.map((_, index) => ({ id: `data_${index}` })));
      return { ...frame, status: 200, text };
    },
    async close() {},
  };
  const pipeline = new Pipeline(resolveOptions(options, {}), { awaitsUnseenParents: false }, transport);
  for (const span of spans) {
    pipeline.start(span);
    pipeline.end(span);
    const { traceId, spanId } = span.spanContext();
    if (how.update) pipeline.update(traceId, spanId, how.update);
  }
  await pipeline.flush(10_000);
  await pipeline.shutdown(1_000);
  return sent;
}

function inTraceOfItsOwn(span: SpanSlice, index: number): SpanSlice {
  const traceId = index.toString(16).padStart(32, '0');
  // With several instrumentations it takes far more calls until nothing is compared.
  const instrumentationScope = { name: 'app' };
  return { ...span, instrumentationScope, spanContext: () => ({ traceId, spanId: 'b'.repeat(16), traceFlags: 1 }) };
}

const chatOf = (question: string, answer: string) =>
  makeSpan({
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'gpt-4o',
    'gen_ai.input.messages': JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: question }] }]),
    'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: answer }] }]),
  });

const NEAR = fc.oneof(spanNearGenAi, spanNearOpenInference, spanNearOpenLlmetry, spanNearVercelAi);

it.each([{ captureContent: true }, { captureContent: false }])('is the same both ways with %o', async (options) => {
  const first = Array.from({ length: FIRST_CALLS }, () => chatOf('q', 'a'));
  const spans = [...first, ...fc.sample(NEAR, SPANS)].map(inTraceOfItsOwn);
  const logs = await send(spans, options);
  expect(logs.size).toBeGreaterThan(SPANS / 2);
  expect(logs).toEqual(await send(spans, { ...options, redact: (datapoint) => datapoint }));
});

it.each<How>([{ maxBytes: 3_000 }, { update: { output: 'of the app' } }])(
  'is the same both ways with %o',
  async (how) => {
    const first = Array.from({ length: FIRST_CALLS }, () => chatOf('q', 'a'.repeat(200)));
    const spans = [...first, ...fc.sample(NEAR, SPANS / 2)].map(inTraceOfItsOwn);
    const logs = await send(spans, {}, how);
    expect(logs.size).toBeGreaterThan(SPANS / 4);
    expect(logs).toEqual(await send(spans, { redact: (datapoint) => datapoint }, how));
  },
);

const TRACES: readonly (readonly [recording: string, convention: Convention])[] = [
  ['traceloop-sdk-js/v0.27-workflow-agent-tool', openLlmetry],
  ['vercel-ai/v6-generateText-tool-loop', vercelAi],
  ['openinference-js/v4-openai-chat', openInference],
];

it.each(TRACES)('is the same both ways for the calls of %s, below chains and workflows', async (name, convention) => {
  const spans = toSpans(loadRecording(name));
  const traces = Array.from({ length: 2 * FIRST_CALLS }, (_, index) => spans.map((span) => inTrace(span, index)));
  const readShort = vi.spyOn(convention.shortWay as ShortWay, 'read');
  const logs = await send(traces.flat(), {});
  expect(readShort.mock.results.filter(({ value }) => value !== undefined).length).toBeGreaterThan(FIRST_CALLS / 2);
  readShort.mockRestore();
  expect(logs).toEqual(await send(traces.flat(), { redact: (datapoint) => datapoint }));
});

function inTrace(span: SpanSlice, index: number): SpanSlice {
  const { spanId } = span.spanContext();
  return { ...span, spanContext: () => ({ traceId: index.toString(16).padStart(32, '0'), spanId, traceFlags: 1 }) };
}

it('withholds content, however often a span of the same shape came before', async () => {
  const spans = Array.from({ length: 2 * FIRST_CALLS }, () => chatOf('SECRET question', 'SECRET answer'));
  const logs = await send(spans.map(inTraceOfItsOwn), { captureContent: false });
  expect(logs.size).toBe(spans.length);
  expect(JSON.stringify([...logs.values()])).not.toContain('SECRET');
});
