import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SessionLog } from '../../../src/server/store/viewer-store.ts';
import { buildTree, descend, type LogNode } from '../../../src/viewer/tree/log-tree.ts';
import { MOST_RATIO, ratioOf } from '../../support/effort.ts';

function log(key: number, fields: Partial<SessionLog> = {}): SessionLog {
  const at = new Date(Date.UTC(2026, 0, 1) + key * 1000).toISOString();
  return { key, id: `data_${key}`, project: 'p', trace: 't', created_at: at, updated_at: at, duration: 1, ...fields };
}

function shape(nodes: readonly LogNode[]): unknown[] {
  return nodes.map((node) => (node.children.length > 0 ? [node.log.key, shape(node.children)] : node.log.key));
}

test('children stand below their parents, in the order of their start', () => {
  const later = log(9).created_at;
  const tree = buildTree(
    [log(3, { parent: 1 }), log(2, { parent: 1, created_at: later }), log(1), log(4, { parent: 3 })],
    {},
  );
  expect(tree.turns.map(({ roots }) => shape(roots))).toEqual([[[1, [[3, [4]], 2]]]]);
  expect([...descend(tree.turns[0]!.roots)].map(({ depth }) => depth)).toEqual([0, 1, 2, 1]);
});

test('each trace is a turn, in the order of its start; a log without one is its own', () => {
  const tree = buildTree(
    [log(5, { trace: 'b' }), log(1, { trace: 'a' }), log(2, { trace: 'b' }), { ...log(3), trace: undefined! }],
    {},
  );
  expect(tree.turns.map(({ id, roots }) => [id, shape(roots)])).toEqual([
    ['a', [1]],
    ['b', [2, 5]],
    ['data_3', [3]],
  ]);
});

test('a log whose parent is not here is at the top, and says why', () => {
  const { byId } = buildTree([log(1, { missing_parent: 'gone' }), log(2, { parent: 77 }), log(3)], {});
  expect(byId.get('data_1')).toMatchObject({ depth: 0, note: 'missing parent' });
  expect(byId.get('data_2')).toMatchObject({ depth: 0, note: 'parent elsewhere' });
  expect(byId.get('data_3')?.note).toBeUndefined();
});

test('a cycle is cut at the log that started first, and everything in and below it is shown', () => {
  const tree = buildTree(
    [log(2, { parent: 4 }), log(3, { parent: 2 }), log(4, { parent: 3 }), log(5, { parent: 4 }), log(6, { parent: 6 })],
    {},
  );
  expect(shape(tree.turns[0]!.roots)).toEqual([[2, [[3, [[4, [5]]]]]], 6]);
  expect(tree.byId.get('data_2')!.note).toBe('cycle');
  expect(tree.byId.get('data_6')!.note).toBe('cycle');
  expect(tree.byId.get('data_4')!.note).toBeUndefined();
});

test('tokens, cost, errors, work and time are summed at every level; unknown is not 0', () => {
  const { turns, byId } = buildTree(
    [
      log(1, { duration: 9 }),
      log(2, { parent: 1, prompt_tokens: 10, output_tokens: 1, cost: 0.5, duration: 2 }),
      log(3, { parent: 1, prompt_tokens: 5, error: 'no', duration: 20 }),
      log(4, { parent: 3, duration: 3 }),
    ],
    {},
  );
  expect(byId.get('data_1')!.sums).toEqual({
    logs: 4,
    errors: 1,
    running: 0,
    seconds: 5,
    promptTokens: 15,
    outputTokens: 1,
    cost: 0.5,
  });
  expect(byId.get('data_4')!.sums).toEqual({ logs: 1, errors: 0, running: 0, seconds: 3 });
  expect(turns[0]!.sums).toEqual(byId.get('data_1')!.sums);
  // The one that failed has outlived its parent.
  expect(turns[0]!.end - turns[0]!.start).toBe(22);
});

test('a log at work has no end', () => {
  const { duration: _none, ...open } = log(1, { running: true });
  const node = buildTree([open], {}).byId.get('data_1')!;
  expect(node.ownEnd).toBeUndefined();
  expect(node.sums.running).toBe(1);
});

test('a log is named by its config', () => {
  const configs = { 7: { type: 'model', name: 'gpt-4o', model: 'gpt-4o' } };
  const { byId } = buildTree([log(1, { config: 7 }), log(2, { config: 8 }), log(3)], configs);
  expect([1, 2, 3].map((key) => byId.get(`data_${key}`)!.label.name)).toEqual(['gpt-4o', 'log', 'log']);
});

test('whatever the parents are, every log is shown exactly once', () => {
  const parents = fc.array(fc.option(fc.nat(30), { nil: undefined }), { maxLength: 30 });
  fc.assert(
    fc.property(parents, (given) => {
      const logs = given.map((parent, key) => log(key, parent === undefined ? {} : { parent }));
      const tree = buildTree(logs, {});
      const shown = tree.turns.flatMap(({ roots }) => [...descend(roots)]);
      expect(shown.map(({ log: { key } }) => key).sort((a, b) => a - b)).toEqual(logs.map(({ key }) => key));
      expect(tree.turns.reduce((sum, { sums }) => sum + sums.logs, 0)).toBe(logs.length);
      for (const node of shown) expect(node.depth).toBe(node.parent ? node.parent.depth + 1 : 0);
    }),
  );
});

test('100,000 logs below each other take no stack, and time in proportion to their number', async () => {
  const chain = (length: number) => {
    const logs = Array.from({ length }, (_, key) => log(key, key > 0 ? { parent: key - 1 } : {}));
    return () => expect(buildTree(logs, {}).turns[0]!.sums.logs).toBe(length);
  };
  const ratio = await ratioOf(chain(25_000), chain(100_000));
  expect(ratio).toBeLessThan(MOST_RATIO);
});
