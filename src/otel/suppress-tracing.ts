/**
 * Keeps the package's own requests out of the app's traces, which would otherwise trace their own export.
 *
 * The key is the one that `@opentelemetry/core` uses. `createContextKey` is `Symbol.for`, so the same words give the
 * same key without importing the SDK, whichever version of it the app has.
 */
import { context, createContextKey } from '@opentelemetry/api';

const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/**
 * Runs `work`, and all that it starts, in a context in which tracers make no spans. Sockets and timers opened inside
 * stay in it, provided that the app has a context manager; without one there is no context to inherit, and
 * instrumentations would see the root context.
 */
export function withoutTracing<Result>(work: () => Result): Result {
  return context.with(context.active().setValue(SUPPRESS_TRACING, true), work);
}
