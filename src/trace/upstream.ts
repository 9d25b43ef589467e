/** Reads where a trace comes from that another service has begun: under which log of that the logs here hang. */
import { type Context, trace } from '@opentelemetry/api';
import { isSpanId, type RemoteParent, readAncestor } from '../otel/ancestor-member.ts';
import type { SpanSlice } from '../otel/span-slice.ts';

/**
 * Returns the span id of the log above the span, whose parent is not here; undefined if none is named. SDKs copy
 * `tracestate` from parent to child, unless a sampler replaces it.
 */
export function upstreamOf(
  span: SpanSlice,
  parentContext: Context | undefined,
  remoteParent: RemoteParent,
): string | undefined {
  if (remoteParent === 'top') return undefined;
  const { traceId, traceState } = span.spanContext();
  const parent = parentOf(span, parentContext);
  if (parent?.traceId !== undefined && parent.traceId !== traceId) return undefined;
  const named = readAncestor(traceState) ?? readAncestor(parent?.traceState);
  return named ?? (remoteParent === 'name' && parent?.isRemote ? parent.spanId : undefined);
}

/** Returns the span id of the parent, if that is in another process. */
export function callerOf(span: SpanSlice, parentContext: Context | undefined): string | undefined {
  const parent = parentOf(span, parentContext);
  const isOfTrace = parent?.isRemote === true && parent.traceId === span.spanContext().traceId;
  return isOfTrace && isSpanId(parent.spanId) ? parent.spanId : undefined;
}

/** Whether the span's parent is known to be in another process. */
export function isContinued(span: SpanSlice, parentContext: Context | undefined): boolean {
  return parentOf(span, parentContext)?.isRemote === true;
}

/** Spans of SDK 1 do not have it. What another SDK passes as a context may be none. */
function parentOf({ parentSpanContext }: SpanSlice, parentContext: Context | undefined) {
  if (parentSpanContext || !parentContext) return parentSpanContext;
  try {
    return trace.getSpanContext(parentContext);
  } catch {
    return undefined;
  }
}
