import fc from 'fast-check';
import { expect, test } from 'vitest';
import { paceAt } from '../../../../src/server/store/sqlite/index/index-pace.ts';

const GIVES_WAY = { sliceMillis: 16, breakFactor: 12, wordsFactor: 11, isUrgent: false };
const HAS_HALF = { sliceMillis: 40, breakFactor: 1, wordsFactor: 0, isUrgent: true };

test('the index gives way while it is nearly up to date, and has half of the time when it is late', () => {
  for (const isSaturated of [false, true]) {
    expect(paceAt(0, isSaturated)).toMatchObject({ ...GIVES_WAY, isLate: false });
    expect(paceAt(1_000, isSaturated)).toMatchObject({ ...GIVES_WAY, isLate: false });
    expect(paceAt(2_500, isSaturated)).toMatchObject({ ...HAS_HALF, isLate: true });
    expect(paceAt(3_600_000, isSaturated)).toMatchObject({ ...HAS_HALF, isLate: true });
  }
});

test('reading is a part of the break, and needs one itself in a peak, until the index is late', () => {
  expect(paceAt(0, false).readFactor).toBe(-1);
  expect(paceAt(3_600_000, false).readFactor).toBe(-1);
  expect(paceAt(0, true).readFactor).toBe(12);
  expect(paceAt(2_500, true).readFactor).toBe(-1);
});

test('the later it is, the more it has, and no request waits for more than 50 ms of it', () => {
  fc.assert(
    fc.property(fc.nat(40_000), fc.nat(40_000), fc.boolean(), (first, second, isSaturated) => {
      const [earlier, later] = [Math.min(first, second), Math.max(first, second)].map((millis) =>
        paceAt(millis, isSaturated),
      );
      expect(later!.sliceMillis).toBeGreaterThanOrEqual(earlier!.sliceMillis);
      expect(later!.breakFactor).toBeLessThanOrEqual(earlier!.breakFactor);
      expect(later!.sliceMillis).toBeLessThanOrEqual(50);
    }),
  );
});

test('where the thread is saturated, the index reads less until it is late, and writes as it does elsewhere', () => {
  fc.assert(
    fc.property(fc.nat(40_000), (millis) => {
      const { readFactor, ...saturated } = paceAt(millis, true);
      const { readFactor: spareFactor, ...spare } = paceAt(millis, false);
      expect(saturated).toEqual(spare);
      expect(readFactor).toBeGreaterThanOrEqual(spareFactor);
    }),
  );
});
