/** Whether logs without an end are still being worked on. Pure. */

/** A process that died leaves its logs without an end: after so long without a sign of life nobody works on them. */
const STALE_MILLIS = 3_600_000;

/**
 * One rule for a session and for a turn. The server counts a log without duration, output and error as running, however
 * old it is; only the page has a clock to look at.
 *
 * @param running how many logs have no end.
 * @param lastSignMillis when the session last changed, or the last log of the turn began or ended; since 1970.
 */
export function isStillRunning(running: number, lastSignMillis: number, nowMillis: number): boolean {
  return running > 0 && nowMillis - lastSignMillis < STALE_MILLIS;
}
