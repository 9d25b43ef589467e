/** A processor and an exporter report on themselves under the names of the semantic conventions for SDK metrics. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Attributes, type MeterProvider, metrics } from '@opentelemetry/api';
import { BasicTracerProvider, BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { expect, onTestFinished, test } from 'vitest';
import { type HumanloopOptions, HumanloopSpanExporter, HumanloopSpanProcessor } from '../../src/index.ts';
import { type CollectedMetric, registerMeterProvider } from '../support/collect-metrics.ts';
import { type MisbehavingV4, startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { CHAT, QUICK } from '../support/traced-app.ts';

const PROCESSED = 'otel.sdk.processor.span.processed';
const QUEUE_SIZE = 'otel.sdk.processor.span.queue.size';
const QUEUE_CAPACITY = 'otel.sdk.processor.span.queue.capacity';
const IN_FLIGHT = 'otel.sdk.exporter.span.inflight';
const EXPORTED = 'otel.sdk.exporter.span.exported';
const DURATION = 'otel.sdk.exporter.operation.duration';
const DOWN = { answer: { status: 429, headers: { 'retry-after': '2' } } } as const;
const HANGS = { answer: 'hang' } as const;

function createProcessor({ baseUrl }: MisbehavingV4, options: HumanloopOptions = {}): HumanloopSpanProcessor {
  const processor = new HumanloopSpanProcessor({ ...QUICK, baseUrl, ...options });
  onTestFinished(() => processor.shutdown());
  return processor;
}

/** Ends `count` spans of their own traces. */
function play(processor: SpanProcessor, count: number, attributes: Attributes = CHAT): void {
  const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('app');
  for (let left = count; left > 0; left--) tracer.startSpan('chat', { attributes, root: true }).end();
}

/** Returns the values of a metric, by what distinguishes its points within one component. */
function valuesOf(metric: CollectedMetric | undefined): Record<string, number> {
  const keyOf = (attributes: Attributes) =>
    [attributes['http.response.status_code'], attributes['error.type']].filter((value) => value !== undefined);
  const values = metric?.points.map(({ attributes, value }) => [keyOf(attributes).join(' ') || 'ok', value]);
  return Object.fromEntries(values ?? []);
}

test('names, kinds, units and attributes are those of the conventions', async () => {
  const collect = registerMeterProvider();
  const server = await startMisbehavingV4();
  const processor = createProcessor(server);
  play(processor, 2);
  await processor.forceFlush();
  const collected = await collect();
  const name = collected[PROCESSED]?.points[0]?.attributes['otel.component.name'];
  expect(name).toMatch(/^HumanloopSpanProcessor\/\d+$/);
  const own = { 'otel.component.type': 'HumanloopSpanProcessor', 'otel.component.name': name };
  const withServer = { ...own, 'server.address': '127.0.0.1', 'server.port': Number(new URL(server.baseUrl).port) };
  const expected = {
    [PROCESSED]: ['counter', '{span}', own, 2],
    [QUEUE_SIZE]: ['up-down counter', '{span}', own, 0],
    [QUEUE_CAPACITY]: ['up-down counter', '{span}', own, 100_000],
    [IN_FLIGHT]: ['up-down counter', '{span}', withServer, 0],
    [EXPORTED]: ['counter', '{span}', withServer, 2],
    [DURATION]: ['histogram', 's', { ...withServer, 'http.response.status_code': 200 }, 1],
  };
  const found = Object.entries(collected).filter(([metric]) => metric.startsWith('otel.sdk.'));
  expect(
    Object.fromEntries(
      found.map(([metric, { kind, unit, points }]) => [metric, [kind, unit, points[0]?.attributes, points[0]?.value]]),
    ),
  ).toEqual(expected);
  expect(found.map(([, { points }]) => points.length)).toEqual(found.map(() => 1));
});

test('a span that is not a log is processed and not exported', async () => {
  const collect = registerMeterProvider();
  const processor = createProcessor(await startMisbehavingV4());
  play(processor, 3, { 'http.request.method': 'GET' });
  play(processor, 2);
  await processor.forceFlush();
  const collected = await collect();
  expect(valuesOf(collected[PROCESSED])).toEqual({ ok: 5 });
  expect(valuesOf(collected[EXPORTED])).toEqual({ ok: 2 });
});

test('what is dropped before it is sent has failed to be processed; what is dropped after, to be exported', async () => {
  const collect = registerMeterProvider();
  const server = await startMisbehavingV4({ refuses: (log) => log.environment === 'refused' });
  const refused = createProcessor(server, { environment: 'refused' });
  play(refused, 3);
  await refused.forceFlush();
  const [processed, exported, duration] = await collect().then((all) => [all[PROCESSED], all[EXPORTED], all[DURATION]]);
  expect(valuesOf(processed)).toEqual({ ok: 3 });
  expect(valuesOf(exported)).toEqual({ rejected: 3 });
  expect(valuesOf(duration)).toEqual({ '422 rejected': 1 });
  await refused.shutdown();
  play(refused, 1);
  const redacted = createProcessor(server, { redact: () => null });
  play(redacted, 2);
  await redacted.forceFlush();
  const collected = await collect();
  expect(valuesOf(collected[PROCESSED])).toEqual({ ok: 3, already_shutdown: 1, redacted: 2 });
  expect(valuesOf(collected[EXPORTED])).toEqual({ rejected: 3 });
});

test('the queue and what is in flight can be watched during an outage, and a full queue is an error type', async () => {
  const collect = registerMeterProvider();
  const server = await startMisbehavingV4({ fault: () => HANGS });
  const processor = createProcessor(server, {
    queue: { maxItems: 10 },
    batch: { maxItems: 2 },
    concurrency: 1,
    timeoutMillis: 60_000,
    flushTimeoutMillis: 200,
  });
  play(processor, 2);
  await expect.poll(() => server.unanswered).toBe(1);
  play(processor, 12);
  await expect.poll(() => processor.stats().queued).toBe(14);
  play(processor, 1);
  await expect.poll(() => processor.stats().dropped).toEqual({ queue_full: 5 });
  const during = await collect();
  expect(valuesOf(during[QUEUE_SIZE])).toEqual({ ok: 10 });
  expect(valuesOf(during[QUEUE_CAPACITY])).toEqual({ ok: 10 });
  expect(valuesOf(during[IN_FLIGHT])).toEqual({ ok: 2 });
  expect(valuesOf(during[PROCESSED])).toEqual({ ok: 2, queue_full: 5 });
  expect(valuesOf(during[EXPORTED])).toEqual({});
  await processor.shutdown();
  const after = await collect();
  expect(valuesOf(after[PROCESSED])).toEqual({ ok: 2, queue_full: 5, shutdown: 8 });
  expect(valuesOf(after[EXPORTED])).toEqual({ shutdown: 2 });
  expect(valuesOf(after[DURATION])).toEqual({ shutdown: 1 });
  expect([QUEUE_SIZE, QUEUE_CAPACITY, IN_FLIGHT].map((name) => valuesOf(after[name]))).toEqual(
    [0, 0, 0].map((ok) => ({ ok })),
  );
});

test('an operation lasts until its last retry', async () => {
  const collect = registerMeterProvider();
  const server = await startMisbehavingV4({
    fault: (_, index) => (index === 0 ? { answer: { status: 503 } } : index === 1 ? { answer: 'reset' } : undefined),
  });
  const processor = createProcessor(server);
  play(processor, 5);
  await processor.forceFlush();
  expect(server.requests.length).toBeGreaterThan(2);
  const collected = await collect();
  expect(valuesOf(collected[DURATION])).toEqual({ '200': 1 });
  expect(valuesOf(collected[PROCESSED])).toEqual({ ok: 5 });
  expect(valuesOf(collected[EXPORTED])).toEqual({ ok: 5 });
  expect(valuesOf(collected[IN_FLIGHT])).toEqual({ ok: 0 });
});

test('an operation whose answer is lost ends with the probe that finds the log', async () => {
  const collect = registerMeterProvider();
  const server = await startMisbehavingV4({
    fault: (_, index) => (index === 0 ? { stores: true, answer: 'reset' } : undefined),
  });
  const processor = createProcessor(server);
  play(processor, 1);
  await processor.forceFlush();
  expect(server.requests.map(({ method }) => method)).toEqual(['POST', 'PATCH']);
  const collected = await collect();
  expect(valuesOf(collected[DURATION])).toEqual({ '200': 1 });
  expect(valuesOf(collected[EXPORTED])).toEqual({ ok: 1 });
});

test('a log that is refused is found in its operation, and the others of it are exported', async () => {
  const collect = registerMeterProvider();
  const server = await startMisbehavingV4({
    fault: ({ references, method }) =>
      method === 'POST' && references.includes(`${bad.traceId}-${bad.spanId}`)
        ? { answer: { status: 422 } }
        : undefined,
  });
  const processor = createProcessor(server);
  const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('app');
  const spans = [1, 2, 3, 4].map(() => tracer.startSpan('chat', { attributes: CHAT, root: true }));
  const bad = (spans[1] as (typeof spans)[0]).spanContext();
  for (const span of spans) span.end();
  await processor.forceFlush();
  const collected = await collect();
  expect(valuesOf(collected[EXPORTED])).toEqual({ ok: 3, rejected: 1 });
  expect(collected[DURATION]?.points.map(({ value }) => value)).toEqual([1]);
  expect(collected[DURATION]?.points[0]?.attributes['error.type']).toBe('rejected');
});

test('an exporter reports what it exports, and leaves the processing to its processor', async () => {
  const collect = registerMeterProvider();
  const server = await startMisbehavingV4({ fault: () => DOWN });
  const redact: HumanloopOptions['redact'] = (log) => (log.environment === 'withheld' ? null : log);
  const options = { ...QUICK, baseUrl: server.baseUrl, redact };
  const [exporter, withheld] = [
    new HumanloopSpanExporter({ ...options, timeoutMillis: 100 }),
    new HumanloopSpanExporter({ ...options, environment: 'withheld' }),
  ];
  const processors = [exporter, withheld].map((each) => new BatchSpanProcessor(each));
  onTestFinished(() => Promise.all(processors.map((each) => each.shutdown())).then(() => undefined));
  for (const processor of processors) play(processor, 2);
  play(processors[0] as SpanProcessor, 1, { 'http.request.method': 'GET' });
  await Promise.all(processors.map((each) => each.forceFlush().catch(() => undefined)));
  const during = await collect();
  const typesOf = (all: Record<string, CollectedMetric>) =>
    Object.values(all).flatMap(({ points }) => points.map(({ attributes }) => attributes['otel.component.type']));
  expect(new Set(typesOf(during).filter(Boolean))).toEqual(new Set(['HumanloopSpanExporter']));
  expect(during[IN_FLIGHT]?.points.map(({ value }) => value)).toEqual([2, 0]);
  expect(valuesOf(during[EXPORTED])).toEqual({ redacted: 2 });
  server.fault = undefined;
  await exporter.forceFlush();
  const after = await collect();
  expect(valuesOf(after[EXPORTED])).toEqual({ ok: 2, redacted: 2 });
  const processing = [PROCESSED, QUEUE_SIZE, QUEUE_CAPACITY].flatMap((name) => after[name]?.points ?? []);
  expect(processing).toEqual([]);
});

test('instances are told apart, and one that was shut down has no queue', async () => {
  const collect = registerMeterProvider();
  const server = await startMisbehavingV4();
  const [first, second] = ['a', 'b'].map((environment) => createProcessor(server, { environment }));
  play(first as SpanProcessor, 1);
  play(second as SpanProcessor, 2);
  await first?.shutdown();
  await second?.forceFlush();
  const collected = await collect();
  const [one, two] = collected[EXPORTED]?.points ?? [];
  expect([one?.value, two?.value]).toEqual([1, 2]);
  expect(one?.attributes['otel.component.name']).not.toBe(two?.attributes['otel.component.name']);
  expect(collected[QUEUE_CAPACITY]?.points.map(({ value }) => value)).toEqual([0, 100_000]);
});

test('a provider that is registered or replaced later gets all counts', async () => {
  const server = await startMisbehavingV4();
  const processor = createProcessor(server);
  play(processor, 2);
  await processor.forceFlush();
  const collectFirst = registerMeterProvider();
  play(processor, 1);
  await processor.forceFlush();
  const before = await collectFirst();
  expect([before[PROCESSED], before[EXPORTED], before[DURATION]].map(valuesOf)).toEqual([
    { ok: 3 },
    { ok: 3 },
    { '200': 1 },
  ]);
  metrics.disable();
  const collect = registerMeterProvider();
  play(processor, 1);
  await processor.forceFlush();
  expect(valuesOf((await collect())[EXPORTED])).toEqual({ ok: 4 });
  expect(valuesOf((await collectFirst())[EXPORTED])).toEqual({ ok: 3 });
});

test('a provider that is registered during an outage gets the queue, and the duration at its end', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ delayMillis: 500 }) });
  const early = createProcessor(server, { environment: 'early' });
  play(early, 1);
  await expect.poll(() => server.unanswered).toBe(1);
  const collect = registerMeterProvider();
  const late = createProcessor(server, { environment: 'late' });
  metrics.disable();
  const collectNow = registerMeterProvider();
  play(late, 2);
  await expect.poll(async () => valuesOf((await collectNow())[QUEUE_SIZE])).toEqual({ ok: 2 });
  await expect.poll(() => early.stats().logged).toBe(1);
  expect(valuesOf((await collectNow())[DURATION])).toEqual({ '200': 1 });
  expect((await collect())[DURATION]?.points ?? []).toEqual([]);
});

test('a spool reports its rows, its bytes and its age', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spool-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const collect = registerMeterProvider();
  const server = await startMisbehavingV4({ fault: () => DOWN });
  const processor = createProcessor(server, {
    spool: { directory, maxBytes: 1_000_000, fsyncMillis: 20 },
    flushTimeoutMillis: 5_000,
  });
  const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('app');
  for (const ageMillis of [5_000, 60_000, 0])
    tracer.startSpan('chat', { attributes: CHAT, root: true, startTime: Date.now() - ageMillis }).end();
  const spool = async () => {
    const all = Object.entries(await collect()).filter(([name]) => name.startsWith('humanloop.spool.'));
    return Object.fromEntries(
      all.map(([name, { points }]) => [name.slice('humanloop.spool.'.length), points[0]?.value]),
    );
  };
  await expect.poll(async () => (await spool())['rows']).toBe(3);
  const { 'file.size': fileSize = 0, 'oldest.age': oldestAge = 0, used = 0, ...rest } = await spool();
  expect(rest).toEqual({ rows: 3, capacity: 1_000_000 });
  expect(used).toBeGreaterThan(3 * 300);
  expect(fileSize).toBeGreaterThan(used);
  expect(oldestAge).toBeGreaterThanOrEqual(5);
  expect(oldestAge).toBeLessThan(30);
  const collected = await collect();
  expect(Object.keys(await spool()).map((name) => collected[`humanloop.spool.${name}`])).toMatchObject([
    { kind: 'gauge', unit: '{row}' },
    { kind: 'gauge', unit: 'By' },
    { kind: 'gauge', unit: 'By' },
    { kind: 'gauge', unit: 'By' },
    { kind: 'gauge', unit: 's' },
  ]);
  server.fault = undefined;
  await processor.forceFlush();
  await expect.poll(spool).toMatchObject({ rows: 0, used: 0, 'oldest.age': 0 });
  await processor.shutdown();
  expect(Object.values(await spool())).toEqual([0, 0, 0, 0, 0]);
});

test.each(['getMeter', 'createCounter', 'record', 'addBatchObservableCallback'])(
  'a meter provider whose %s throws does no harm',
  async (method) => {
    const broken: unknown = new Proxy(() => broken, {
      get: (_, name) => {
        if (name === method) throw new Error('broken');
        return broken;
      },
      apply: () => broken,
    });
    metrics.setGlobalMeterProvider(broken as MeterProvider);
    onTestFinished(() => metrics.disable());
    const server = await startMisbehavingV4({ refuses: (log) => log.environment === 'refused' });
    const processors = ['fine', 'refused'].map((environment) => createProcessor(server, { environment }));
    for (const processor of processors) play(processor, 2);
    for (const processor of processors) await processor.shutdown();
    const [fine, refused] = processors.map((processor) => processor.stats());
    expect([fine?.logged, refused?.dropped]).toEqual([2, { rejected: 2 }]);
  },
);

test('a meter provider does not keep a processor that the app has let go', async () => {
  const collect = registerMeterProvider();
  const { baseUrl } = await startMisbehavingV4();
  const create = () => new WeakRef(new HumanloopSpanProcessor({ ...QUICK, baseUrl }));
  const processor = create();
  expect(valuesOf((await collect())[QUEUE_CAPACITY])).toEqual({ ok: 100_000 });
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc');
  await expect
    .poll(() => {
      collectGarbage();
      return processor.deref() === undefined;
    })
    .toBe(true);
  await expect
    .poll(async () => {
      collectGarbage();
      return valuesOf((await collect())[QUEUE_CAPACITY]);
    })
    .toEqual({ ok: 0 });
});

test('without a spool there is no gauge of one', async () => {
  const collect = registerMeterProvider();
  const processor = createProcessor(await startMisbehavingV4());
  play(processor, 1);
  await processor.forceFlush();
  const gauges = Object.entries(await collect()).filter(([name]) => name.startsWith('humanloop.spool.'));
  expect(gauges.flatMap(([, { points }]) => points)).toEqual([]);
});
