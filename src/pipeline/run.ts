/** A run: spans of one trace that are due together. Plain data: `log-writer.ts` says how it changes. */
import type { SpanNode } from '../trace/span-node.ts';
import { flagsOf, type MapFlags } from './map-log.ts';

/** What is known of a run while it is worked off. */
export interface Run {
  /** All of them, of logs and of others. */
  readonly nodes: readonly SpanNode[];
  readonly logs: SpanNode[];
  /** Logs that wait for a held ancestor that is a log, and become due with it, or for another span. */
  readonly heldAgain: Set<SpanNode>;
  readonly flags: MapFlags;
  /** Whether the readings of its logs are compared. */
  areCompared: boolean;
  /** Number of its spans that are not retired yet. */
  left: number;
  /** Number of its spans that are retired and have no log of their own. */
  withoutLogCount: number;
}

export function createRun(nodes: readonly SpanNode[]): Run {
  return {
    nodes,
    logs: [],
    heldAgain: new Set(),
    flags: flagsOf(false),
    areCompared: false,
    left: nodes.length,
    withoutLogCount: 0,
  };
}
