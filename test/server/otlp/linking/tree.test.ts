import { expect, test } from 'vitest';
import type { Reading } from '../../../../src/conventions/convention.ts';
import type { Arrival } from '../../../../src/server/otlp/linking/arrival.ts';
import { summarise } from '../../../../src/server/otlp/linking/summarise.ts';
import { Tree } from '../../../../src/server/otlp/linking/tree.ts';
import { makeSpan } from '../../../conventions/span.ts';

/** A call with the same question and answer as all others here. */
function call(id: number, scope: string, startSeconds: number): Arrival {
  const spanId = id.toString(16).padStart(16, '0');
  const span = makeSpan({}, { spanId, startTime: [startSeconds, 0], endTime: [startSeconds + 1, 0], scope });
  const reading: Reading = { messages: [{ role: 'user', content: 'why?' }], output: 'because' };
  return {
    ...{ spanId, parentId: undefined, isRemoteParent: false, upstreamId: undefined, startMillis: startSeconds * 1_000 },
    ...{ session: undefined, user: undefined, tags: undefined },
    log: {
      ...{ span, kind: 'model', reading, summary: summarise(span, 'model', reading) },
      ...{ settings: {} as never, names: undefined },
    },
  };
}

function likeTheLast(calls: readonly Arrival[]): Set<string> {
  const tree = new Tree([]);
  const nodes = calls.map((each) => tree.add(each)!);
  return new Set([...tree.callsLike(nodes.at(-1)!)].map(({ spanId }) => spanId.replace(/^0+/, '')));
}

test('calls of one instrumentation are not compared', () => {
  expect(likeTheLast([call(1, 'a', 10), call(2, 'a', 10)])).toEqual(new Set());
});

test('calls of several are compared with those of about the same time', () => {
  expect(likeTheLast([call(1, 'a', 10), call(2, 'a', 20), call(3, 'b', 20)])).toEqual(new Set(['2', '3']));
});
