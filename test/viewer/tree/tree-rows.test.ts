import { expect, test } from 'vitest';
import type { SessionLog } from '../../../src/server/store/viewer-store.ts';
import { buildTree } from '../../../src/viewer/tree/log-tree.ts';
import { moveInTree, toRows } from '../../../src/viewer/tree/tree-rows.ts';

function log(key: number, trace: string, parent?: number): SessionLog {
  const at = new Date(key * 1000).toISOString();
  return {
    key,
    id: `data_${key}`,
    project: 'p',
    trace,
    created_at: at,
    updated_at: at,
    ...(parent !== undefined && { parent }),
  };
}

const tree = buildTree([log(1, 'a'), log(2, 'a', 1), log(3, 'a', 2), log(4, 'b')], {});
const NONE = new Set<string>();
const ids = (collapsed: ReadonlySet<string>) => toRows(tree, collapsed).map(({ id }) => id);

test('rows are turns and their logs; what is below a closed one is not there', () => {
  expect(ids(NONE)).toEqual(['turn a', 'data_1', 'data_2', 'data_3', 'turn b', 'data_4']);
  expect(ids(new Set(['data_2']))).toEqual(['turn a', 'data_1', 'data_2', 'turn b', 'data_4']);
  expect(ids(new Set(['turn a']))).toEqual(['turn a', 'turn b', 'data_4']);
});

test('up, down, home and end go through the rows and stop at the ends', () => {
  const rows = toRows(tree, NONE);
  expect(moveInTree(rows, NONE, undefined, 'ArrowDown')).toEqual({ select: 'turn a' });
  expect(moveInTree(rows, NONE, 'data_3', 'ArrowDown')).toEqual({ select: 'turn b' });
  expect(moveInTree(rows, NONE, 'data_3', 'ArrowUp')).toEqual({ select: 'data_2' });
  expect(moveInTree(rows, NONE, 'turn a', 'ArrowUp')).toBeUndefined();
  expect(moveInTree(rows, NONE, 'turn a', 'End')).toEqual({ select: 'data_4' });
  expect(moveInTree(rows, NONE, 'data_4', 'ArrowDown')).toBeUndefined();
  expect(moveInTree(rows, NONE, 'data_4', 'Home')).toEqual({ select: 'turn a' });
});

test('right opens, then goes down; left closes, then goes up', () => {
  const closed = new Set(['data_2']);
  expect(moveInTree(toRows(tree, closed), closed, 'data_2', 'ArrowRight')).toEqual({ open: 'data_2' });
  const rows = toRows(tree, NONE);
  expect(moveInTree(rows, NONE, 'data_2', 'ArrowRight')).toEqual({ select: 'data_3' });
  expect(moveInTree(rows, NONE, 'data_3', 'ArrowRight')).toBeUndefined();
  expect(moveInTree(rows, NONE, 'data_2', 'ArrowLeft')).toEqual({ close: 'data_2' });
  expect(moveInTree(rows, NONE, 'data_3', 'ArrowLeft')).toEqual({ select: 'data_2' });
  expect(moveInTree(rows, NONE, 'data_4', 'ArrowLeft')).toEqual({ select: 'turn b' });
  expect(moveInTree(rows, NONE, 'turn b', 'ArrowLeft')).toEqual({ close: 'turn b' });
});

test("other keys are not the tree's", () => {
  expect(moveInTree(toRows(tree, NONE), NONE, 'data_1', 'a')).toBeUndefined();
});
