/** What is remembered of the spans of one trace. Plain data: `trace-tracker.ts` says how it changes. */
import type { TraceContext } from '../conventions/context.ts';
import type { LogKind, Reading } from '../conventions/convention.ts';
import type { Recognition } from '../conventions/index.ts';
import type { Late, LogEntry } from '../delivery/log-entry.ts';
import type { SpanEvent, SpanSlice } from '../otel/span-slice.ts';
import { referenceIdOf } from '../wire/reference-id.ts';

export interface Trace {
  readonly traceId: string;
  /** In the order of their starts, so parents first, as far as starts are seen. */
  readonly nodes: Map<string, SpanNode>;
  /** Spans that have started and not ended, placeholders of unseen parents included. */
  openCount: number;
  /** Nodes that became due since these were last taken. */
  due: SpanNode[];
  /** Nodes that are due or held and not yet worked off. A trace with none and nothing open is at rest. */
  pendingCount: number;
  /** Decided with the first log of the trace that is written, and the same for all of them. */
  context: TraceContext | undefined;
  /** The session that came with the context of the first span, from upstream. */
  baggageSession: string | undefined;
  /** What spans said of it that are let go already. */
  noted: TraceContext | undefined;
  /** The logs of the trace that may still have to be dropped with it. */
  readonly logs: LogEntry[];
}

export interface SpanNode {
  readonly trace: Trace;
  readonly spanId: string;
  /** Absent for a root, for a remote parent's child, and where the parent was never seen. */
  parent: SpanNode | undefined;
  /** Shared with other exporters and never written to. Released once the log is mapped. */
  span: SpanSlice | undefined;
  /**
   * - `open`     started, or the placeholder of a parent that was not seen yet
   * - `held`     ended; waits for an open ancestor
   * - `due`      ended; waits to be worked off
   * - `settled`  worked off. If the span is ended once more, it is due once more
   */
  state: 'open' | 'held' | 'due' | 'settled';
  /** Its descendants no longer wait for it, though it is open: one of them has waited long enough. */
  released: boolean;
  /** Ended descendants that wait for this open span. */
  held: SpanNode[] | undefined;
  /** Nearest ancestor that may still block, with the ended ones between skipped over. */
  blocker: SpanNode | undefined;
  /** Present once it is decided that this span is a log. That decision stands. */
  entry: LogEntry | undefined;
  /** What log the span is, once that is known. */
  kind: LogKind | undefined;
  /** What the keys of the span show, once it has ended. */
  signs: number | undefined;
  /** The vocabularies to read the ended span with, until it is settled. */
  recognitions: readonly Recognition[] | undefined;
  /** What the span was read as, while it is worked off. */
  reading: Reading | undefined;
  /** What the app said through `update()` before the span was known to be a log. */
  overrides: Late | undefined;
  /** Events that came another way than on the span. */
  events: SpanEvent[] | undefined;
  /** The spool knows it, though it is held back: as it was in this state. */
  draftedAs: SpanNode['state'] | undefined;
  /** Set once an ended span is decided to be no log. */
  isNoLog: boolean;
  /** Estimated bytes that holding the span costs, as long as it is held. */
  heldBytes: number;
}

export function referenceOf({ trace, spanId }: SpanNode): string {
  return referenceIdOf(trace.traceId, spanId);
}

export function createTrace(traceId: string): Trace {
  return {
    traceId,
    nodes: new Map(),
    openCount: 0,
    due: [],
    pendingCount: 0,
    context: undefined,
    baggageSession: undefined,
    noted: undefined,
    logs: [],
  };
}

export function createNode(trace: Trace, spanId: string, parent: SpanNode | undefined): SpanNode {
  const node: SpanNode = {
    trace,
    spanId,
    parent,
    span: undefined,
    state: 'open',
    released: false,
    held: undefined,
    blocker: parent,
    entry: undefined,
    kind: undefined,
    signs: undefined,
    recognitions: undefined,
    reading: undefined,
    overrides: undefined,
    events: undefined,
    draftedAs: undefined,
    isNoLog: false,
    heldBytes: 0,
  };
  trace.nodes.set(spanId, node);
  return node;
}

/**
 * The nearest ancestor that an ended span has to wait for: open and not yet released. Skips are compressed on the way,
 * so that long chains of ended ancestors are walked once and not for each descendant.
 */
export function findBlocker(node: SpanNode): SpanNode | undefined {
  let blocker = node.blocker;
  while (blocker && (blocker.state !== 'open' || blocker.released)) blocker = blocker.blocker;
  for (let step: SpanNode | undefined = node; step && step !== blocker; ) {
    const next: SpanNode | undefined = step.blocker;
    step.blocker = blocker;
    step = next;
  }
  return blocker;
}

/** The nearest ancestor for which the predicate holds. */
export function findAncestor(node: SpanNode, matches: (ancestor: SpanNode) => boolean): SpanNode | undefined {
  for (let step = node.parent; step; step = step.parent) if (matches(step)) return step;
  return undefined;
}
