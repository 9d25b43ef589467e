/** Hooks that throw, reject, or return what breaks when it is read; spans that break every rule. */
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { HumanloopSpanExporter, HumanloopSpanProcessor } from 'humanloop-otel';
import { CHAT, fail, startTracing } from './set-up.ts';

const HOOKS: readonly (() => unknown)[] = [
  fail,
  async () => fail(),
  () => undefined,
  // biome-ignore lint/suspicious/noThenProperty: a value that is not a promise may have a then.
  () => ({ then: fail }),
  () => new Proxy({}, { get: fail }),
  async () => new Proxy({}, { ownKeys: fail }),
];

const BROKEN: readonly unknown[] = [
  undefined,
  null,
  1,
  {},
  { spanContext: fail },
  { spanContext: () => ({}) },
  { spanContext: () => undefined },
  new Proxy({}, { get: fail }),
  Object.freeze({ spanContext: () => ({ traceId: 'x' }) }),
  { spanContext: () => ({ traceId: 1, spanId: 2 }), attributes: null, events: null, startTime: 'x' },
];

for (const hook of HOOKS as never[]) {
  const options = { redact: hook, include: hook, project: hook, session: hook, onDrop: hook };
  const processor = new HumanloopSpanProcessor(options);
  startTracing(processor, new BatchSpanProcessor(new HumanloopSpanExporter(options)))
    .startSpan('chat', CHAT)
    .end();
  const exporter = new HumanloopSpanExporter(options);
  const handAll = () => {
    for (const span of BROKEN as never[]) {
      processor.onStart(span);
      processor.onEnd(span);
      exporter.export([span], fail);
    }
    exporter.export(BROKEN as never[], undefined as never);
  };
  handAll();
  processor.update(`${'0'.repeat(32)}-${'1'.repeat(16)}`, {});
  await processor.forceFlush();
  await exporter.forceFlush();
  await processor.shutdown();
  await exporter.shutdown();
  handAll();
}
// Waits for later rejections.
await new Promise((resolve) => setTimeout(resolve, 50));
console.log('done');
