/** An app that sets up no tracing of its own: an agent that calls a model. */
import { trace } from '@opentelemetry/api';

const chat = { attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' } };
const tracer = trace.getTracer('app');
await tracer.startActiveSpan('agent', { attributes: { 'gen_ai.operation.name': 'invoke_agent' } }, async (agent) => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  tracer.startActiveSpan('chat', chat, (span) => span.end());
  agent.end();
});
console.log('done');
