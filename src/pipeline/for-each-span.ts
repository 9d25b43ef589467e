/** Cuts work on many spans into small steps. */
import { reportFault } from '../host/guard.ts';
import type { SpanNode } from '../trace/span-node.ts';

/** Estimated bytes of the spans that are worked on between two yields: less than a millisecond of work. */
const BYTES_PER_YIELD = 32_768;

/**
 * Runs a step for each span, and yields in between. If a step throws, the others still run. A step that many runs need
 * should be one function, which is compiled once, and get what differs as `about`.
 */
export function* forEachSpan<About>(
  nodes: readonly SpanNode[],
  step: (node: SpanNode, about: About) => void,
  about: About,
  bytesPerYield = BYTES_PER_YIELD,
): Generator<void> {
  let bytes = 0;
  for (let at = 0; at < nodes.length; at++) {
    const node = nodes[at] as SpanNode;
    // An open span is not estimated: it may be large.
    bytes += node.estimatedBytes || bytesPerYield;
    try {
      step(node, about);
    } catch (error) {
      reportFault(error);
    }
    if (bytes < bytesPerYield) continue;
    bytes = 0;
    yield;
  }
}
