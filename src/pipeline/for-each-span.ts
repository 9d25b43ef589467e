/** Cuts work on many spans into small steps. */
import { reportFault } from '../host/guard.ts';
import type { SpanNode } from '../trace/span-node.ts';

/** Estimated bytes of the spans that are worked on between two yields: less than a millisecond of work. */
const BYTES_PER_YIELD = 32_768;

/** Runs a step for each span, and yields in between. If a step throws, the others still run. */
export function* forEachSpan(
  nodes: readonly SpanNode[],
  step: (node: SpanNode) => void,
  bytesPerYield = BYTES_PER_YIELD,
): Generator<void> {
  let bytes = 0;
  for (const node of nodes) {
    // An open span is not estimated: it may be large.
    bytes += node.estimatedBytes || bytesPerYield;
    try {
      step(node);
    } catch (error) {
      reportFault(error);
    }
    if (bytes < bytesPerYield) continue;
    bytes = 0;
    yield;
  }
}
