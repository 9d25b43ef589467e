import { register } from 'node:module';
import { getNodeAutoInstrumentations } from '@opentelemetry/auto-instrumentations-node';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { HumanloopLogRecordProcessor, HumanloopSpanProcessor } from 'humanloop-otel';

// The app's ES modules need this hook; CommonJS does without.
register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);

const processor = new HumanloopSpanProcessor();
const sdk = new NodeSDK({
  spanProcessors: [processor],
  logRecordProcessors: [new HumanloopLogRecordProcessor(processor)],
  instrumentations: [getNodeAutoInstrumentations()],
  metricReaders: [],
});
sdk.start();
process.once('beforeExit', () => sdk.shutdown());
