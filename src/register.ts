/**
 * `node --import humanloop-otel/register app.js`: traces an app without tracing of its own, without a line of code.
 *
 * It uses the OpenTelemetry SDK and the instrumentations that the app has installed. If something goes wrong, it prints
 * one line to stderr, and the app runs as it would without this file.
 */
import { context, propagation, trace } from '@opentelemetry/api';
import { findInstalled, type Installed } from './installed.ts';
import { HumanloopSpanProcessor } from './processors/span-processor.ts';

if (process.env['OTEL_SDK_DISABLED']?.toLowerCase() !== 'true') {
  try {
    setUp(findInstalled(process.cwd()));
  } catch (error) {
    warn(error instanceof Error ? error.message : String(error));
  }
}

function setUp({ sdk, startInstrumentations }: Installed): void {
  if (!sdk) return warn('no OpenTelemetry SDK found. Install one: npm install @opentelemetry/sdk-trace-node');
  const processor = new HumanloopSpanProcessor(readOptions());
  if (!trace.setGlobalTracerProvider(sdk.createProvider(processor))) {
    return warn('a tracer provider is registered already; add a HumanloopSpanProcessor to that one');
  }
  if (sdk.contextManager) context.setGlobalContextManager(sdk.contextManager.enable());
  else warn('spans will not be nested: npm install @opentelemetry/context-async-hooks');
  if (sdk.propagator) propagation.setGlobalPropagator(sdk.propagator);
  flushBeforeExit(processor);
  try {
    startInstrumentations();
  } catch (error) {
    warn(`the installed instrumentations do not start: ${error instanceof Error ? error.message : error}`);
  }
}

/** Reads `OTEL_SERVICE_NAME`, since the SDK's default resource does not. */
function readOptions(): { project?: string } {
  const { HUMANLOOP_PROJECT, OTEL_SERVICE_NAME } = process.env;
  return !HUMANLOOP_PROJECT && OTEL_SERVICE_NAME ? { project: OTEL_SERVICE_NAME } : {};
}

/**
 * `beforeExit` is the last event that can wait, here for at most `flushTimeoutMillis`; Node emits it again after that.
 * Signals and `process.exit()` skip it: an app that is stopped that way has to shut its processor down itself.
 */
function flushBeforeExit(processor: HumanloopSpanProcessor): void {
  process.once('beforeExit', () => {
    processor.forceFlush().catch((error: Error) => warn(error.message));
  });
}

function warn(message: string): void {
  console.error(`humanloop-otel/register: ${message}`);
}
