/**
 * Returns the reference id of a span's log. It depends only on the ids, so a child can name its parent before it is
 * sent.
 */
export function referenceIdOf(traceId: string, spanId: string): string {
  return `${traceId}-${spanId}`;
}

const REFERENCE = /^([0-9a-f]{32})-[0-9a-f]{16}$/;

/** Returns the trace id; undefined if the reference id is not that of a span. */
export function traceIdOf(referenceId: string): string | undefined {
  return REFERENCE.exec(referenceId)?.[1];
}
