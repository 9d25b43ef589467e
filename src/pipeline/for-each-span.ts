/** Cuts work on many spans into small steps. */
import { reportFault } from '../host/guard.ts';
import type { SpanNode } from '../trace/span-node.ts';

/** Estimated bytes of the spans that are worked on between two yields: less than a millisecond of work. */
const BYTES_PER_YIELD = 32_768;
const NOTHING_LEFT: Iterable<void> = [];

/**
 * Runs a step for each span. What is too much for one go is left to the result, which yields in between: `yield*` it. If
 * a step throws, the others still run. A step that many runs need should be one function, which is compiled once, and
 * get what differs as `about`.
 */
export function forEachSpan<About>(
  nodes: readonly SpanNode[],
  step: (node: SpanNode, about: About) => void,
  about: About,
  bytesPerYield = BYTES_PER_YIELD,
): Iterable<void> {
  const next = runSteps(nodes, 0, step, about, bytesPerYield);
  // Most runs are so small that a generator for each pass over them would cost as much as the pass.
  return next < nodes.length ? runRest(nodes, next, step, about, bytesPerYield) : NOTHING_LEFT;
}

function* runRest<About>(
  nodes: readonly SpanNode[],
  from: number,
  step: (node: SpanNode, about: About) => void,
  about: About,
  bytesPerYield: number,
): Generator<void> {
  for (let at = from; at < nodes.length; at = runSteps(nodes, at, step, about, bytesPerYield)) yield;
}

/** Runs the steps of some spans. Returns the index of the first that is left. */
function runSteps<About>(
  nodes: readonly SpanNode[],
  from: number,
  step: (node: SpanNode, about: About) => void,
  about: About,
  bytesPerYield: number,
): number {
  let bytes = 0;
  let at = from;
  while (at < nodes.length) {
    const node = nodes[at++] as SpanNode;
    // An open span is not estimated: it may be large.
    bytes += node.estimatedBytes || bytesPerYield;
    try {
      step(node, about);
    } catch (error) {
      reportFault(error);
    }
    if (bytes >= bytesPerYield) break;
  }
  return at;
}
