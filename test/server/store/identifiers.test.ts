import { expect, test } from 'vitest';
import { newIdentifier } from '../../../src/server/store/identifiers.ts';

test('ids of one moment differ, and those of a later one sort behind them', () => {
  const times = [0, 61, 62, Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1) + 1, Date.UTC(2081, 0, 1)];
  const ids = times.map((time) => newIdentifier('data', time));
  for (const id of ids) expect(id).toMatch(/^data_[0-9A-Za-z]{21}$/);
  // SQLite compares by the bytes as well.
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(Array.from({ length: 10_000 }, () => newIdentifier('data', 1))).size).toBe(10_000);
});
