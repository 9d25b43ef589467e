/** Parents that are remote, unsampled, of another trace, or never to come. */
import { type Context, TraceFlags, trace } from '@opentelemetry/api';
import { type Sampler, SamplingDecision, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace-base';
import { expect, test } from 'vitest';
import { HumanloopSpanExporter, HumanloopSpanProcessor } from '../../src/index.ts';
import type { SpanSlice } from '../../src/otel/span-slice.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, QUICK, referenceOf } from '../support/traced-app.ts';

test('12: a child of another process is logged at once, at the top of the session', async () => {
  const server = await startMisbehavingV4();
  const remote = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: TraceFlags.SAMPLED, isRemote: true };
  for (const app of [
    appWithProcessor(server, { holdMillis: 60_000 }),
    appWithExporter(server, { holdMillis: 60_000 }),
  ]) {
    const child = app.start('child', { parent: remote });
    child.end();
    if (app.client instanceof HumanloopSpanExporter) await app.provider.forceFlush();
    await expect.poll(() => app.stats.logged).toBe(1);
    expect(app.log(child)).toMatchObject({ session_reference_id: remote.traceId });
    expect(app.log(child)?.parent_reference_id).toBeUndefined();
    app.expectDelivered();
  }
});

test.each([
  ['stub', 2],
  ['root', 1],
] as const)(
  '12: a parent that never comes: with missingParent %s its child is logged after holdMillis',
  async (missingParent, logs) => {
    const server = await startMisbehavingV4();
    const app = appWithExporter(server, { holdMillis: 300, missingParent }, { scheduledDelayMillis: 10 });
    const parent = app.startOther('never ends', { attributes: AGENT });
    const child = app.start('child', { parent });
    child.end();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(server.logs.size).toBe(0);
    await expect.poll(() => app.stats.logged).toBe(logs);
    expect(app.log(child)?.parent_reference_id).toBe(missingParent === 'stub' ? referenceOf(parent) : undefined);
    app.expectDelivered();
  },
);

test('12: with the processor nothing waits for a parent that was never started here', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, { holdMillis: 60_000 });
  const parent = { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16), traceFlags: TraceFlags.SAMPLED };
  const child = app.start('child', { parent });
  child.end();
  await expect.poll(() => app.stats.logged).toBe(1);
  expect(app.log(child)?.parent_reference_id).toBeUndefined();
  app.expectDelivered();
});

test.each([
  ['of another trace', { traceId: 'e'.repeat(32), spanId: '1'.repeat(16) }],
  ['that is itself', { traceId: 'f'.repeat(32), spanId: '2'.repeat(16) }],
])('13: a span with a parent %s is logged all the same', async (_, parent) => {
  const server = await startMisbehavingV4();
  const exporter = new HumanloopSpanExporter({ ...QUICK, baseUrl: server.baseUrl, holdMillis: 10 });
  const processor = new HumanloopSpanProcessor({ ...QUICK, baseUrl: server.baseUrl });
  const app = appWithProcessor(server);
  const real = app.start('real') as unknown as SpanSlice;
  for (const [index, take] of [
    (span: SpanSlice) => exporter.export([span], () => undefined),
    (span: SpanSlice) => processor.onEnd(span),
  ].entries()) {
    const spanId = index === 0 ? '2'.repeat(16) : '3'.repeat(16);
    const own = { traceId: 'f'.repeat(32), spanId, traceFlags: TraceFlags.SAMPLED };
    const broken = Object.create(real, {
      spanContext: { value: () => own },
      parentSpanContext: { value: { ...parent, traceFlags: TraceFlags.SAMPLED } },
      ended: { value: true },
    });
    take(broken);
  }
  await exporter.forceFlush();
  await processor.forceFlush();
  for (const digit of ['2', '3']) expect(server.logs.get(`${'f'.repeat(32)}-${digit.repeat(16)}`)).toBeDefined();
  expect(server.breaches).toEqual([]);
  await exporter.shutdown();
  await processor.shutdown();
});

test('13: parents in a circle', async () => {
  const server = await startMisbehavingV4();
  const exporter = new HumanloopSpanExporter({ ...QUICK, baseUrl: server.baseUrl, holdMillis: 10 });
  const real = appWithProcessor(server).start('real') as unknown as SpanSlice;
  const traceId = 'f'.repeat(32);
  const circle = ['1', '2', '3'].map((digit, index, all) =>
    Object.create(real, {
      spanContext: { value: () => ({ traceId, spanId: digit.repeat(16), traceFlags: TraceFlags.SAMPLED }) },
      parentSpanContext: { value: { traceId, spanId: (all[(index + 1) % 3] as string).repeat(16) } },
      ended: { value: true },
    }),
  );
  exporter.export(circle, () => undefined);
  await exporter.forceFlush();
  expect(server.logs.size).toBe(3);
  expect(server.breaches).toEqual([]);
  await exporter.shutdown();
});

/** Decides by the span's name, and not by what was decided for its parent. */
const byName: Sampler = {
  shouldSample: (_context: Context, _traceId: string, name: string) => ({
    decision: name.startsWith('unsampled') ? SamplingDecision.RECORD : SamplingDecision.RECORD_AND_SAMPLED,
  }),
  toString: () => 'byName',
};

test('14: nothing waits for an unsampled parent for ever, and nothing unsampled is sent', async () => {
  const server = await startMisbehavingV4();
  const sampler = byName;
  for (const app of [
    appWithProcessor(server, {}, { sampler }),
    appWithExporter(server, { missingParent: 'root' }, {}, { sampler }),
  ]) {
    const root = app.start('root', { attributes: AGENT });
    const unsampled = app.startOther('unsampled', { parent: root, attributes: AGENT });
    const call = app.start('call', { parent: unsampled });
    for (const span of [call, unsampled, root]) span.end();
    await app.provider.forceFlush();
    await app.client.forceFlush();
    app.expectDelivered();
    expect(app.log(unsampled)).toBeUndefined();
    const isProcessor = app.client instanceof HumanloopSpanProcessor;
    // The exporter is never told of the unsampled span, so not of what is above it either.
    expect(app.log(call)?.parent_reference_id).toBe(isProcessor ? referenceOf(root) : undefined);
  }
});

test('14: under a ratio sampler exactly the sampled spans are logged', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, {}, { sampler: new TraceIdRatioBasedSampler(0.5) });
  let sampled = 0;
  for (let count = 0; count < 200; count++) {
    const root = app.startOther('root', { attributes: AGENT });
    const call = app.startOther('call', { parent: root });
    if (trace.isSpanContextValid(root.spanContext()) && root.spanContext().traceFlags & TraceFlags.SAMPLED) sampled++;
    call.end();
    root.end();
  }
  await app.client.forceFlush();
  expect(sampled).toBeGreaterThan(50);
  expect(server.logs.size).toBe(sampled);
  app.expectDelivered();
});
