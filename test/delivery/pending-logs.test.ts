/** The list of pending logs: its order, and that it does not keep what has left it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MutableEntry } from '../../src/delivery/ledger/mutable-entry.ts';
import { PendingLogs } from '../../src/delivery/ledger/pending-logs.ts';

test('it has what was added and not removed, in the order in which that came, whatever is done', () => {
  const steps = fc.array(fc.record({ index: fc.nat(9), isAdded: fc.boolean() }), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (all) => {
      const entries = Array.from({ length: 10 }, (_, index) => new MutableEntry(`log ${index}`, undefined, []));
      const pending = new PendingLogs();
      const expected = new Set<MutableEntry>();
      for (const { index, isAdded } of all) {
        const entry = entries[index] as MutableEntry;
        if (isAdded) pending.add(entry);
        else pending.remove(entry);
        if (isAdded) expected.add(entry);
        else expected.delete(entry);
        expect([...pending].map(({ referenceId }) => referenceId)).toEqual([...expected].map((e) => e.referenceId));
        expect(pending.size).toBe(expected.size);
      }
    }),
  );
});

test('a log that has left it leads to no other one', () => {
  const pending = new PendingLogs();
  const entries = Array.from({ length: 3 }, (_, index) => new MutableEntry(`log ${index}`, undefined, []));
  for (const entry of entries) pending.add(entry);
  const [, middle] = entries;
  pending.remove(middle as MutableEntry);
  expect([middle?.previous, middle?.next]).toEqual([undefined, undefined]);
});
