/**
 * How a log at the top of its session says of which span in another process it is below. Other servers show it among the
 * metadata; the one of this package may have the spans of that process by OTLP, and then hangs the log where they are.
 */
import { referenceIdOf, traceIdOf } from './reference-id.ts';
import type { LogRequest } from './v4.ts';

export const REMOTE_PARENT = 'remote_parent';

const SPAN_ID = /^(?!0{16})[0-9a-f]{16}$/;

/** Returns the reference id of the span in another process; undefined if the log names none, or has a parent. */
export function remoteParentOf(log: LogRequest): string | undefined {
  const { reference_id: reference, parent_id, parent_reference_id, metadata } = log;
  const spanId = metadata?.[REMOTE_PARENT];
  if (parent_id || parent_reference_id || typeof spanId !== 'string' || !SPAN_ID.test(spanId)) return undefined;
  const traceId = reference ? traceIdOf(reference) : undefined;
  return traceId === undefined ? undefined : referenceIdOf(traceId, spanId);
}
