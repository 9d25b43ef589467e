import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createPauses, nextHeavyTurn, overtake } from '../../../src/server/store/heavy-turns.ts';

/** Works without a pause. */
function work(millis: number): void {
  for (const end = performance.now() + millis; performance.now() < end; );
}

test('of the heavy steps of many requests, one runs in each turn of the event loop, in their order', async () => {
  const steps: string[] = [];
  let turn = 0;
  const byTurn = new Map<number, number>();
  let isDone = false;
  const count = () => {
    turn += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  const request = async (name: string) => {
    for (const step of ['read', 'convert', 'write']) {
      await nextHeavyTurn();
      byTurn.set(turn, (byTurn.get(turn) ?? 0) + 1);
      steps.push(`${step} ${name}`);
      work(5);
    }
  };
  await Promise.all(['a', 'b', 'c', 'd'].map(request));
  isDone = true;
  expect([...byTurn.values()]).toEqual(Array(12).fill(1));
  expect(steps.slice(0, 5)).toEqual(['read a', 'read b', 'read c', 'read d', 'convert a']);
});

test('turns of writes overtake, but never twice in a row', async () => {
  const steps: string[] = [];
  const reads = [1, 2, 3].map(async (number) => {
    await nextHeavyTurn();
    steps.push(`read ${number}`);
  });
  for (const number of [1, 2, 3]) overtake(() => steps.push(`write ${number}`));
  await Promise.all(reads);
  expect(steps).toEqual(['write 1', 'read 1', 'write 2', 'read 2', 'write 3', 'read 3']);
});

test('timers run between heavy steps', async () => {
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
  }, 1);
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      await nextHeavyTurn();
      work(5);
    }),
  );
  clearInterval(timer);
  expect(ticks).toBeGreaterThanOrEqual(8);
});

test('work gives way after ten milliseconds, and not for less', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const pause = createPauses();
  let hasOtherRun = false;
  setImmediate(() => {
    hasOtherRun = true;
  });
  vi.advanceTimersByTime(9);
  await pause();
  expect(hasOtherRun).toBe(false);
  vi.advanceTimersByTime(1);
  await pause();
  expect(hasOtherRun).toBe(true);
  await delay(0);
});
