import { expect, test } from 'vitest';
import { Tree } from '../../../../src/server/otlp/linking/skeletons/tree.ts';
import { TreeMemo } from '../../../../src/server/otlp/linking/skeletons/tree-memo.ts';
import { toEnd } from '../../../../src/server/store/steps.ts';

test('a tree that is put back by two writes, of which one has lost its lock, takes the room of one', () => {
  const tree = new Tree();
  for (let index = 0; index < 1_000; index++) tree.await(index.toString(16).padStart(16, '0'));
  const parts = [Buffer.from('part')];
  const memo = new TreeMemo();
  // Together more than the memo has room for.
  for (let count = 0; count < 60; count++) memo.put('trace', parts, undefined, tree);
  expect(toEnd(memo.take('trace', parts))).toBe(tree);
});
