/**
 * A span for each request to the app's HTTP server, so that the model calls of one request are in one trace, and so in
 * one session. The span is not a log. It is created only if no instrumentation of HTTP does that.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  context,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import type { AsyncContextManager } from './context-manager.ts';

interface RequestStarted {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Node publishes this before it emits the request, in the same turn. */
const STARTED = 'http.server.request.start';

/** Returns a function that stops it. */
export function traceRequests(contexts: AsyncContextManager): () => void {
  const tracer = trace.getTracer('humanloop-otel');
  const onStart = (message: unknown) => {
    try {
      const { request, response } = message as RequestStarted;
      const name = request.method ?? 'HTTP';
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER }, callerOf(request));
      response.once('close', () => span.end());
      contexts.enter(trace.setSpan(context.active(), span));
    } catch {
      // The request is served without a span.
    }
  };
  subscribe(STARTED, onStart);
  return () => void unsubscribe(STARTED, onStart);
}

/** Continues the caller's trace, unless the caller did not sample it: its logs would be missing here. */
function callerOf({ headers }: IncomingMessage) {
  const caller = propagation.extract(ROOT_CONTEXT, headers);
  const parent = trace.getSpanContext(caller);
  const isSampled = parent && isSpanContextValid(parent) && (parent.traceFlags & TraceFlags.SAMPLED) !== 0;
  return isSampled ? caller : trace.deleteSpan(caller);
}
