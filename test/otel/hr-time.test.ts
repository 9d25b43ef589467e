import { expect, it } from 'vitest';
import { millisOf, secondsOf } from '../../src/otel/hr-time.ts';

it('reads a clock', () => {
  expect(secondsOf([1, 500_000_000])).toBe(1.5);
  expect(millisOf([1_767_322_447, 6_900_000])).toBe(1_767_322_447_006);
});

it.each([[undefined], [null], [[Number.NaN, 0]], [['a', 0]], [{}]])('does not take %j for a time', (time) => {
  expect(secondsOf(time as never)).toBeUndefined();
  expect(millisOf(time as never)).toBeUndefined();
});

it('takes dates from 1970 to 9999 only', () => {
  expect(millisOf([-1, 0])).toBeUndefined();
  expect(millisOf([0, 0])).toBe(0);
  expect(millisOf([253_402_300_800, 0])).toBeUndefined();
});
