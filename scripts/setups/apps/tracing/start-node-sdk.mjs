import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai';
import { startNodeSdk } from '@opentelemetry/sdk-node';
import { HumanloopSpanProcessor } from 'humanloop-otel';
import OpenAI from 'openai';

const sdk = startNodeSdk({
  resourceAttributes: { 'service.name': 'my-app' },
  spanProcessors: [new HumanloopSpanProcessor()],
  metricReaders: [],
  logRecordProcessors: [],
});
new OpenAIInstrumentation().manuallyInstrument(OpenAI);
process.once('beforeExit', () => sdk.shutdown());
