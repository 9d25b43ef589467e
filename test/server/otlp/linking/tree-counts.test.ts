/** What a tree counts as its spans change is what a look at all of them says. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findContext } from '../../../../src/server/otlp/linking/deciding/context.ts';
import type { Arrival } from '../../../../src/server/otlp/linking/skeletons/arrival.ts';
import type { Skeleton } from '../../../../src/server/otlp/linking/skeletons/skeleton.ts';
import { encodePart } from '../../../../src/server/otlp/linking/skeletons/trace-part.ts';
import { MAX_SKELETONS, Tree } from '../../../../src/server/otlp/linking/skeletons/tree.ts';
import { toEnd } from '../../../../src/server/store/steps.ts';

const hex = (number: number) => number.toString(16).padStart(16, '0');
const spanId = fc.integer({ min: 1, max: 6 }).map(hex);
const few = (...values: string[]) => fc.constantFrom(undefined, ...values);
const arrival: fc.Arbitrary<Arrival> = fc.record({
  spanId,
  parentId: fc.option(spanId, { nil: undefined }),
  isRemoteParent: fc.boolean(),
  upstreamId: fc.option(spanId, { nil: undefined }),
  startMillis: fc.integer({ min: 0, max: 3 }),
  session: few('a', 'b', ''),
  user: few('a', '["a"]'),
  tags: fc.option(fc.array(fc.constantFrom('a', 'b', 'a","b'), { maxLength: 2 }), { nil: undefined }),
  log: fc.constant(undefined),
});
const NOTHING = { session: undefined, user: undefined, tags: undefined };

type Step =
  | { readonly kind: 'add'; readonly arrival: Arrival }
  | { readonly kind: 'await' | 'cut'; readonly spanId: string }
  | { readonly kind: 'commit' | 'undo' | 'read parts' | 'read one part' };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('add' as const), arrival }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('await' as const, 'cut' as const), spanId }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('commit' as const, 'undo' as const, 'read parts' as const, 'read one part' as const),
    }),
  },
);

/** The same, from all spans. */
function lookAtAll(tree: Tree) {
  const nodes = [...tree.nodes];
  const find = <Name extends 'session' | 'user' | 'tags'>(field: Name) => {
    const naming = nodes.filter((node) => node[field] !== undefined);
    const byStart = (first: Skeleton, second: Skeleton) =>
      first.startMillis - second.startMillis || (first.spanId < second.spanId ? -1 : 1);
    const roots = naming.filter((node) => !tree.above(node)).sort(byStart);
    const others = naming.filter((node) => tree.above(node)).sort(byStart);
    return (roots.at(-1) ?? others[0])?.[field];
  };
  const upstreams = new Set(nodes.flatMap(({ upstreamId }) => upstreamId ?? []));
  return {
    context: { session: find('session') ?? 'trace', user: find('user'), tags: find('tags') },
    upstreams: [...upstreams].sort(),
  };
}

function counted(tree: Tree) {
  const upstreams = Array.from({ length: 6 }, (_, index) => hex(index + 1)).filter((id) => tree.isUpstream(id));
  expect(tree.hasUpstreams).toBe(upstreams.length > 0);
  return { context: findContext('trace', tree), upstreams };
}

function take(tree: Tree, parts: Uint8Array[], step: Step): Tree {
  if (step.kind === 'add') tree.add(step.arrival);
  else if (step.kind === 'await' && !tree.get(step.spanId)) tree.await(step.spanId);
  else if (step.kind === 'cut') tree.cutCircles([step.spanId]);
  else if (step.kind === 'undo') tree.undo();
  else {
    if (tree.changed.length > 0) parts.push(toEnd(encodePart({ context: NOTHING, skeletons: tree.changed })));
    if (step.kind === 'read one part')
      parts.splice(0, parts.length, toEnd(encodePart({ context: NOTHING, skeletons: tree.nodes })));
    tree.commit(NOTHING);
    return step.kind === 'commit' ? tree : toEnd(Tree.read(parts));
  }
  return tree;
}

test('spans that come, come again, say something else, are taken back, and are read from parts', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const parts: Uint8Array[] = [];
      let tree = new Tree();
      for (const each of steps) {
        tree = take(tree, parts, each);
        expect(counted(tree)).toEqual(lookAtAll(tree));
      }
    }),
    { numRuns: 300 },
  );
});

test.each(['undone', 'kept'])('spans that are forgotten, which is %s', (end) => {
  const tree = new Tree();
  const add = (number: number, more: Partial<Skeleton>) =>
    tree.add({
      ...{
        spanId: hex(number),
        parentId: undefined,
        isRemoteParent: false,
        upstreamId: undefined,
        startMillis: number,
      },
      ...{ ...NOTHING, log: undefined, ...more },
    });
  for (let number = 1; number <= MAX_SKELETONS; number++) add(number, { session: number < 500 ? 'first' : 'last' });
  add(1, { session: 'first', user: 'user', upstreamId: hex(2) });
  tree.commit(NOTHING);
  const before = counted(tree);
  expect(before.upstreams).toEqual([hex(2)]);
  add(MAX_SKELETONS + 1, { tags: ['tag'] });
  expect(tree.forgetSurplus()).toBe(true);
  const after = counted(tree);
  expect(after).toEqual(lookAtAll(tree));
  expect(after).toEqual({ context: { session: 'last', user: undefined, tags: ['tag'] }, upstreams: [] });
  expect(tree.named.isDisputed('session')).toBe(false);
  if (end === 'undone') tree.undo();
  expect(counted(tree)).toEqual(end === 'undone' ? before : after);
});
