/**
 * Keeps the package's own requests out of the app's traces, which would otherwise trace their own export.
 *
 * The key is the one of `@opentelemetry/core`. `createContextKey` is `Symbol.for`, so the same name gives the same key
 * without importing the SDK, for any SDK version of the app.
 */
import { type Context, context, createContextKey } from '@opentelemetry/api';

const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/** Whether tracers create no spans in the context. */
export function isTracingSuppressed(inContext: Context): boolean {
  return inContext.getValue(SUPPRESS_TRACING) === true;
}

/**
 * Runs `work`, and all that it starts, in a context in which tracers do not create spans. Sockets and timers opened by
 * it stay in that context if the app has a context manager; without one, instrumentations see the root context.
 */
export function withoutTracing<Result>(work: () => Result): Result {
  return context.with(context.active().setValue(SUPPRESS_TRACING, true), work);
}
