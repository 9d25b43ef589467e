import { expect, test } from 'vitest';
import type { LogKind } from '../../../../src/conventions/convention.ts';
import { decideOutcomes } from '../../../../src/server/otlp/linking/outcomes.ts';
import { summarise } from '../../../../src/server/otlp/linking/skeletons/summarise.ts';
import { Tree } from '../../../../src/server/otlp/linking/skeletons/tree.ts';
import { toEnd } from '../../../../src/server/store/steps.ts';
import { makeSpan } from '../../../conventions/span.ts';

const [DEPTH, NEWS] = [2_000, 200];
const idOf = (place: number) => (place + 1).toString(16).padStart(16, '0');

/** One below the other. What is written of each is what one look at all of them decides. */
function chainOf(kindOf: (place: number) => LogKind | undefined): Tree {
  const tree = new Tree();
  for (let place = 0; place < DEPTH; place++) {
    const span = makeSpan({}, { spanId: idOf(place), scope: `scope ${place % 2}` });
    const kind = kindOf(place);
    const reading = kind === 'model' ? { model: 'gpt-4o', promptTokens: place } : {};
    tree.add({
      ...{ spanId: idOf(place), parentId: place > 0 ? idOf(place - 1) : undefined, isRemoteParent: false },
      ...{ upstreamId: undefined, startMillis: place, session: undefined, user: undefined, tags: undefined },
      log: kind && {
        ...{
          span,
          kind,
          reading,
          summary: toEnd(summarise(span, kind, reading)),
          settings: {} as never,
          names: undefined,
        },
      },
    });
  }
  const { changed } = toEnd(decideOutcomes(tree, [idOf(0)], new Set()));
  for (const [spanId, written] of changed) tree.change(spanId, { written });
  return tree;
}

test.each<[string, (place: number) => LogKind | undefined]>([
  ['agents that name no model', () => 'agent'],
  ['agents with a call below all of them', (place) => (place < DEPTH - 1 ? 'agent' : 'model')],
  ['tools', () => 'tool'],
  ['calls', () => 'model'],
  ['calls in a chain of spans that are no logs', (place) => (place % 100 === 99 ? 'model' : undefined)],
  ['agents and calls in turn', (place) => (place % 2 === 0 ? 'agent' : 'model')],
])('%s, deep in a trace: each span above is looked at a few times, and not once for each that comes', (_, kindOf) => {
  const tree = chainOf(kindOf);
  let steps = 0;
  for (const name of ['above', 'below'] as const) {
    const look = tree[name] as (node: never) => unknown;
    Object.assign(tree, {
      [name]: (node: never) => {
        steps += 1;
        return look.call(tree, node);
      },
    });
  }
  const news = Array.from({ length: NEWS }, (_each, index) => idOf(DEPTH - 1 - index));
  expect(toEnd(decideOutcomes(tree, news, new Set())).changed.size).toBe(0);
  expect(steps).toBeLessThan(20 * DEPTH);
});
