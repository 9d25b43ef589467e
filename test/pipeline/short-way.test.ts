/** What is sent does not depend on the way that a span goes. With a hook, all logs go the long way. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type HumanloopOptions, resolveOptions } from '../../src/options.ts';
import type { SpanSlice } from '../../src/otel/span-slice.ts';
import { Pipeline } from '../../src/pipeline/pipeline.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { makeSpan } from '../conventions/span.ts';
import { spanNearGenAi } from '../datapoint/short-way/near-gen-ai.ts';

const SPANS = 600;
/** As many calls as it takes until readings are not compared any more. */
const FIRST_CALLS = 120;

type Logs = Map<string, Record<string, unknown>>;

/** Returns the logs as they were posted. */
async function send(spans: readonly SpanSlice[], options: HumanloopOptions): Promise<Logs> {
  const sent: Logs = new Map();
  const transport: Transport = {
    async send({ body }) {
      const logs = JSON.parse(body?.toString() ?? '[]') as Record<string, unknown>[];
      for (const log of logs) sent.set(log['reference_id'] as string, log);
      const text = JSON.stringify(logs.map((_, index) => ({ id: `data_${index}` })));
      return { kind: 'answered', status: 200, reason: '', headers: {}, text, truncated: false, roundTripTime: 0 };
    },
    async close() {},
  };
  const pipeline = new Pipeline(resolveOptions(options, {}), { awaitsUnseenParents: false }, transport);
  for (const span of spans) {
    pipeline.start(span);
    pipeline.end(span);
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

it.each([{ captureContent: true }, { captureContent: false }])('is the same both ways with %o', async (options) => {
  const first = Array.from({ length: FIRST_CALLS }, () => chatOf('q', 'a'));
  const spans = [...first, ...fc.sample(spanNearGenAi, SPANS)].map(inTraceOfItsOwn);
  const logs = await send(spans, options);
  expect(logs.size).toBeGreaterThan(SPANS / 2);
  expect(logs).toEqual(await send(spans, { ...options, redact: (datapoint) => datapoint }));
});

it('withholds content, however often a span of the same shape came before', async () => {
  const spans = Array.from({ length: 2 * FIRST_CALLS }, () => chatOf('SECRET question', 'SECRET answer'));
  const logs = await send(spans.map(inTraceOfItsOwn), { captureContent: false });
  expect(logs.size).toBe(spans.length);
  expect(JSON.stringify([...logs.values()])).not.toContain('SECRET');
});
