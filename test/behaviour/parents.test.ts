/** Which log is the parent if spans in between are not logs, or parents are remote, in another trace, or missing. */
import { TraceFlags } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { HumanloopSpanExporter, HumanloopSpanProcessor } from '../../src/index.ts';
import type { SpanSlice } from '../../src/otel/span-slice.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, QUICK, referenceOf } from '../support/traced-app.ts';

const HTTP = { 'http.request.method': 'POST', 'url.full': 'http://localhost/' };

test('an LLM span below HTTP spans is the root of its session, and the next one is nested under it', async () => {
  const server = await startMisbehavingV4();
  for (const app of [appWithProcessor(server), appWithExporter(server)]) {
    const http = app.startOther('POST /chat', { attributes: HTTP });
    const fetch = app.startOther('fetch', { parent: http, attributes: HTTP });
    const agent = app.start('agent', { parent: fetch, attributes: AGENT });
    const between = app.startOther('db', { parent: agent });
    const call = app.start('call', { parent: between });
    for (const span of [call, between, agent, fetch, http]) span.end();
    await app.flush();
    app.expectDelivered();
    expect(app.log(agent)?.parent_reference_id).toBeUndefined();
    expect(app.log(call)?.parent_reference_id).toBe(referenceOf(agent));
    for (const span of [http, fetch, between]) expect(app.log(span)).toBeUndefined();
  }
  expect(server.logs.size).toBe(4);
});

test('an LLM span below an HTTP span that stays open is the root of its session, too', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, { holdMillis: 10 });
  const http = app.startOther('POST /chat', { attributes: HTTP });
  const call = app.start('call', { parent: http });
  call.end();
  await expect.poll(() => app.stats.logged).toBe(1);
  expect(app.log(call)?.parent_reference_id).toBeUndefined();
  http.end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(server.logs.size).toBe(1);
});

test('a child whose parent is in another process is logged at once, at the top of the session', async () => {
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
  'a child whose parent never comes is logged after holdMillis with missingParent: %s',
  async (missingParent, logs) => {
    const server = await startMisbehavingV4();
    const app = appWithExporter(server, { holdMillis: 300, missingParent }, { scheduledDelayMillis: 10 });
    const parent = app.startOther('never ends', { attributes: AGENT });
    const child = app.start('child', { parent });
    child.end();
    const endedAtMillis = performance.now();
    await expect.poll(() => app.stats.logged).toBe(logs);
    expect(server.requests[0]!.startedAtMillis - endedAtMillis).toBeGreaterThan(290);
    expect(app.log(child)?.parent_reference_id).toBe(missingParent === 'stub' ? referenceOf(parent) : undefined);
    app.expectDelivered();
  },
);

test('with the processor no span waits for a parent that was never started here', async () => {
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
])('a span with a parent %s is logged all the same', async (_, parent) => {
  const traceId = 'f'.repeat(32);
  const server = await startMisbehavingV4();
  const exporter = new HumanloopSpanExporter({ ...QUICK, baseUrl: server.baseUrl, holdMillis: 10 });
  const processor = new HumanloopSpanProcessor({ ...QUICK, baseUrl: server.baseUrl });
  const app = appWithProcessor(server);
  const real = app.start('real') as unknown as SpanSlice;
  const brokenSpan = (spanId: string): SpanSlice =>
    Object.create(real, {
      spanContext: { value: () => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED }) },
      parentSpanContext: { value: { ...parent, traceFlags: TraceFlags.SAMPLED } },
      ended: { value: true },
    });
  exporter.export([brokenSpan('2'.repeat(16))], () => undefined);
  processor.onEnd(brokenSpan('3'.repeat(16)));
  await exporter.forceFlush();
  await processor.forceFlush();
  for (const spanId of ['2'.repeat(16), '3'.repeat(16)]) expect(server.logs.has(`${traceId}-${spanId}`)).toBe(true);
  expect(server.breaches).toEqual([]);
  await exporter.shutdown();
  await processor.shutdown();
});

test('spans whose parents form a circle are logged', async () => {
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
