import fc from 'fast-check';
import { expect, test } from 'vitest';
import { paceAt } from '../../../../src/server/store/sqlite/index/index-pace.ts';

const GIVES_WAY = { sliceMillis: 16, breakFactor: 12, wordsFactor: 11, isUrgent: false };
const HAS_HALF = { sliceMillis: 40, breakFactor: 1, wordsFactor: 0, isUrgent: true };

test('the index gives way while it is nearly up to date, and has half of the time when it is late', () => {
  expect(paceAt(0, false)).toMatchObject({ ...GIVES_WAY, isLate: false });
  expect(paceAt(1_000, false)).toMatchObject({ ...GIVES_WAY, isLate: false });
  expect(paceAt(3_000, false)).toMatchObject({ ...HAS_HALF, isLate: true });
  expect(paceAt(3_600_000, false)).toMatchObject({ ...HAS_HALF, isLate: true });
});

test('a peak goes first, and a flood without an end does not starve the index', () => {
  expect(paceAt(0, true)).toMatchObject({ ...GIVES_WAY, isLate: false });
  expect(paceAt(2_000, true)).toMatchObject({ ...GIVES_WAY, isLate: true });
  expect(paceAt(4_000, true)).toMatchObject({ ...HAS_HALF, isLate: true });
  expect(paceAt(3_600_000, true)).toMatchObject({ ...HAS_HALF, isLate: true });
});

test('reading is a part of the break, and needs one itself in a peak, until the index is late', () => {
  expect(paceAt(0, false).readFactor).toBe(-1);
  expect(paceAt(3_600_000, false).readFactor).toBe(-1);
  expect(paceAt(0, true).readFactor).toBe(12);
  expect(paceAt(5_000, true).readFactor).toBe(-1);
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

test('where the thread is saturated, the index never has more than where it is not', () => {
  fc.assert(
    fc.property(fc.nat(40_000), (millis) => {
      const [saturated, spare] = [paceAt(millis, true), paceAt(millis, false)];
      expect(saturated.sliceMillis).toBeLessThanOrEqual(spare.sliceMillis);
      expect(saturated.breakFactor).toBeGreaterThanOrEqual(spare.breakFactor);
      expect(saturated.readFactor).toBeGreaterThanOrEqual(spare.readFactor);
      expect(saturated.isLate).toBe(spare.isLate);
      expect(saturated.isUrgent && !spare.isUrgent).toBe(false);
    }),
  );
});
