import fc from 'fast-check';
import { expect, test } from 'vitest';
import { paceAt } from '../../../../src/server/store/sqlite/index-pace.ts';

test('the index gives way while it is nearly up to date, and has half of the time when it is late', () => {
  const prompt = { sliceMillis: 16, breakFactor: 12, isLate: false };
  expect(paceAt(0)).toEqual(prompt);
  expect(paceAt(1_000)).toEqual(prompt);
  const late = { sliceMillis: 40, breakFactor: 1, isLate: true };
  expect(paceAt(3_000)).toEqual(late);
  expect(paceAt(3_600_000)).toEqual(late);
});

test('the later it is, the more it has, and no request waits for more than 50 ms of it', () => {
  fc.assert(
    fc.property(fc.nat(5_000), fc.nat(5_000), (first, second) => {
      const [earlier, later] = [paceAt(Math.min(first, second)), paceAt(Math.max(first, second))];
      expect(later.sliceMillis).toBeGreaterThanOrEqual(earlier.sliceMillis);
      expect(later.breakFactor).toBeLessThanOrEqual(earlier.breakFactor);
      expect(later.sliceMillis).toBeLessThanOrEqual(50);
    }),
  );
});
