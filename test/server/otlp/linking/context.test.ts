/** Of a request that is written in parts, the first part finds the context that the last one makes sure of. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decideContext, findContext } from '../../../../src/server/otlp/linking/deciding/context.ts';
import type { Arrival, Arrivals } from '../../../../src/server/otlp/linking/skeletons/arrival.ts';
import { Tree } from '../../../../src/server/otlp/linking/skeletons/tree.ts';

const TRACE = 'trace';
const hex = (number: number) => number.toString(16).padStart(16, '0');
const few = (...values: string[]) => fc.constantFrom(undefined, ...values);

/** Each has no parent, itself, one of those before it, or one that never comes. */
const spans: fc.Arbitrary<Arrival[]> = fc
  .array(
    fc.record({
      parent: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined }),
      startMillis: fc.integer({ min: 0, max: 5 }),
      session: few('a', 'b', 'c'),
      user: few('a', 'b'),
      tags: fc.option(fc.array(fc.constantFrom('a', 'b'), { maxLength: 2 }), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 10 },
  )
  .map((planned) =>
    planned.map(({ parent, ...names }, index) => ({
      ...{ ...names, spanId: hex(index), isRemoteParent: false, upstreamId: undefined, log: undefined },
      parentId: parent === undefined ? undefined : hex(parent > index ? 99 : parent),
    })),
  );
const ranks = fc.array(fc.nat(99), { minLength: 10, maxLength: 10 });
const cuts = fc.tuple(fc.nat(10), fc.nat(10));

function decide(tree: Tree, arrivals: Partial<Arrivals>) {
  const steps = decideContext(TRACE, tree, { spans: [], events: [], judgements: [], ...arrivals });
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

test('what the first part finds holds when all have come', () => {
  const property = fc.property(spans, ranks, cuts, (planned, ranksOf, [from, to]) => {
    const rankOf = ({ spanId }: Arrival) => ranksOf[Number.parseInt(spanId, 16)]!;
    const inOrder = [...planned].sort((first, second) => rankOf(first) - rankOf(second));
    const [known, ofRequest] = [inOrder.slice(0, from), inOrder.slice(from)];
    const first = ofRequest.slice(0, 1 + to);
    const tree = new Tree();
    for (const span of [...known, ...first]) tree.add(span);
    const foreseen = decide(tree, { spans: first, ofRequest, isContinued: true });
    for (const span of ofRequest) tree.add(span);
    expect(foreseen).toEqual(findContext(TRACE, tree));
    expect(decide(tree, { spans: ofRequest.slice(1 + to).concat(first) })).toEqual(foreseen);
  });
  fc.assert(property, { numRuns: 2_000 });
});

test('parts between the first and the last leave it as it is, and so does what has no spans', () => {
  const tree = new Tree();
  const root: Arrival = {
    ...{ spanId: hex(1), parentId: undefined, isRemoteParent: false, upstreamId: undefined, startMillis: 1 },
    ...{ session: 'a', user: undefined, tags: undefined, log: undefined },
  };
  const found = { session: 'a', user: undefined, tags: undefined };
  tree.add(root);
  expect(decide(tree, {})).toEqual(found);
  const written = { session: 'b', user: 'ann', tags: ['x'] };
  tree.commit(written);
  expect(decide(tree, { spans: [root], isContinued: true })).toEqual(written);
  expect(decide(tree, {})).toEqual(written);
  expect(decide(tree, { spans: [root] })).toEqual(found);
});
