import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { HumanloopError } from '../../src/errors.ts';
import { Deadline, keepingAlive } from '../../src/scheduling/deadline.ts';

beforeEach(
  () =>
    void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] }),
);
afterEach(() => void vi.useRealTimers());

const later = <Value>(value: Value, millis: number) =>
  new Promise<Value>((resolve) => setTimeout(resolve, millis, value));

it('gives what the work gives, and leaves no timer', async () => {
  const deadline = new Deadline(100);
  const result = deadline.within(later('done', 50), 'too slow');
  await vi.advanceTimersByTimeAsync(50);
  expect(await result).toBe('done');
  await expect(deadline.within(Promise.reject(new TypeError('broken')), 'too slow')).rejects.toThrow(TypeError);
  expect(vi.getTimerCount()).toBe(0);
});

it('bounds several waits by one moment', async () => {
  const deadline = new Deadline(100);
  const first = deadline.within(later(1, 60), 'first');
  await vi.advanceTimersByTimeAsync(60);
  expect(await first).toBe(1);
  expect(deadline.leftMillis).toBeCloseTo(40, 0);
  const second = deadline.within(later(2, 60), 'second').catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(40);
  expect(await second).toEqual(new HumanloopError('second'));
});

it('asks what to say only when the time is over', async () => {
  let left = 2;
  const late = new Deadline(100).within(new Promise(() => undefined), () => `${left} left`).catch((error) => error);
  left = 1;
  await vi.advanceTimersByTimeAsync(100);
  expect(await late).toEqual(new HumanloopError('1 left'));
});

it('is over at once where no time is left', async () => {
  const deadline = new Deadline(-1);
  const late = deadline.within(new Promise(() => undefined), 'over').catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(1);
  expect(await late).toBeInstanceOf(HumanloopError);
});

it('holds the process by a timer for as long as the work lasts', async () => {
  const work = keepingAlive(later('done', 10));
  expect(vi.getTimerCount()).toBe(2);
  await vi.advanceTimersByTimeAsync(10);
  expect(await work).toBe('done');
  await expect(keepingAlive(Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(vi.getTimerCount()).toBe(0);
});
