import { onTestFinished, vi } from 'vitest';

/** Clocks and timers stand still until they are told to go on; sockets and immediates stay real. */
export function fakeClock(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
}
