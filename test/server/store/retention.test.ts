import { expect, onTestFinished, test, vi } from 'vitest';
import { startRetention } from '../../../src/server/store/retention.ts';
import type { PruneBounds, Store } from '../../../src/server/store/store.ts';

test('a size that takes long to measure is measured rarely, and what is too old goes in time', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const counts = { byAge: 0, bySize: 0 };
  let isLarge = true;
  const prune = async ({ maxBytes }: PruneBounds) => {
    counts[maxBytes === undefined ? 'byAge' : 'bySize'] += 1;
    if (maxBytes === undefined) return { logs: 0, sessions: 0 };
    await new Promise((resolve) => setTimeout(resolve, 30_000));
    return isLarge ? { logs: 2, sessions: 1 } : { logs: 0, sessions: 0 };
  };
  const retention = startRetention({ prune } as unknown as Store, {
    ...{ keepMillis: 3_600_000, maxSizeBytes: 1_000, onPrune: () => {} },
    onError: (error) => {
      throw error;
    },
  });
  onTestFinished(() => retention.close());
  await vi.advanceTimersByTimeAsync(3_600_000);
  // While there is something to delete, the next pause is as short as ever.
  expect(counts.bySize).toBeGreaterThan(85);
  isLarge = false;
  await vi.advanceTimersByTimeAsync(60_000);
  Object.assign(counts, { byAge: 0, bySize: 0 });
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(counts.bySize).toBeLessThanOrEqual(6);
  expect(counts.byAge).toBeGreaterThan(330);
});
