/** A function as a serverless host runs it: one invocation per line of stdin, frozen in between. Its flush may fail. */
import { createInterface } from 'node:readline';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { HumanloopSpanProcessor } from 'humanloop-otel';

const processor = new HumanloopSpanProcessor({
  timeoutMillis: 500,
  flushTimeoutMillis: 2_000,
  retry: { minDelayMillis: 10, maxDelayMillis: 50 },
});
const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('function');

for await (const name of createInterface({ input: process.stdin })) {
  tracer.startSpan(name, { attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' } }).end();
  const flushed = await processor.forceFlush().then(
    () => 'flushed',
    (error: Error) => error.message.replace(/\d+ ms/, 'N ms'),
  );
  console.log(`${name}: ${flushed}`);
}
