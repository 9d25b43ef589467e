import { onTestFinished, vi } from 'vitest';

/** Clocks and timers stand still until they are told to go on; sockets and immediates stay real. */
export function fakeClock(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
}

/** Lets time go by in steps, in each of which the server gets the time to answer. */
export async function passTime(
  millis: number,
  app: { stats: { inFlight: number } },
  stepMillis = 1_000,
): Promise<void> {
  for (let passed = 0; passed < millis; passed += stepMillis) {
    await vi.advanceTimersByTimeAsync(stepMillis);
    do await new Promise(setImmediate);
    while (app.stats.inFlight > 0);
  }
}
