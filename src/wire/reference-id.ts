/**
 * Returns the reference id of a span's log. It depends only on the ids, so a child can name its parent before it is
 * sent.
 */
export function referenceIdOf(traceId: string, spanId: string): string {
  return `${traceId}-${spanId}`;
}
