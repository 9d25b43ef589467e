/** Which traces are active, also while they are looked through. */
import { expect, test } from 'vitest';
import { ActiveTraces } from '../../src/trace/active-traces.ts';
import { createTrace } from '../../src/trace/span-node.ts';

test('they are given oldest first, without those that are deleted meanwhile', () => {
  const active = new ActiveTraces();
  for (const traceId of ['a', 'b', 'c', 'd']) active.add(createTrace(traceId));
  active.delete('a');
  active.delete('unknown');
  const seen: string[] = [];
  for (const { traceId } of active) {
    seen.push(traceId);
    active.delete(traceId);
    active.delete('c');
  }
  expect(seen).toEqual(['b', 'd']);
  expect(active.get('b')).toBeUndefined();
});

test('one that comes again is the newest', () => {
  const active = new ActiveTraces();
  for (const traceId of ['a', 'b']) active.add(createTrace(traceId));
  active.delete('a');
  active.add(createTrace('a'));
  expect([...active].map(({ traceId }) => traceId)).toEqual(['b', 'a']);
});
