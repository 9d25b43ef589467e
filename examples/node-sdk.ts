/** One line in NodeSDK logs all LLM calls that are traced. */
import { openai } from '@ai-sdk/openai';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { generateText } from 'ai';
import { HumanloopSpanProcessor } from 'humanloop-otel';

const sdk = new NodeSDK({
  serviceName: 'node-sdk-example',
  spanProcessors: [new HumanloopSpanProcessor()],
  // Not for Humanloop: without these two lines, NodeSDK sends metrics and logs to a collector.
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
