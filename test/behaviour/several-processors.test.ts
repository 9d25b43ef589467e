/**
 * A processor that is registered twice, by a hot reload, in two layers of an app, or from two copies of the package.
 */
import { BasicTracerProvider, BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { expect, test, vi } from 'vitest';
import { HumanloopSpanExporter, HumanloopSpanProcessor } from '../../src/index.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, CHAT, QUICK, referenceOf } from '../support/traced-app.ts';

async function play(processors: SpanProcessor[]) {
  const provider = new BasicTracerProvider({ spanProcessors: processors });
  const tracer = provider.getTracer('app');
  const spans = [AGENT, CHAT, CHAT].map((attributes) => tracer.startSpan('span', { attributes }));
  for (const span of spans) span.end();
  await provider.forceFlush();
  return spans;
}

test('two processors on one provider make one log per span', async () => {
  const server = await startMisbehavingV4();
  const options = { ...QUICK, baseUrl: server.baseUrl };
  const processors = [new HumanloopSpanProcessor(options), new HumanloopSpanProcessor(options)];
  const spans = await play(processors);
  expect([...server.logs.keys()].sort()).toEqual(spans.map(referenceOf).sort());
  expect(server.breaches).toEqual([]);
  for (const processor of processors) await processor.shutdown();
  expect(processors.map((processor) => processor.stats().logged)).toEqual([3, 0]);
});

test('processors of two copies of the package make one log per span', async () => {
  const server = await startMisbehavingV4();
  vi.resetModules();
  const copy = await import('../../src/index.ts');
  expect(copy.HumanloopSpanProcessor).not.toBe(HumanloopSpanProcessor);
  const options = { ...QUICK, baseUrl: server.baseUrl };
  const processors = [new HumanloopSpanProcessor(options), new copy.HumanloopSpanProcessor(options)];
  const spans = await play(processors);
  expect(server.logs.size).toBe(spans.length);
  expect(server.breaches).toEqual([]);
  for (const processor of processors) await processor.shutdown();
});

test('two processors for two servers both log', async () => {
  const servers = [await startMisbehavingV4(), await startMisbehavingV4()];
  const processors = servers.map(({ baseUrl }) => new HumanloopSpanProcessor({ ...QUICK, baseUrl }));
  const spans = await play(processors);
  for (const server of servers) {
    expect([...server.logs.keys()].sort()).toEqual(spans.map(referenceOf).sort());
    expect(server.breaches).toEqual([]);
  }
  for (const processor of processors) await processor.shutdown();
});

test('after the first processor was shut down, as a hot reload does, the second takes over', async () => {
  const server = await startMisbehavingV4();
  const options = { ...QUICK, baseUrl: server.baseUrl };
  const processors = [new HumanloopSpanProcessor(options), new HumanloopSpanProcessor(options)];
  const provider = new BasicTracerProvider({ spanProcessors: processors });
  const startAndEnd = () => {
    const span = provider.getTracer('app').startSpan('span', { attributes: CHAT });
    span.end();
    return referenceOf(span);
  };
  const before = startAndEnd();
  await provider.forceFlush();
  await processors[0]?.shutdown();
  const after = startAndEnd();
  await provider.forceFlush();
  expect([...server.logs.keys()]).toEqual([before, after]);
  expect(server.breaches).toEqual([]);
  expect(processors.map((processor) => processor.stats().logged)).toEqual([1, 1]);
  await processors[1]?.shutdown();
});

test('a processor that is registered twice makes one log per span', async () => {
  const server = await startMisbehavingV4();
  const processor = new HumanloopSpanProcessor({ ...QUICK, baseUrl: server.baseUrl });
  const spans = await play([processor, processor]);
  expect(server.logs.size).toBe(spans.length);
  expect(server.breaches).toEqual([]);
  await processor.shutdown();
});

test('the processor and the exporter side by side make one log per span', async () => {
  const server = await startMisbehavingV4();
  const options = { ...QUICK, baseUrl: server.baseUrl };
  const processor = new HumanloopSpanProcessor(options);
  const exporter = new HumanloopSpanExporter(options);
  const spans = await play([processor, new BatchSpanProcessor(exporter)]);
  await exporter.forceFlush();
  expect(server.logs.size).toBe(spans.length);
  expect(server.breaches).toEqual([]);
  await Promise.all([processor.shutdown(), exporter.shutdown()]);
});

test('a second processor that comes while spans are open leaves those to the first', async () => {
  const server = await startMisbehavingV4();
  const options = { ...QUICK, baseUrl: server.baseUrl };
  const first = new HumanloopSpanProcessor(options);
  const late: HumanloopSpanProcessor[] = [];
  const follow = (follows: (processor: SpanProcessor) => void) => {
    // The second processor is called first: it must not claim spans that are already open.
    for (const processor of [...late, first]) follows(processor as unknown as SpanProcessor);
  };
  const provider = new BasicTracerProvider({
    spanProcessors: [
      {
        onStart: (span, context) => follow((processor) => processor.onStart(span, context)),
        onEnd: (span) => follow((processor) => processor.onEnd(span)),
        forceFlush: async () => {},
        shutdown: async () => {},
      },
    ],
  });
  const tracer = provider.getTracer('app');
  const open = tracer.startSpan('span', { attributes: AGENT });
  const second = new HumanloopSpanProcessor(options);
  late.push(second);
  open.end();
  const next = tracer.startSpan('span', { attributes: CHAT });
  next.end();
  await Promise.all([first.shutdown(), second.shutdown()]);
  expect([first, second].map((processor) => processor.stats().logged)).toEqual([1, 1]);
  expect([...server.logs.keys()].sort()).toEqual([open, next].map(referenceOf).sort());
  expect(server.breaches).toEqual([]);
});
