/**
 * Lets the process end before the timer fires. Where tests or Electron have put a browser's timers in the place of Node's,
 * a timer is a number, and keeps nothing alive.
 */
export function unref(timer: NodeJS.Timeout): void {
  (timer as Partial<NodeJS.Timeout>).unref?.();
}

/** Whether timers are a browser's, here and now. */
export function hasNumberTimers(): boolean {
  const timer: unknown = setTimeout(() => undefined, 0);
  clearTimeout(timer as NodeJS.Timeout);
  return typeof timer === 'number';
}
