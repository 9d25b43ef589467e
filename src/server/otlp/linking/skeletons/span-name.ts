/** How a span is named where it may be of another trace: a span of this one by its id, any other by its reference id. */
import { referenceIdOf } from '../../../../wire/reference-id.ts';

const SPAN_DIGITS = 16;

export function isOfAnotherTrace(name: string): boolean {
  return name.length > SPAN_DIGITS;
}

export function referenceOfName(traceId: string, name: string): string {
  return isOfAnotherTrace(name) ? name : referenceIdOf(traceId, name);
}
