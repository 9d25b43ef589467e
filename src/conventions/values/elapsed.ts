/** Dates and durations in attributes → milliseconds. */
import type { SpanSlice } from '../../otel/span-slice.ts';
import { jsonOf, numberOf, stringOf } from './attributes.ts';

/** Returns whole milliseconds; undefined if `date` is not a date or is before the start. JSON quotes are allowed. */
export function millisSinceStart(span: SpanSlice, date: unknown): number | undefined {
  const text = stringOf(date);
  if (text === undefined) return undefined;
  const atMillis = Date.parse(stringOf(jsonOf(text)) ?? text);
  const elapsed = atMillis - (span.startTime[0] * 1000 + span.startTime[1] / 1e6);
  return Number.isFinite(elapsed) && elapsed >= 0 ? Math.round(elapsed) : undefined;
}

/** No wait is as many seconds (12 days): LoongSuite writes nanoseconds, of which a millisecond has as many. */
export const NANOSECONDS_FROM = 1e6;

/** Returns milliseconds, to the microsecond. */
export function millisOfSeconds(value: unknown): number | undefined {
  const duration = numberOf(value);
  if (duration === undefined) return undefined;
  return Math.round(duration >= NANOSECONDS_FROM ? duration / 1e3 : duration * 1e6) / 1e3;
}
