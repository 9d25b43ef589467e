import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { HumanloopSpanProcessor } from 'humanloop-otel';
import OpenAI from 'openai';

const sdk = new NodeSDK({
  spanProcessors: [new HumanloopSpanProcessor()],
  metricReaders: [],
  logRecordProcessors: [],
});
sdk.start();
new OpenAIInstrumentation().manuallyInstrument(OpenAI);
process.once('beforeExit', () => sdk.shutdown());
