/** An app with every instrumentation on, which prints the names of all spans that have ended. */
import { trace } from '@opentelemetry/api';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { HumanloopSpanExporter, HumanloopSpanProcessor } from 'humanloop-otel';
import { CHAT } from './set-up.ts';

const names: string[] = [];
const watcher: SpanProcessor = {
  onStart: () => undefined,
  onEnd: ({ name }) => void names.push(name),
  forceFlush: async () => undefined,
  shutdown: async () => undefined,
};
const processor = new HumanloopSpanProcessor({ holdMillis: 50 });
const batch = new BatchSpanProcessor(new HumanloopSpanExporter(), { scheduledDelayMillis: 50 });
new NodeTracerProvider({ spanProcessors: [watcher, processor, batch] }).register();
new HttpInstrumentation();
new UndiciInstrumentation();
const tracer = trace.getTracer('app');
await tracer.startActiveSpan('agent', CHAT, async (agent) => {
  tracer.startSpan('chat', CHAT).end();
  await new Promise((resolve) => setTimeout(resolve, 900));
  await processor.forceFlush();
  agent.end();
});
await processor.shutdown();
await batch.shutdown();
// A request of the app itself, to show that the instrumentations work.
await fetch('http://127.0.0.1:65000').catch(() => undefined);
console.log(JSON.stringify(names));
