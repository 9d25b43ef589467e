/** A span's clock readings as v4 has them: an ISO date and seconds. Clocks of apps jump, and some spans bear NaN. */
import { millisOf, secondsOf } from '../otel/hr-time.ts';
import type { HrTime, SpanSlice } from '../otel/span-slice.ts';

/** The span's start. A start that is no time gives the end, and without that the epoch: always a valid date. */
export function createdAt(span: SpanSlice): string {
  return toIso(millisOf(span.startTime) ?? millisOf(span.endTime) ?? 0);
}

let formattedSecond = 0;
let secondText = '1970-01-01T00:00:00';

/** Logs come by the thousand in one second, which is formatted once. */
function toIso(millis: number): string {
  const second = Math.floor(millis / 1000);
  if (second !== formattedSecond) {
    secondText = new Date(second * 1000).toISOString().slice(0, -'.000Z'.length);
    formattedSecond = second;
  }
  return `${secondText}.${String(millis - second * 1000).padStart(3, '0')}Z`;
}

/** Seconds, not negative; `undefined` while the span is open or where no clock reading is usable. */
export function durationOf(span: SpanSlice): number | undefined {
  if (!hasEnded(span)) return undefined;
  const seconds = secondsOf(span.duration) ?? difference(span.startTime, span.endTime);
  return seconds === undefined ? undefined : Math.max(0, seconds);
}

/** Spans of exporters have ended, whether or not they say so. */
export function hasEnded(span: SpanSlice): boolean {
  return span.ended !== false;
}

function difference(start: HrTime, end: HrTime): number | undefined {
  const from = secondsOf(start);
  const to = secondsOf(end);
  return from === undefined || to === undefined ? undefined : to - from;
}
