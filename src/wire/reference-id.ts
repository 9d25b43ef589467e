/** The reference id of a span's log: a pure function of the span's context, so that a child can name a parent early. */
export function referenceIdOf(traceId: string, spanId: string): string {
  return `${traceId}-${spanId}`;
}
