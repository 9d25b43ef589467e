import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Backoff, type Failure } from '../../src/delivery/backoff.ts';

const RETRY = { minDelayMillis: 500, maxDelayMillis: 30_000, maxElapsedMillis: 600_000 };

/** Allows for rounding, since the times are far from zero. */
const ROUNDING = 1e-6;

function failure(nowMillis: number, scope: Failure['scope'], retryAfterMillis?: number): Failure {
  return { startedAtMillis: nowMillis, nowMillis, retryAfterMillis, scope, method: 'POST' };
}

test('a single failure causes no pause, three in a row do', () => {
  const backoff = new Backoff(RETRY);
  for (let time = 0; time < 10; time++) {
    backoff.failed(failure(time, 'request'));
    backoff.failed(failure(time, 'request'));
    backoff.succeeded('POST', time);
  }
  expect(backoff.isDown).toBe(false);
  for (let time = 10; time < 13; time++) backoff.failed(failure(time, 'request'));
  expect(backoff.isDown).toBe(true);
  expect(backoff.resumeAtMillis).toBeGreaterThanOrEqual(12 + RETRY.minDelayMillis);
});

test('each pause lies between the shortest delay and a bound that doubles up to the longest', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 0.999_999, noNaN: true }), { minLength: 1, maxLength: 20 }),
      (dice) => {
        const rolls = [...dice];
        const backoff = new Backoff(RETRY, () => rolls.shift() ?? 0);
        let now = 1_000;
        for (let pause = 1; pause <= dice.length; pause++) {
          backoff.failed(failure(now, 'server'));
          const delay = backoff.resumeAtMillis - now;
          expect(delay).toBeGreaterThanOrEqual(RETRY.minDelayMillis - ROUNDING);
          expect(delay).toBeLessThanOrEqual(
            Math.min(RETRY.maxDelayMillis, RETRY.minDelayMillis * 2 ** pause) + ROUNDING,
          );
          now = backoff.resumeAtMillis;
        }
      },
    ),
  );
});

test('pauses are spread over the whole range, so that a fleet does not return at the same moment', () => {
  const delays = [0, 0.5, 0.999].map((roll) => {
    const backoff = new Backoff(RETRY, () => roll);
    for (let pause = 0; pause < 10; pause++) backoff.failed(failure(pause * 100_000, 'server'));
    return backoff.resumeAtMillis - 900_000;
  });
  expect(delays).toEqual([500, 15_250, expect.closeTo(29_970, -1)]);
});

test('requests that were in flight together count as one pause', () => {
  const backoff = new Backoff(RETRY, () => 0.999_999);
  for (let request = 0; request < 8; request++) {
    backoff.failed({
      startedAtMillis: 0,
      nowMillis: 100 + request,
      retryAfterMillis: undefined,
      scope: 'server',
      method: 'POST',
    });
  }
  expect(backoff.resumeAtMillis - 107).toBeLessThanOrEqual(2 * RETRY.minDelayMillis);
});

test('Retry-After overrides a shorter delay, but not a longer one', () => {
  const backoff = new Backoff(RETRY, () => 0);
  backoff.failed(failure(0, 'request', 120_000));
  expect(backoff.resumeAtMillis).toBe(120_000);
  const eager = new Backoff(RETRY, () => 0);
  eager.failed(failure(0, 'server', 1));
  expect(eager.resumeAtMillis).toBe(RETRY.minDelayMillis);
});

test('a wrong key is tried at growing intervals, up to a minute', () => {
  const backoff = new Backoff(RETRY, () => 0);
  const delays: number[] = [];
  for (let now = 0; delays.length < 12; now = backoff.resumeAtMillis) {
    backoff.failed(failure(now, 'configuration'));
    delays.push(backoff.resumeAtMillis - now);
  }
  expect(delays.slice(0, 3)).toEqual([1_000, 2_000, 4_000]);
  expect(delays.at(-1)).toBe(60_000);
});

test('a success ends the pause', () => {
  const backoff = new Backoff(RETRY);
  backoff.failed(failure(0, 'server', 60_000));
  backoff.succeeded('POST', 1);
  expect([backoff.isDown, backoff.resumeAtMillis]).toEqual([false, 0]);
});

test('a success that was sent before the pause does not end it', () => {
  const backoff = new Backoff(RETRY);
  backoff.failed(failure(100, 'server', 60_000));
  backoff.succeeded('POST', 99);
  expect([backoff.isDown, backoff.resumeAtMillis]).toEqual([true, 60_100]);
});

test('if one method fails and the other succeeds, requests of the failing one go alone, after growing pauses', () => {
  const backoff = new Backoff(RETRY, () => 0.999_999);
  const delays: number[] = [];
  for (let now = 0; delays.length < 10; now = backoff.resumeAtMillis + 1) {
    backoff.failed(failure(now, 'server'));
    delays.push(backoff.resumeAtMillis - now);
    expect([backoff.isAlone('POST'), backoff.isAlone('PATCH')]).toEqual([true, true]);
    backoff.succeeded('PATCH', backoff.resumeAtMillis);
    expect([backoff.isAlone('POST'), backoff.isAlone('PATCH')]).toEqual([true, false]);
  }
  expect(delays[0]).toBeLessThan(1_001);
  expect(delays.at(-1)).toBeGreaterThan(29_000);
  backoff.succeeded('POST', backoff.resumeAtMillis);
  expect(backoff.isDown).toBe(false);
});
