/**
 * A span for each request to the app's HTTP server, so that the model calls of one request are in one trace, and so in
 * one session. The span is not a log. It is created only if no instrumentation of HTTP does that.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type Context,
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
  readonly server: EventEmitter;
}

/** Node publishes this before it emits the request, in the same turn. */
const STARTED = 'http.server.request.start';

/** Returns a function that stops it. */
export function traceRequests(contexts: AsyncContextManager): () => void {
  const tracer = trace.getTracer('humanloop-otel');
  const onStart = (message: unknown) => {
    try {
      const started = message as RequestStarted;
      const { request, response } = started;
      const name = request.method ?? 'HTTP';
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER }, callerOf(request));
      response.once('close', () => span.end());
      const active = trace.setSpan(context.active(), span);
      if (contexts.isDisabled) serveWithin(active, started);
      else contexts.enter(active);
    } catch {
      // The request is served without a span.
    }
  };
  subscribe(STARTED, onStart);
  return () => void unsubscribe(STARTED, onStart);
}

/** Makes the context active in the listeners of the request, by what every context manager can do. */
function serveWithin(active: Context, { request, response, server }: RequestStarted): void {
  for (const emitter of [request, response]) context.bind(active, emitter);
  const own = Object.getOwnPropertyDescriptor(server, 'emit');
  const emit = server.emit;
  const restore = () => {
    if (server.emit !== emitWithin) return;
    if (own) Object.defineProperty(server, 'emit', own);
    else Reflect.deleteProperty(server, 'emit');
  };
  const emitWithin = (...args: [event: string, ...unknown[]]): boolean => {
    if (args[1] !== request) return emit.apply(server, args);
    restore();
    return context.with(active, () => emit.apply(server, args));
  };
  server.emit = emitWithin;
  // A request that Node itself answers is not emitted.
  queueMicrotask(restore);
}

/** Continues the caller's trace, unless the caller did not sample it: its logs would be missing here. */
function callerOf({ headers }: IncomingMessage) {
  const caller = propagation.extract(ROOT_CONTEXT, headers);
  const parent = trace.getSpanContext(caller);
  const isSampled = parent && isSpanContextValid(parent) && (parent.traceFlags & TraceFlags.SAMPLED) !== 0;
  return isSampled ? caller : trace.deleteSpan(caller);
}
