/** Clock readings of spans. Clocks of apps jump, and some spans have `NaN` or nothing where a time should stand. */
import type { HrTime } from './span-slice.ts';

/** The end of year 9999: beyond it ISO dates need a sign, which no API takes. */
const MAX_SECONDS = 253_402_300_799;

/** Seconds, with fractions; `undefined` where the value is not a time. */
export function secondsOf(time: HrTime | undefined): number | undefined {
  if (!Array.isArray(time)) return undefined;
  const seconds = Number(time[0]) + Number(time[1]) / 1e9;
  return Number.isFinite(seconds) ? seconds : undefined;
}

/** Whole Unix milliseconds; `undefined` where the value is not a date between 1970 and 9999. */
export function millisOf(time: HrTime | undefined): number | undefined {
  const seconds = secondsOf(time);
  if (seconds === undefined || seconds < 0 || seconds > MAX_SECONDS) return undefined;
  return Math.floor(time![0] * 1e3 + time![1] / 1e6);
}
