/** Results that arrive after a span has ended: `update()` completes the log, sent or not. */
import { trace } from '@opentelemetry/api';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { HumanloopSpanProcessor } from 'humanloop-otel';

const processor = new HumanloopSpanProcessor({ project: 'late-update-example' });
const provider = new NodeTracerProvider({ spanProcessors: [processor] });
provider.register();

const span = trace.getTracer('late-update-example').startSpan('chat my-own-model', {
  attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'my-own-model' },
});
span.end();
await processor.forceFlush();

// The answer arrives in another way, such as a queue, when the log is already stored.
processor.update(span, { output: 'The answer that arrived by mail.', duration: 42 });

await provider.shutdown();
console.log(processor.stats());
