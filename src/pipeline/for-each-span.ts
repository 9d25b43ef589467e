/** Cuts work on many spans into small steps. */
import { reportFault } from '../host/guard.ts';
import type { SpanNode } from '../trace/span-node.ts';

/** Estimated bytes of the spans that are worked on between two yields: less than a millisecond of work. */
const BYTES_PER_YIELD = 32_768;

/**
 * Runs a step for each span. The steps up to the first yield run at once. If there are more, the result runs them:
 * `yield*` it. If a step throws, the others still run. A step that many runs need should be one function, which is
 * compiled once, and get what differs as `about`.
 */
export function forEachSpan<About>(
  nodes: readonly SpanNode[],
  step: (node: SpanNode, about: About) => void,
  about: About,
  bytesPerYield = BYTES_PER_YIELD,
): Generator<void> | undefined {
  const next = runSteps(nodes, 0, step, about, bytesPerYield);
  // Most runs are so small that a generator for each pass over them would cost as much as the pass.
  return next === undefined ? undefined : runRest(nodes, next, step, about, bytesPerYield);
}

function* runRest<About>(
  nodes: readonly SpanNode[],
  from: number,
  step: (node: SpanNode, about: About) => void,
  about: About,
  bytesPerYield: number,
): Generator<void> {
  let next: number | undefined = from;
  while (next !== undefined) {
    yield;
    next = runSteps(nodes, next, step, about, bytesPerYield);
  }
}

/**
 * Runs the steps of some spans. If a yield has to follow, it returns the index of the span after it, which may be none: a
 * large span is not worked on again, in the next pass, before the yield.
 */
function runSteps<About>(
  nodes: readonly SpanNode[],
  from: number,
  step: (node: SpanNode, about: About) => void,
  about: About,
  bytesPerYield: number,
): number | undefined {
  let bytes = 0;
  for (let at = from; at < nodes.length; at++) {
    const node = nodes[at] as SpanNode;
    // An open span is not estimated: it may be large.
    bytes += node.estimatedBytes || bytesPerYield;
    try {
      step(node, about);
    } catch (error) {
      reportFault(error);
    }
    if (bytes >= bytesPerYield) return at + 1;
  }
  return undefined;
}
