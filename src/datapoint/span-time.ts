/** A span's times in v4 form: an ISO date and seconds. Clocks of apps jump, and some spans have NaN as time. */
import { millisOf, secondsOf } from '../otel/hr-time.ts';
import type { HrTime, SpanSlice } from '../otel/span-slice.ts';

export type TimedSpan = Pick<SpanSlice, 'startTime' | 'endTime' | 'duration' | 'ended'>;

/**
 * Returns the span's start as ISO date; its end if the start is not a time; 1970 if neither is. Always a valid date.
 */
export function createdAt(span: Pick<SpanSlice, 'startTime' | 'endTime'>): string {
  return toIso(millisOf(span.startTime) ?? millisOf(span.endTime) ?? 0);
}

let formattedSecond = 0;
let secondText = '1970-01-01T00:00:00';

/** Returns Unix milliseconds as ISO date. Thousands of logs may start in one second, so its text is formatted once. */
export function toIso(millis: number): string {
  const second = Math.floor(millis / 1000);
  if (second !== formattedSecond) {
    secondText = new Date(second * 1000).toISOString().slice(0, -'.000Z'.length);
    formattedSecond = second;
  }
  return `${secondText}.${String(millis - second * 1000).padStart(3, '0')}Z`;
}

/** Returns seconds, at least 0; undefined while the span is open or if its times are not usable. */
export function durationOf(span: TimedSpan): number | undefined {
  if (!hasEnded(span)) return undefined;
  const seconds = secondsOf(span.duration) ?? secondsBetween(span.startTime, span.endTime);
  return seconds === undefined ? undefined : Math.max(0, seconds);
}

/** Only `ended: false` marks an open span: an exporter's spans have ended, even if they do not say so. */
export function hasEnded(span: Pick<SpanSlice, 'ended'>): boolean {
  return span.ended !== false;
}

function secondsBetween(start: HrTime, end: HrTime): number | undefined {
  const from = secondsOf(start);
  const to = secondsOf(end);
  return from === undefined || to === undefined ? undefined : to - from;
}
