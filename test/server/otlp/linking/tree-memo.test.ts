import { expect, onTestFinished, test, vi } from 'vitest';
import { Tree } from '../../../../src/server/otlp/linking/skeletons/tree.ts';
import { TreeMemo } from '../../../../src/server/otlp/linking/skeletons/tree-memo.ts';
import { toEnd } from '../../../../src/server/store/steps.ts';

const parts = [Buffer.from('part')];

function largeTree(): Tree {
  const tree = new Tree();
  for (let index = 0; index < 1_000; index++) tree.await(index.toString(16).padStart(16, '0'));
  return tree;
}

test('a tree that is put back by two writes, of which one has lost its lock, takes the room of one', () => {
  const tree = largeTree();
  const memo = new TreeMemo();
  // Together more than the memo has room for.
  for (let count = 0; count < 60; count++) memo.put('trace', parts, undefined, tree);
  expect(toEnd(memo.take('trace', parts))).toBe(tree);
});

test('a tree is kept while its trace goes on, and let go half a minute after its last use', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const [busy, quiet] = [largeTree(), largeTree()];
  const memo = new TreeMemo();
  memo.put('busy', parts, undefined, busy);
  memo.put('quiet', parts, undefined, quiet);
  vi.advanceTimersByTime(20_000);
  memo.put('busy', parts, undefined, toEnd(memo.take('busy', parts)));
  vi.advanceTimersByTime(20_000);
  expect(toEnd(memo.take('busy', parts))).toBe(busy);
  expect(toEnd(memo.take('quiet', parts))).not.toBe(quiet);
});
