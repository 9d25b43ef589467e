/** Spans may name any others as their parents, and in `tracestate`: also those that hang below them, over several roots. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SpanSlice } from '../../../src/otel/span-slice.ts';
import { makeSpan } from '../../conventions/span.ts';
import { KilledServer } from './kill-server.ts';
import { spanIdOf } from './planned-trace.ts';

const TRACE = 'a'.repeat(32);
const KINDS = {
  agent: { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'helper' },
  chat: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' },
  http: { 'http.request.method': 'POST' },
};

interface Named {
  readonly parent?: number | undefined;
  readonly upstream?: number | undefined;
  readonly isRemote?: boolean;
  readonly kind?: keyof typeof KINDS;
}

function toSpan({ parent, upstream, isRemote = false, kind = 'agent' }: Named, index: number): SpanSlice {
  const context = { traceId: TRACE, spanId: spanIdOf(index), traceFlags: 1 };
  const traceState = upstream === undefined ? undefined : { get: () => spanIdOf(upstream) };
  const span = makeSpan(KINDS[kind], {
    ...{ traceId: TRACE, spanId: spanIdOf(index), startTime: [1_700_000_000, 0] },
    ...(parent !== undefined && { parentSpanId: spanIdOf(parent), parentIsRemote: isRemote }),
  });
  return { ...span, spanContext: () => ({ ...context, ...(traceState && { traceState }) }) } as unknown as SpanSlice;
}

/** Each log by its span's index: what it names as its parent, and what it is linked to. */
async function treeOf(requests: readonly (readonly SpanSlice[])[]): Promise<unknown> {
  const server = await KilledServer.start({});
  try {
    for (const request of requests) expect(await server.take(request)).toEqual({ rejected: 0 });
    await server.logs();
    return server.query(`SELECT substr(logs.reference_id, -4) AS log, substr(logs.parent_reference_id, -4) AS named,
      substr(parents.reference_id, -4) AS linked FROM logs LEFT JOIN logs AS parents ON parents.key = logs.parent_key
      ORDER BY logs.reference_id`);
  } finally {
    await server.close();
  }
}

const few = fc.integer({ min: 0, max: 5 });
const plans = fc.record({
  spans: fc.array(
    fc.record({
      parent: fc.option(few, { nil: undefined, freq: 2 }),
      upstream: fc.option(few, { nil: undefined, freq: 2 }),
      isRemote: fc.boolean(),
      kind: fc.constantFrom(...(Object.keys(KINDS) as (keyof typeof KINDS)[])),
    }),
    { minLength: 2, maxLength: 6 },
  ),
  order: fc.array(fc.nat(), { minLength: 6, maxLength: 6 }),
});

test('where spans name each other in a circle, it is cut at the same place, whatever order they come in', {
  timeout: 120_000,
}, async () => {
  const property = fc.asyncProperty(plans, async ({ spans: named, order }) => {
    const spans = named.map(toSpan);
    const inOrder = spans.map((span, index) => [order[index]!, span] as const).sort(([a], [b]) => a - b);
    expect(await treeOf(inOrder.map(([, span]) => [span]))).toEqual(await treeOf([spans]));
  });
  await fc.assert(property, {
    numRuns: 60,
    examples: [
      // Two roots, and three.
      [{ spans: [{ upstream: 1 }, { upstream: 0 }] as never, order: [0, 1, 2, 3, 4, 5] }],
      [{ spans: [{ upstream: 1 }, { upstream: 2 }, { upstream: 0 }] as never, order: [0, 1, 2, 3, 4, 5] }],
      // What is named hangs below; two roots that each name what is below the other.
      [{ spans: [{ upstream: 1 }, { parent: 0 }] as never, order: [0, 1, 2, 3, 4, 5] }],
      [{ spans: [{ upstream: 3 }, { parent: 0 }, { upstream: 1 }, { parent: 2 }] as never, order: [5, 4, 3, 2, 1, 0] }],
      // A parent that comes last takes one of them out of the circle.
      [{ spans: [{ upstream: 1 }, { upstream: 0, parent: 2 }, {}] as never, order: [0, 1, 2, 3, 4, 5] }],
      // Circles of parents.
      [{ spans: [{ parent: 1 }, { parent: 0 }] as never, order: [0, 1, 2, 3, 4, 5] }],
      [{ spans: [{ parent: 1 }, { parent: 2 }, { parent: 0 }] as never, order: [0, 1, 2, 3, 4, 5] }],
    ],
  });
});
