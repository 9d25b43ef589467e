import { expect, test, vi } from 'vitest';
import { forEachSpan } from '../../src/pipeline/for-each-span.ts';
import { createNode } from '../../src/trace/create-node.ts';
import { createTrace, type SpanNode } from '../../src/trace/span-node.ts';

/** Nodes of these estimated sizes; that of an open span is not known. */
function nodesOf(...sizes: (number | undefined)[]): SpanNode[] {
  const trace = createTrace('trace');
  return sizes.map((bytes, index) => {
    const node = createNode(trace, `span-${index}`, bytes === undefined ? 'open' : 'due', undefined);
    node.estimatedBytes = bytes ?? 0;
    return node;
  });
}

/** Returns the spans whose steps ran before the first yield, between two, and after the last. */
function slicesOf(nodes: readonly SpanNode[], bytesPerYield?: number): string[][] {
  const slices: string[][] = [[]];
  const step = ({ spanId }: SpanNode) => slices.at(-1)!.push(spanId);
  for (const _ of forEachSpan(nodes, step, undefined, bytesPerYield) ?? []) slices.push([]);
  return slices;
}

test('runs the step for each span once, in their order, and yields where it has worked on enough', () => {
  expect(slicesOf([])).toEqual([[]]);
  expect(slicesOf(nodesOf(1_000, 1_000, 1_000))).toEqual([['span-0', 'span-1', 'span-2']]);
  expect(slicesOf(nodesOf(20_000, 20_000, 40_000, 1_000))).toEqual([['span-0', 'span-1'], ['span-2'], ['span-3']]);
});

test('an open span may be large, so that a yield follows it', () => {
  expect(slicesOf(nodesOf(undefined, 1_000))).toEqual([['span-0'], ['span-1']]);
});

test('yields after the last span, too, so that the next pass over a large one has a turn of its own', () => {
  expect(slicesOf(nodesOf(40_000))).toEqual([['span-0'], []]);
  expect(slicesOf(nodesOf(1_000, 20_000, 20_000))).toEqual([['span-0', 'span-1', 'span-2'], []]);
});

test('yields after each span if it should', () => {
  expect(slicesOf(nodesOf(1, 1, 1), 0)).toEqual([['span-0'], ['span-1'], ['span-2'], []]);
});

test('runs the other steps if one throws', () => {
  const step = vi.fn(({ spanId }: SpanNode) => {
    if (spanId === 'span-1') throw new Error('a fault');
  });
  expect([...(forEachSpan(nodesOf(1, 40_000, 1), step, undefined) ?? [])]).toHaveLength(1);
  expect(step).toHaveBeenCalledTimes(3);
});
