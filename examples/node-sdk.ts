/** One line in NodeSDK: everything that is traced is logged. */
import { openai } from '@ai-sdk/openai';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { generateText } from 'ai';
import { HumanloopSpanProcessor } from 'humanloop-otel';

const sdk = new NodeSDK({
  serviceName: 'node-sdk-example',
  spanProcessors: [new HumanloopSpanProcessor()],
  // Nothing to do with Humanloop: without these two, NodeSDK looks for a collector of metrics and logs.
  metricReaders: [],
  logRecordProcessors: [],
});
sdk.start();

const { text } = await generateText({
  model: openai.chat('gpt-4o-mini'),
  prompt: 'What is the capital of Norway?',
  experimental_telemetry: { isEnabled: true },
});
console.log(text);

await sdk.shutdown();
