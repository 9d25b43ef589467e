/** What the intake notes, when it passes it on, and when it asks for work, on a fake clock. */
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { SpanSlice } from '../../src/otel/span-slice.ts';
import { ENDED, Intake, type IntakeOptions } from '../../src/pipeline/intake.ts';
import { makeSpan } from '../conventions/span.ts';

const LOOK_MILLIS = 15;
const MANY_NOTES = 500;
const MAX_NOTES = 4_096;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

function start(options: Partial<IntakeOptions> = {}) {
  const followed: [SpanSlice, unknown][] = [];
  const onGathered = vi.fn();
  const intake = new Intake({
    gathers: true,
    follow({ spans, events }) {
      for (let at = 0; at < spans.length; at++) followed.push([spans[at] as SpanSlice, events[at]]);
    },
    onGathered,
    ...options,
  });
  return { intake, followed, onGathered };
}

const one = makeSpan({ name: 'one' });
const two = makeSpan({ name: 'two' });

test('starts and ends are passed on in their order, once, and only when somebody asks', () => {
  const { intake, followed } = start();
  intake.start(one, ROOT_CONTEXT);
  intake.start(two, undefined);
  intake.end(one);
  expect(followed).toEqual([]);
  intake.catchUp();
  expect(followed).toEqual([
    [one, ROOT_CONTEXT],
    [two, undefined],
    [one, ENDED],
  ]);
  intake.catchUp();
  intake.end(two);
  intake.catchUp();
  expect(followed.slice(3)).toEqual([[two, ENDED]]);
});

test('a span that starts while others are followed comes after them, and nothing is followed twice', () => {
  const followed: unknown[] = [];
  const { intake } = start({
    follow({ spans, events }) {
      for (let at = 0; at < spans.length; at++) {
        followed.push([spans[at], events[at]]);
        // An app's hook that is traced itself, and asks for numbers.
        if (at === 0) intake.start(two, undefined);
        intake.catchUp();
      }
    },
  });
  intake.start(one, undefined);
  intake.end(one);
  intake.catchUp();
  expect(followed).toEqual([
    [one, undefined],
    [one, ENDED],
    [two, undefined],
  ]);
});

test('the work begins when nothing has come between two looks', () => {
  const { intake, onGathered } = start();
  intake.start(one, undefined);
  intake.end(one);
  expect(intake.isQuiet).toBe(false);
  vi.advanceTimersByTime(LOOK_MILLIS);
  expect([onGathered.mock.calls.length, intake.isQuiet]).toEqual([0, false]);
  vi.advanceTimersByTime(LOOK_MILLIS);
  expect([onGathered.mock.calls.length, intake.isQuiet]).toEqual([1, true]);
  vi.advanceTimersByTime(10 * LOOK_MILLIS);
  expect([onGathered.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0]);
  intake.start(two, undefined);
  expect(intake.isQuiet).toBe(false);
});

test('the work begins after a while even if more comes all the while, and the app is not quiet then', () => {
  const { intake, onGathered } = start();
  for (let millis = 0; millis <= 105; millis += 5) {
    intake.start(one, undefined);
    vi.advanceTimersByTime(5);
  }
  expect([onGathered.mock.calls.length, intake.isQuiet]).toEqual([1, false]);
});

test('the work begins in the next turn if much has come, and memory is bounded without a turn', () => {
  const { intake, followed, onGathered } = start();
  for (let count = 1; count < MANY_NOTES; count++) intake.start(one, undefined);
  expect(onGathered).not.toHaveBeenCalled();
  intake.end(one);
  expect(onGathered).toHaveBeenCalledTimes(1);
  for (let count = MANY_NOTES + 1; count < MAX_NOTES; count++) intake.end(one);
  expect(followed).toHaveLength(0);
  intake.start(two, undefined);
  expect(followed).toHaveLength(MAX_NOTES);
  expect(followed.at(-1)).toEqual([two, undefined]);
});

test('with a spool the work begins in the turn after each end', () => {
  const { intake, onGathered } = start({ gathers: false });
  intake.start(one, undefined);
  expect(onGathered).not.toHaveBeenCalled();
  intake.end(one);
  expect(onGathered).toHaveBeenCalledTimes(1);
});

test('a closed intake has no timer', () => {
  const { intake } = start();
  intake.end(one);
  intake.close();
  expect(vi.getTimerCount()).toBe(0);
});
