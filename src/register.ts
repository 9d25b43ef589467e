/**
 * `node --import humanloop-otel/register app.js`: traces an app that has no tracing of its own, without a line of code.
 *
 * It takes the OpenTelemetry SDK and the instrumentations that the app has installed, and brings none itself. Whatever
 * goes wrong is one line on stderr, and the app runs as it would without this file.
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
  const processor = new HumanloopSpanProcessor(options());
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

/** The provider's resource is the SDK's default, which does not read this variable. */
function options(): { project?: string } {
  const { HUMANLOOP_PROJECT, OTEL_SERVICE_NAME } = process.env;
  return !HUMANLOOP_PROJECT && OTEL_SERVICE_NAME ? { project: OTEL_SERVICE_NAME } : {};
}

/**
 * `beforeExit` is the last that can wait, for at most `flushTimeoutMillis`; Node emits it again after that. Signals and
 * `process.exit()` skip it: an app that is stopped in that way shuts its processor down itself.
 */
function flushBeforeExit(processor: HumanloopSpanProcessor): void {
  process.once('beforeExit', () => {
    processor.forceFlush().catch((error: Error) => warn(error.message));
  });
}

function warn(message: string): void {
  console.error(`humanloop-otel/register: ${message}`);
}
