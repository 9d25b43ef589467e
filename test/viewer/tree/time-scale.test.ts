import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toBar, toScale, toTicks } from '../../../src/viewer/tree/time-scale.ts';

test('a bar is at its place in the turn', () => {
  const scale = toScale(100, 110);
  expect(toBar(scale, 100, 110)).toEqual({ left: 0, width: 100 });
  expect(toBar(scale, 102, 107)).toEqual({ left: 20, width: 50 });
});

test('a bar stays inside the scale, whatever the clocks say', () => {
  const time = fc.double({ noNaN: true, min: -1e12, max: 1e12 });
  fc.assert(
    fc.property(time, time, time, time, (start, end, from, to) => {
      const { left, width } = toBar(toScale(start, end), from, to);
      expect(left).toBeGreaterThanOrEqual(0);
      expect(width).toBeGreaterThanOrEqual(0);
      expect(left + width).toBeLessThanOrEqual(100.001);
    }),
  );
});

test('ticks are round, from 0 on, and few', () => {
  expect(toTicks(toScale(0, 10), 4)).toEqual([0, 5]);
  expect(toTicks(toScale(0, 0.9), 5)).toEqual([0, 0.2, 0.4, 0.6000000000000001, 0.8]);
  expect(toTicks(toScale(5, 5), 4).length).toBeLessThanOrEqual(5);
  expect(toTicks(toScale(0, 3600), 4)).toEqual([0, 1000, 2000, 3000]);
});
