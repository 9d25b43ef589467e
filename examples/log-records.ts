/** Prompts and answers in log events, as OpenTelemetry's own instrumentation of openai writes them: a second processor. */
import { createRequire } from 'node:module';
import { OpenAIInstrumentation } from '@opentelemetry/instrumentation-openai';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { HumanloopLogRecordProcessor, HumanloopSpanProcessor } from 'humanloop-otel';

const processor = new HumanloopSpanProcessor({ project: 'log-records-example' });
const sdk = new NodeSDK({
  spanProcessors: [processor],
  logRecordProcessors: [new HumanloopLogRecordProcessor(processor)],
  // Without the option it keeps the content to itself.
  instrumentations: [new OpenAIInstrumentation({ captureMessageContent: true })],
  // Nothing to do with Humanloop: without this, NodeSDK looks for a collector of metrics.
  metricReaders: [],
});
sdk.start();

// The instrumentation hooks `require`; what is loaded by `import` passes it by.
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
