/** Dates in attributes → milliseconds since the span's start. */
import type { SpanSlice } from '../../otel/span-slice.ts';
import { jsonOf, stringOf } from './attributes.ts';

/** Returns whole milliseconds; undefined if `date` is not a date or is before the start. JSON quotes are allowed. */
export function millisSinceStart(span: SpanSlice, date: unknown): number | undefined {
  const text = stringOf(date);
  if (text === undefined) return undefined;
  const atMillis = Date.parse(stringOf(jsonOf(text)) ?? text);
  const elapsed = atMillis - (span.startTime[0] * 1000 + span.startTime[1] / 1e6);
  return Number.isFinite(elapsed) && elapsed >= 0 ? Math.round(elapsed) : undefined;
}
