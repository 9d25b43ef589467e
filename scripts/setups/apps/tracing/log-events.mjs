import { register } from 'node:module';
import { OpenAIInstrumentation } from '@opentelemetry/instrumentation-openai';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { HumanloopLogRecordProcessor, HumanloopSpanProcessor } from 'humanloop-otel';

// The app's ES modules need this hook; CommonJS does without.
register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);

const processor = new HumanloopSpanProcessor();
const sdk = new NodeSDK({
  spanProcessors: [processor],
  logRecordProcessors: [new HumanloopLogRecordProcessor(processor)],
  instrumentations: [new OpenAIInstrumentation({ captureMessageContent: true })],
  metricReaders: [],
});
sdk.start();
process.once('beforeExit', () => sdk.shutdown());
