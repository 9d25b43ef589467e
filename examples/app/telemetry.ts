/**
 * OpenTelemetry for the app, loaded before it: `node --import ./telemetry.ts main.ts`.
 *
 * The line that matters is `spanProcessors`. The rest is what an instrumented app has anyway.
 */
import { createRequire } from 'node:module';
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { HumanloopSpanProcessor } from 'humanloop-otel';
import OpenAI from 'openai';

/** Half a second instead of the default ten, so that a slow agent is seen being logged while it still runs. */
export const processor = new HumanloopSpanProcessor({ holdMillis: 500 });

const openaiInstrumentation = new OpenAIInstrumentation();
const sdk = new NodeSDK({
  serviceName: 'travel-assistant',
  spanProcessors: [processor],
  // Otherwise NodeSDK also sends metrics and logs to an OpenTelemetry collector, and waits for it at shutdown.
  metricReaders: [],
  logRecordProcessors: [],
  instrumentations: [new HttpInstrumentation(), openaiInstrumentation],
});
sdk.start();
// ES modules pass by the hooks of instrumentations: hand them the module, and load `http` the way they watch.
openaiInstrumentation.manuallyInstrument(OpenAI);
createRequire(import.meta.url)('node:http');

export const shutdown = () => sdk.shutdown();
