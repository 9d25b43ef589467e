/** An app that neither flushes nor shuts down, with a span that never ends. It prints how long it takes to end. */
import { SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { HumanloopSpanExporter, HumanloopSpanProcessor } from 'humanloop-otel';
import { CHAT, startTracing } from './set-up.ts';

const processor = new HumanloopSpanProcessor({ holdMillis: 600_000 });
const tracer = startTracing(processor, new SimpleSpanProcessor(new HumanloopSpanExporter()));
tracer.startSpan('open', CHAT);
tracer.startSpan('chat', CHAT).end();
const isTried = () => processor.stats().logged + processor.stats().retried > 0;
while (!isTried()) await new Promise((resolve) => setTimeout(resolve, 20));
const { logged } = processor.stats();
const doneAt = performance.now();
process.on('exit', () => console.log(logged, Math.round(performance.now() - doneAt)));
