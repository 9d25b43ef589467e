/** Prompts and answers in log events, as OpenTelemetry's own openai instrumentation writes them. */
import { createRequire } from 'node:module';
import { OpenAIInstrumentation } from '@opentelemetry/instrumentation-openai';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { HumanloopLogRecordProcessor, HumanloopSpanProcessor } from 'humanloop-otel';

const processor = new HumanloopSpanProcessor({ project: 'log-records-example' });
const sdk = new NodeSDK({
  spanProcessors: [processor],
  logRecordProcessors: [new HumanloopLogRecordProcessor(processor)],
  // Without this option it does not record the content.
  instrumentations: [new OpenAIInstrumentation({ captureMessageContent: true })],
  // Not for Humanloop: without this, NodeSDK sends metrics to a collector.
  metricReaders: [],
});
sdk.start();

// The instrumentation hooks `require` and does not see modules loaded with `import`.
const { OpenAI } = createRequire(import.meta.url)('openai') as typeof import('openai');

const completion = await new OpenAI().chat.completions.create({
  model: 'gpt-4o-mini',
  messages: [
    { role: 'system', content: 'Answer in one sentence.' },
    { role: 'user', content: 'What is the capital of Norway?' },
  ],
});
console.log(completion.choices[0]?.message.content);

await sdk.shutdown();
