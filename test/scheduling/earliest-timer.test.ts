import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { EarliestTimer } from '../../src/scheduling/earliest-timer.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

const DAY_MILLIS = 86_400_000;

it('fires once, at the earliest time that was asked for', () => {
  const firedAtMillis: number[] = [];
  const timer = new EarliestTimer(() => firedAtMillis.push(performance.now()));
  const now = performance.now();
  timer.fireAt(now + 300);
  timer.fireAt(now + 100);
  timer.fireAt(now + 200);
  expect(timer.isSet).toBe(true);
  vi.advanceTimersByTime(1_000);
  expect(firedAtMillis).toEqual([now + 100]);
  expect(timer.isSet).toBe(false);
});

it('can be set again from what it fires, and for a time that is over', () => {
  const firedAtMillis: number[] = [];
  const start = performance.now();
  const timer = new EarliestTimer(() => {
    firedAtMillis.push(performance.now());
    if (firedAtMillis.length < 3) timer.fireAt(start - 5);
  });
  timer.fireAt(start + 10);
  vi.advanceTimersByTime(10);
  vi.advanceTimersByTime(2);
  expect(firedAtMillis).toHaveLength(3);
});

it('does not fire once it is cleared, and can be set for later then', () => {
  let fired = 0;
  const timer = new EarliestTimer(() => fired++);
  timer.fireAt(performance.now() + 10);
  timer.clear();
  timer.fireAt(performance.now() + 50);
  vi.advanceTimersByTime(49);
  expect(fired).toBe(0);
  vi.advanceTimersByTime(1);
  expect(fired).toBe(1);
});

it('takes a time that is further off than a timer can wait', () => {
  let fired = 0;
  const timer = new EarliestTimer(() => fired++);
  timer.fireAt(performance.now() + 100 * DAY_MILLIS);
  vi.advanceTimersByTime(DAY_MILLIS);
  expect(fired).toBe(0);
});
