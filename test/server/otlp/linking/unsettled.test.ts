import { expect, test } from 'vitest';
import { findUnsettled } from '../../../../src/server/otlp/linking/deciding/unsettled.ts';
import type { Arrival } from '../../../../src/server/otlp/linking/skeletons/arrival.ts';
import { summarise } from '../../../../src/server/otlp/linking/skeletons/summarise.ts';
import { Tree } from '../../../../src/server/otlp/linking/skeletons/tree.ts';
import { toEnd } from '../../../../src/server/store/steps.ts';
import { makeSpan } from '../../../conventions/span.ts';

const DEPTH = 2_000;
const idOf = (place: number) => (place + 1).toString(16).padStart(16, '0');

/** A call of a model, below the one before it. */
function call(place: number): Arrival {
  const span = makeSpan({}, { spanId: idOf(place) });
  return {
    ...{ spanId: idOf(place), parentId: place > 0 ? idOf(place - 1) : undefined, isRemoteParent: false },
    ...{ upstreamId: undefined, startMillis: 1_000, session: undefined, user: undefined, tags: undefined },
    log: {
      ...{ span, kind: 'model', reading: {}, summary: toEnd(summarise(span, 'model', {})), settings: {} as never },
      names: { reporter: idOf(1), callId: undefined, question: idOf(2) },
    },
  };
}

test('all calls below a span that has come again are found in as many steps, however deep they are', () => {
  const tree = new Tree();
  for (let place = 0; place < DEPTH; place++) tree.add(call(place));
  let steps = 0;
  const { above, below } = tree;
  tree.above = (node) => {
    steps += 1;
    return above.call(tree, node);
  };
  tree.below = (node) => {
    steps += 1;
    return below.call(tree, node);
  };
  const repeated = new Set([idOf(0), idOf(5)]);
  const { alone, joined } = findUnsettled(tree, { affected: [], changed: new Map(), repeated, joined: new Set() });
  // The two are compared as what has come.
  expect(alone.map(({ spanId }) => spanId)).toEqual(
    Array.from({ length: DEPTH }, (_, place) => idOf(place)).filter((spanId) => !repeated.has(spanId)),
  );
  expect(joined.size).toBe(0);
  expect(steps).toBeLessThan(2 * DEPTH);
});
