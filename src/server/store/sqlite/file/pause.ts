/** Waits between two slices of a long work. */

/** Resolves after the time, by the clock that timers go by, also where that is faked. */
export function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
