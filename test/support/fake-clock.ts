import { onTestFinished, vi } from 'vitest';

/** Stops clocks and timers until a test advances them; sockets and immediates stay real. */
export function fakeClock(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
}

/** Advances the time in steps; the server can answer after each step. */
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
