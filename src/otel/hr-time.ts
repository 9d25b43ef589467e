/** Times of spans. The clocks of apps jump, and some spans have NaN or nothing as a time. */
import type { HrTime } from './span-slice.ts';

/** The end of year 9999. Later ISO dates need a sign, which APIs do not accept. */
const MAX_SECONDS = 253_402_300_799;

/** Returns seconds with fractions; undefined if the value is not a time. */
export function secondsOf(time: HrTime | undefined): number | undefined {
  if (!Array.isArray(time)) return undefined;
  const seconds = Number(time[0]) + Number(time[1]) / 1e9;
  return Number.isFinite(seconds) ? seconds : undefined;
}

/** Returns whole Unix milliseconds; undefined if the value is not a date between 1970 and 9999. */
export function millisOf(time: HrTime | undefined): number | undefined {
  const seconds = secondsOf(time);
  if (seconds === undefined || seconds < 0 || seconds > MAX_SECONDS) return undefined;
  return Math.floor(time![0] * 1e3 + time![1] / 1e6);
}
