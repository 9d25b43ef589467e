import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Reading } from '../../../../src/conventions/convention.ts';
import { CallsAlike } from '../../../../src/server/otlp/linking/deciding/calls-alike.ts';
import type { Arrival } from '../../../../src/server/otlp/linking/skeletons/arrival.ts';
import type { Skeleton } from '../../../../src/server/otlp/linking/skeletons/skeleton.ts';
import { summarise, toCallSpan } from '../../../../src/server/otlp/linking/skeletons/summarise.ts';
import { Tree } from '../../../../src/server/otlp/linking/skeletons/tree.ts';
import { toEnd } from '../../../../src/server/store/steps.ts';
import { findDuplicates } from '../../../../src/trace/same-call/find-duplicates.ts';
import { makeSpan } from '../../../conventions/span.ts';

const ALIKE: Reading = { messages: [{ role: 'user', content: 'why?' }], output: 'because' };

function call(
  id: number,
  scope: string,
  startSeconds: number,
  { seconds = 1, reading = ALIKE }: { seconds?: number; reading?: Reading } = {},
): Arrival {
  const spanId = id.toString(16).padStart(16, '0');
  const span = makeSpan({}, { spanId, startTime: [startSeconds, 0], endTime: [startSeconds + seconds, 0], scope });
  return {
    ...{ spanId, parentId: undefined, isRemoteParent: false, upstreamId: undefined, startMillis: startSeconds * 1_000 },
    ...{ session: undefined, user: undefined, tags: undefined },
    log: {
      ...{ span, kind: 'model', reading, summary: toEnd(summarise(span, 'model', reading)) },
      ...{ settings: {} as never, names: undefined },
    },
  };
}

function likeTheLast(calls: readonly Arrival[]): Set<string> {
  const tree = new Tree();
  const nodes = calls.map((each) => tree.add(each)!);
  return new Set([...new CallsAlike(tree).take(nodes.at(-1)!)].map(({ spanId }) => spanId.replace(/^0+/, '')));
}

test('calls of one instrumentation are not compared', () => {
  expect(likeTheLast([call(1, 'a', 10), call(2, 'a', 10)])).toEqual(new Set());
});

test('calls of several are compared with those of about the same time', () => {
  expect(likeTheLast([call(1, 'a', 10), call(2, 'a', 20), call(3, 'b', 20)])).toEqual(new Set(['2', '3']));
});

test('two calls that are the same are always looked at together', () => {
  const facts = fc.record({
    ...{ callId: fc.constantFrom(undefined, 'r1', 'r2'), output: fc.constantFrom(undefined, 'so', 'because') },
    ...{ question: fc.constantFrom(undefined, 'why?', 'how?'), scope: fc.constantFrom('a', 'b') },
    ...{ start: fc.constantFrom(10, 11, 12, 20), seconds: fc.constantFrom(1, 5) },
  });
  let pairCount = 0;
  const property = fc.property(fc.array(facts, { minLength: 2, maxLength: 12 }), (calls) => {
    const tree = new Tree();
    const nodes = calls.map(({ callId, output, question, scope, start, seconds }, id) => {
      const messages = question === undefined ? [] : [{ role: 'user' as const, content: question }];
      return tree.add(call(id, scope, start, { seconds, reading: { callId, output, messages } as Reading }))!;
    });
    const callSpans = new Map(nodes.map((node) => [toCallSpan(node, node.own!, undefined), node] as const));
    for (const { kept, duplicate } of toEnd(findDuplicates([...callSpans.keys()]))) {
      pairCount += 1;
      expect(allLike(tree, callSpans.get(kept)!)).toContain(callSpans.get(duplicate));
      expect(allLike(tree, callSpans.get(duplicate)!)).toContain(callSpans.get(kept));
    }
  });
  fc.assert(property);
  expect(pairCount).toBeGreaterThan(50);
});

/** All that have to be looked at with a call. */
function allLike(tree: Tree, first: Skeleton): ReadonlySet<Skeleton> {
  const alike = new CallsAlike(tree);
  const found = new Set([first]);
  for (const node of found) for (const other of alike.take(node)) found.add(other);
  return found;
}
