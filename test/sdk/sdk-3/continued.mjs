/** With SDK 3: a trace that comes from another service, and a request to a third one, whose headers are printed. */
import { defaultTextMapGetter, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { HumanloopPropagator, HumanloopSpanProcessor } from 'humanloop-otel';

const processor = new HumanloopSpanProcessor();
const provider = new TracerProvider({ spanProcessors: [processor] });
const headers = {
  traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`,
  tracestate: `vendor=1,humanloop=${'ab'.repeat(8)}`,
};
const context = new W3CTraceContextPropagator().extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
const attributes = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'planner' };
const agent = provider.getTracer('app').startSpan('agent', { attributes }, context);
const carrier = {};
new HumanloopPropagator(processor).inject(trace.setSpan(context, agent), carrier, {
  set: (target, key, value) => Object.assign(target, { [key]: value }),
});
agent.end();
await provider.forceFlush();
console.log(JSON.stringify([agent.spanContext().spanId, carrier.tracestate]));
