/**
 * OpenTelemetry for the app, loaded before it: `node --import ./telemetry.ts main.ts`.
 *
 * Only the line `spanProcessors` is for Humanloop; an instrumented app already has the rest.
 */
import { createRequire } from 'node:module';
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { HumanloopSpanProcessor } from 'humanloop-otel';
import OpenAI from 'openai';

/** Waits half a second instead of ten, to show a slow agent that is logged while it still runs. */
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
// Instrumentations hook `require` and do not see ES modules: pass them the module, and load `http` with `require`.
openaiInstrumentation.manuallyInstrument(OpenAI);
createRequire(import.meta.url)('node:http');

export const shutdown = () => sdk.shutdown();
