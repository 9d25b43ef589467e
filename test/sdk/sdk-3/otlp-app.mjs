/** An app with SDK 3 that knows nothing of this package: its spans go out by OTLP. `EXPORTER` says in which form. */
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

const { OTLPTraceExporter } = await import(`@opentelemetry/exporter-trace-otlp-${process.env.EXPORTER}`);
const processor = new BatchSpanProcessor({ exporter: new OTLPTraceExporter() });
const provider = new TracerProvider({ spanProcessors: [processor] });
const tracer = provider.getTracer('app');
const agent = tracer.startSpan('agent', {
  attributes: {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.agent.name': 'planner',
    'session.id': 'session-a',
  },
});
const inside = trace.setSpan(ROOT_CONTEXT, agent);
const http = tracer.startSpan('POST', { attributes: { 'http.request.method': 'POST' } }, inside);
const chat = tracer.startSpan(
  'chat',
  {
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.input.messages': [{ role: 'user', parts: [{ type: 'text', content: 'Hello?' }] }],
      'gen_ai.output.messages': [{ role: 'assistant', parts: [{ type: 'text', content: 'Hello.' }] }],
    },
  },
  trace.setSpan(inside, http),
);
if (typeof chat.attributes['gen_ai.input.messages'][0] !== 'object') throw new Error('no structured values');
chat.end();
http.end();
agent.end();
await provider.forceFlush();
console.log('flushed');
