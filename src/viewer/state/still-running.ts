/** Tells running logs from abandoned ones. Pure. */

/** A process that died leaves its logs without an end. After so long without a change they count as abandoned. */
const STALE_MILLIS = 3_600_000;

/**
 * The one rule for sessions and turns. The server counts every log without duration, output and error as running,
 * however old it is; whether that can still be true depends on the time at which the page is looked at.
 *
 * @param running how many logs have no end.
 * @param lastChangeMillis when the session last changed, or when a log of the turn last began or ended; since 1970.
 */
export function isStillRunning(running: number, lastChangeMillis: number, nowMillis: number): boolean {
  return running > 0 && nowMillis - lastChangeMillis < STALE_MILLIS;
}
