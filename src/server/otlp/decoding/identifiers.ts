/** Ids of traces and spans: 16 and 8 bytes, not all zero. */

const HEX = /^[0-9a-f]*$/;
const ZEROS = /^0*$/;
const TRACE_DIGITS = 32;
const SPAN_DIGITS = 16;

export interface Identified {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
}

/** Returns why the span cannot be named by its ids; undefined if it can. */
export function findWrongId({ traceId, spanId, parentSpanId }: Identified): string | undefined {
  if (!isId(traceId, TRACE_DIGITS)) return 'the trace id is not 16 bytes, or zero';
  if (!isId(spanId, SPAN_DIGITS)) return 'the span id is not 8 bytes, or zero';
  if (parentSpanId !== '' && !isId(parentSpanId, SPAN_DIGITS)) return 'the parent span id is not 8 bytes';
  return undefined;
}

/** Returns the id; undefined if it is not one. */
export function traceIdOrNone(id: string): string | undefined {
  return isId(id, TRACE_DIGITS) ? id : undefined;
}

/** Returns the id; undefined if it is not one. */
export function spanIdOrNone(id: string): string | undefined {
  return isId(id, SPAN_DIGITS) ? id : undefined;
}

/** Returns the parent's id; empty for the zeros that some SDKs send for a root. */
export function parentIdOf(id: string): string {
  return ZEROS.test(id) ? '' : id;
}

function isId(id: string, digits: number): boolean {
  return id.length === digits && HEX.test(id) && !ZEROS.test(id);
}
