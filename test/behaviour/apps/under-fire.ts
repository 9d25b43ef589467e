/** An app that works while its telemetry fails. It ends with code 0 if the failures have no effect on its work. */
import { type HumanloopOptions, HumanloopSpanExporter, HumanloopSpanProcessor } from 'humanloop-otel';
import { CHAT, fail, startTracing } from './set-up.ts';

const WORK_MILLIS = 1_500;
/** A slow machine works for longer, until so many logs were sent again. */
const MIN_RETRIED = 100;

const reject = async () => fail();
const options: HumanloopOptions = {
  timeoutMillis: 200,
  flushTimeoutMillis: 300,
  holdMillis: 5,
  // Some thousand retries in a few seconds, as many as in hours with the default pauses.
  retry: { minDelayMillis: 1, maxDelayMillis: 2, maxElapsedMillis: 1_000 },
  onDrop: reject,
  include: fail,
  session: fail,
  project: fail,
};
/** Hooks that must be synchronous but return promises. */
const REJECTING = { include: reject, session: reject, project: reject } as unknown as HumanloopOptions;
const processor = new HumanloopSpanProcessor({ ...options, redact: reject });
const exporter = new HumanloopSpanExporter({ ...options, ...REJECTING, onDrop: fail });
const tracer = startTracing(processor);

let ended = 0;
const untilMillis = Date.now() + WORK_MILLIS;
while (Date.now() < untilMillis || processor.stats().retried < MIN_RETRIED) {
  const span = tracer.startSpan('call', CHAT);
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
