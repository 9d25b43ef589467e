import { expect, test } from 'vitest';
import { RememberedReferences } from '../../../../src/server/store/postgres/tables/remembered-references.ts';

const KEPT = 25_000;

test('the last references are remembered, of those before them no more than as many, and none that is long', () => {
  const remembered = new RememberedReferences();
  for (let count = 0; count < 5 * KEPT; count += 1) {
    remembered.set(`r${count}`, `id ${count}`);
    const isNearTurn = (count + 2) % KEPT < 4;
    if (!isNearTurn && count % 499 !== 0) continue;
    if (count >= KEPT) expect(remembered.get(`r${count - KEPT + 1}`)).toBe(`id ${count - KEPT + 1}`);
    if (count >= 2 * KEPT) expect(remembered.get(`r${count - 2 * KEPT}`)).toBeUndefined();
  }
  remembered.set('r'.repeat(10_000), 'id');
  expect(remembered.get('r'.repeat(10_000))).toBeUndefined();
});

test('a reference that leads to another log, or to none, leads there only', () => {
  const remembered = new RememberedReferences();
  for (const wasLongAgo of [false, true]) {
    for (const id of ['second', undefined]) {
      remembered.set('r', 'first');
      if (wasLongAgo) for (let count = 0; count < KEPT; count += 1) remembered.set(`r${count}`, 'id');
      expect(remembered.get('r')).toBe('first');
      remembered.set('r', id);
      expect(remembered.get('r')).toBe(id);
    }
  }
});
