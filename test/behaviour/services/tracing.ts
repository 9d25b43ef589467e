/** What a service loads first: a provider of SDK 1 or 2, the instrumentations of HTTP, and this package or not. */
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { HumanloopPropagator, HumanloopSpanExporter, HumanloopSpanProcessor } from 'humanloop-otel';
import { NodeTracerProvider as NodeTracerProvider1 } from 'sdk-trace-node-1';

const { SDK = '2', HUMANLOOP = 'processor' } = process.env;
const w3c = [new W3CTraceContextPropagator(), new W3CBaggagePropagator()];
const processor = HUMANLOOP === 'processor' ? new HumanloopSpanProcessor() : undefined;
const exporter = HUMANLOOP === 'exporter' ? new BatchSpanProcessor(new HumanloopSpanExporter()) : undefined;
const Provider = SDK === '1' ? NodeTracerProvider1 : NodeTracerProvider;
const provider = new Provider({ spanProcessors: [processor ?? exporter ?? []].flat() as never });
provider.register({
  propagator: new CompositePropagator({
    propagators: [...w3c, ...(processor ? [new HumanloopPropagator(processor)] : [])],
  }),
});
// Creating an instrumentation enables it.
for (const Instrumentation of [HttpInstrumentation, UndiciInstrumentation]) new Instrumentation();
(globalThis as { flush?: () => Promise<void> }).flush = () => provider.forceFlush();
