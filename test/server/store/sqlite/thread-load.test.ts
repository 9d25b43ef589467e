import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createThreadLoad } from '../../../../src/server/store/sqlite/index/thread-load.ts';

/** A thread on which all that it does is said. */
function watchedThread() {
  const times = { idle: 5_000, active: 70_000 };
  const load = createThreadLoad(() => ({ ...times }));
  return {
    load,
    write: (millis: number) => {
      times.active += millis;
    },
    index: (millis: number) => {
      times.active += millis;
      load.addIndexing(millis);
    },
    wait: (millis: number) => {
      times.idle += millis;
    },
  };
}

test('a thread that has hardly been idle for a second is saturated, until it has been idle again', () => {
  const { load, write, wait } = watchedThread();
  expect(load.isSaturated()).toBe(false);
  write(600);
  expect(load.isSaturated()).toBe(false);
  write(600);
  expect(load.isSaturated()).toBe(true);
  write(500);
  wait(400);
  expect(load.isSaturated()).toBe(true);
  wait(200);
  expect(load.isSaturated()).toBe(false);
});

test('what the index takes does not count: nine tenths of the rest tell', () => {
  fc.assert(
    fc.property(fc.nat(900), fc.constantFrom(0, 5, 9, 11, 50, 100), (indexMillis, idlePercent) => {
      const { load, write, index, wait } = watchedThread();
      const othersMillis = 1_000 - indexMillis;
      index(100 * indexMillis);
      wait(othersMillis * idlePercent);
      write(othersMillis * (100 - idlePercent));
      expect(load.isSaturated()).toBe(idlePercent < 10);
    }),
  );
});

test('a time that is left out counts neither as idle nor as work', () => {
  const { load, write, wait } = watchedThread();
  const end = load.leaveOut();
  wait(800);
  write(100);
  end();
  write(900);
  wait(50);
  expect(load.isSaturated()).toBe(false);
  write(100);
  expect(load.isSaturated()).toBe(true);
  // As long as it goes on, nothing new is known.
  const endNext = load.leaveOut();
  wait(900);
  write(200);
  expect(load.isSaturated()).toBe(true);
  wait(5_000);
  endNext();
  write(890);
  wait(90);
  expect(load.isSaturated()).toBe(true);
  wait(30);
  expect(load.isSaturated()).toBe(false);
});

test('a time of which all counts is work, unless it is left out as well', () => {
  const { load, write, wait } = watchedThread();
  const end = load.countAll();
  wait(900);
  const endOfLeaving = load.leaveOut();
  wait(5_000);
  end();
  wait(5_000);
  endOfLeaving();
  write(50);
  wait(60);
  expect(load.isSaturated()).toBe(true);
  wait(950);
  load.countAll()();
  wait(60);
  expect(load.isSaturated()).toBe(false);
});

test('each second is judged by itself', () => {
  const { load, write, index, wait } = watchedThread();
  index(950);
  wait(60);
  expect(load.isSaturated()).toBe(false);
  write(950);
  wait(60);
  expect(load.isSaturated()).toBe(true);
});

test('a thread whose runtime does not count its times has time to spare', () => {
  const load = createThreadLoad(() => ({ idle: 0, active: 0 }));
  expect(load.isSaturated()).toBe(false);
});

test.each<[string, () => unknown]>([
  ['returns nothing', () => undefined],
  [
    'throws',
    () => {
      throw new Error('not implemented');
    },
  ],
])('a thread whose runtime %s for its times has time to spare', (_, read) => {
  const spy = vi.spyOn(performance, 'eventLoopUtilization').mockImplementation(read as never);
  onTestFinished(() => spy.mockRestore());
  const load = createThreadLoad();
  load.addIndexing(10);
  expect(load.isSaturated()).toBe(false);
  expect(spy).toHaveBeenCalled();
});

test('this thread is saturated while it works without a break, and not while it waits', async () => {
  const load = createThreadLoad();
  const end = performance.now() + 1_100;
  while (performance.now() < end) await nextTurn();
  expect(load.isSaturated()).toBe(true);
  await sleep(1_100);
  expect(load.isSaturated()).toBe(false);
});
