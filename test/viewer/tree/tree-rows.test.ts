import { expect, test } from 'vitest';
import type { SessionLog } from '../../../src/server/store/viewer-store.ts';
import { buildTree } from '../../../src/viewer/tree/log-tree.ts';
import { failedOf, moveInTree, nextOf, slowestFirst, toRows } from '../../../src/viewer/tree/tree-rows.ts';

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

const tree = buildTree([log(1, 'a'), log(2, 'a', 1), log(3, 'a', 2), log(4, 'b'), log(5, 'b', 4)], {});
const NONE = new Set<string>();
const ids = (collapsed: ReadonlySet<string>) => toRows(tree, collapsed).map(({ id }) => id);

test('rows are turns and their logs; what is below a closed one is not there', () => {
  expect(ids(NONE)).toEqual(['turn a', 'data_1', 'data_2', 'data_3', 'turn b', 'data_4', 'data_5']);
  expect(ids(new Set(['data_2']))).toEqual(['turn a', 'data_1', 'data_2', 'turn b', 'data_4', 'data_5']);
  expect(ids(new Set(['turn a']))).toEqual(['turn a', 'turn b', 'data_4', 'data_5']);
});

test('up, down, home and end go through the rows and stop at the ends', () => {
  const rows = toRows(tree, NONE);
  expect(moveInTree(rows, NONE, undefined, 'ArrowDown')).toEqual({ select: 'turn a' });
  expect(moveInTree(rows, NONE, 'data_3', 'ArrowDown')).toEqual({ select: 'turn b' });
  expect(moveInTree(rows, NONE, 'data_3', 'ArrowUp')).toEqual({ select: 'data_2' });
  expect(moveInTree(rows, NONE, 'turn a', 'ArrowUp')).toBeUndefined();
  expect(moveInTree(rows, NONE, 'turn a', 'End')).toEqual({ select: 'data_5' });
  expect(moveInTree(rows, NONE, 'data_5', 'ArrowDown')).toBeUndefined();
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
  expect(moveInTree(rows, NONE, 'data_5', 'ArrowLeft')).toEqual({ select: 'data_4' });
  expect(moveInTree(rows, new Set(['data_4']), 'data_4', 'ArrowLeft')).toEqual({ select: 'turn b' });
  expect(moveInTree(rows, NONE, 'turn b', 'ArrowLeft')).toEqual({ close: 'turn b' });
});

test("other keys are not the tree's", () => {
  expect(moveInTree(toRows(tree, NONE), NONE, 'data_1', 'a')).toBeUndefined();
});

test('a turn of one log is one row, which has the number of the turn', () => {
  const turns = buildTree([log(1, 'a'), log(2, 'b'), log(3, 'b', 2)], {});
  const rows = toRows(turns, NONE);
  expect(rows.map(({ id }) => id)).toEqual(['data_1', 'turn b', 'data_2', 'data_3']);
  expect(rows[0]).toMatchObject({ kind: 'log', number: 1 });
  expect(moveInTree(rows, NONE, 'data_1', 'ArrowLeft')).toBeUndefined();
  expect(moveInTree(rows, NONE, 'data_1', 'ArrowRight')).toBeUndefined();
});

test('with a type only its logs are there, whatever is closed, below the turns that have any', () => {
  const typed = buildTree(
    [
      { ...log(1, 'a'), config: 1 },
      { ...log(2, 'a', 1), config: 2 },
      { ...log(3, 'b'), config: 1 },
    ],
    { 1: { type: 'agent', name: 'x' }, 2: { type: 'tool', name: 'y' } },
  );
  const closed = new Set(['data_1', 'turn a']);
  expect(toRows(typed, closed, 'tool').map(({ id }) => id)).toEqual(['turn a', 'data_2']);
  expect(toRows(typed, closed, 'agent').map(({ id }) => id)).toEqual(['turn a', 'data_1', 'data_3']);
  expect(toRows(typed, closed, 'model')).toEqual([]);
});

test('the slowest are the innermost logs, errors come in the order of the tree, and both begin again', () => {
  const logs = [
    { ...log(1, 'a'), duration: 99, error: 'x' },
    { ...log(2, 'a', 1), duration: 3 },
    { ...log(3, 'a', 1), duration: 42, error: 'y' },
    log(4, 'a', 1),
  ];
  const some = buildTree(logs, {});
  const keys = (nodes: readonly { log: SessionLog }[]) => nodes.map((node) => node.log.key);
  expect(keys(slowestFirst(some))).toEqual([3, 2]);
  expect(keys(failedOf(some))).toEqual([1, 3]);
  const next = (current?: string) => nextOf(failedOf(some), current)?.log.key;
  expect([next(), next('data_1'), next('data_3'), next('data_2')]).toEqual([1, 3, 1, 1]);
  expect(nextOf([], undefined)).toBeUndefined();
});
