/** An app that works while its telemetry fails. It ends with code 0 if nothing but its work decides. */
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { type HumanloopOptions, HumanloopSpanExporter, HumanloopSpanProcessor } from '../../../src/index.ts';

const fail = () => {
  throw new Error('a hook of the user');
};
const reject = async () => fail();
const options: HumanloopOptions = {
  timeoutMillis: 200,
  flushTimeoutMillis: 300,
  holdMillis: 5,
  // Some thousand retries in a few seconds: those of hours at the usual pace.
  retry: { minDelayMillis: 1, maxDelayMillis: 2, maxElapsedMillis: 1_000 },
  onDrop: reject,
  include: fail,
  session: fail,
  project: fail,
};
/** Hooks that must answer at once, and give promises. */
const REJECTING = { include: reject, session: reject, project: reject } as unknown as HumanloopOptions;
const processor = new HumanloopSpanProcessor({ ...options, redact: reject });
const exporter = new HumanloopSpanExporter({ ...options, ...REJECTING, onDrop: fail });
const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('app');

let ended = 0;
const untilMillis = Date.now() + 2_500;
while (Date.now() < untilMillis) {
  const span = tracer.startSpan('call', {
    attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' },
  });
  span.end();
  exporter.export([span as never], fail);
  ended++;
  if (ended % 20 === 0) await processor.forceFlush().catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 2));
}
await processor.shutdown();
await exporter.shutdown();
for (const stats of [processor.stats(), exporter.stats()]) {
  const dropped = Object.values(stats.dropped).reduce((sum, count) => sum + count, 0);
  console.log(`ended ${ended}, accounted ${dropped + stats.logged}`);
}
