/** Evaluations of a span that an exporter has not seen are sent if it comes, and counted if it never does. */
import { expect, test } from 'vitest';
import { type HumanloopOptions, resolveOptions } from '../../src/options.ts';
import { Pipeline } from '../../src/pipeline/pipeline.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { makeSpan } from '../conventions/span.ts';

const TRACE = 'c'.repeat(32);
const PARENT = 'd'.repeat(16);
const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' };
const EVALUATION = {
  name: 'gen_ai.evaluation.result',
  attributes: { 'gen_ai.evaluation.name': 'Relevance', 'gen_ai.evaluation.score.label': 'good' },
};

function spanOf(spanId: string, parentSpanId?: string, traceId = TRACE) {
  const own = { traceId, spanId, traceFlags: 1 };
  return {
    ...makeSpan(CHAT),
    spanContext: () => own,
    ...(parentSpanId && { parentSpanContext: { ...own, spanId: parentSpanId } }),
  };
}

function startPipeline(options: HumanloopOptions) {
  const bodies: string[] = [];
  const transport: Transport = {
    async send({ path, body }) {
      bodies.push(`${path} ${body?.toString()}`);
      const posted = JSON.parse(body?.toString() ?? '[]') as unknown[];
      const text = JSON.stringify(Array.isArray(posted) ? posted.map((_, index) => ({ id: `data_${index}` })) : {});
      return { kind: 'answered', status: 200, reason: '', headers: {}, text, truncated: false, roundTripTime: 0 };
    },
    async close() {},
  };
  return { bodies, pipeline: new Pipeline(resolveOptions(options, {}), { awaitsUnseenParents: true }, transport) };
}

async function judgeUnseen(comes: boolean, options: HumanloopOptions = {}) {
  const { bodies, pipeline } = startPipeline(options);
  pipeline.end(spanOf('e'.repeat(16), PARENT));
  pipeline.addEvent(TRACE, PARENT, EVALUATION);
  if (comes) pipeline.end(spanOf(PARENT));
  await pipeline.flush(10_000);
  await pipeline.shutdown(1_000);
  return { dropped: pipeline.stats().dropped, sent: bodies.filter((body) => body.includes('Relevance')).length };
}

test('it is in the log of the span if that comes', async () => {
  expect(await judgeUnseen(true)).toEqual({ dropped: {}, sent: 1 });
});

test('it is counted as dropped if the span never comes', async () => {
  expect(await judgeUnseen(false, { missingParent: 'root' })).toEqual({ dropped: { feedback_no_log: 1 }, sent: 0 });
});

test('those of spans that never come do not fill the queue, however many there are', async () => {
  const { pipeline } = startPipeline({ missingParent: 'root', queue: { maxBytes: 2_000_000 } });
  const attributes = { ...EVALUATION.attributes, 'gen_ai.evaluation.explanation': 'x'.repeat(1_000) };
  const count = 3_000;
  for (let number = 0; number < count; number++) {
    const traceId = number.toString(16).padStart(32, '0');
    pipeline.end(spanOf('e'.repeat(16), PARENT, traceId));
    pipeline.addEvent(traceId, PARENT, { ...EVALUATION, attributes });
    if (number % 100 === 99) await pipeline.flush(10_000);
  }
  await pipeline.shutdown(1_000);
  expect(pipeline.stats().dropped).toEqual({ feedback_no_log: count });
});
