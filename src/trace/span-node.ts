/** What is known of the spans of one trace. Plain data: `trace-tracker.ts` says how it changes. */

import type { TraceContext } from '../conventions/context.ts';
import type { LogKind, Reading } from '../conventions/convention.ts';
import type { Recognition } from '../conventions/index.ts';
import type { ShortReading } from '../conventions/short-way.ts';
import type { LogEntry } from '../delivery/ledger/log-entry.ts';
import type { SpanEvent, SpanSlice } from '../otel/span-slice.ts';
import type { LateFields } from '../wire/late-fields.ts';
import { referenceIdOf } from '../wire/reference-id.ts';

export interface Trace {
  readonly traceId: string;
  /** In the order of their starts, so parents come first, as far as starts are seen. */
  readonly nodes: Map<string, SpanNode>;
  /** Spans that have started and not ended. */
  openCount: number;
  /** Nodes that became due since due nodes were last taken, if there are any. */
  due: SpanNode[] | undefined;
  /** Nodes that are held or due. A trace without any, and with nothing open, is at rest. */
  pendingCount: number;
  /** Decided with the first log of the trace that is written, and the same for all of them. */
  context: TraceContext | undefined;
  /** The session that came with the context of the first span, from upstream. */
  baggageSession: string | undefined;
  /** What retired spans said about the context before it was decided. */
  noted: TraceContext | undefined;
  /** A span of it has a parent in another process. Only a processor keeps it. */
  isContinued: boolean;
  /** The logs of the trace that may still have to be dropped with it. */
  readonly logs: LogEntry[];
  /** The latest requests to MCP servers that are logs, since the span of a tool around one may come later. */
  requests: SpanNode[] | undefined;
  /** It has been at rest before. Then something may come again. */
  hasRested: boolean;
}

/** What the spans of one tool call are known by. */
export interface ToolFacts {
  /** In lower case, with `_` between its words. */
  readonly name: string;
  /** What the span is in the Model Context Protocol; undefined if it is not of that. */
  readonly mcpRole: 'client' | 'server' | undefined;
  /** Scope of its instrumentation. */
  readonly scope: string;
  /** Arguments that are texts, numbers or booleans; long ones as fingerprints. */
  readonly arguments: ReadonlyMap<string, string>;
  /** Fingerprint of the result. */
  readonly output: string | undefined;
  readonly hasError: boolean;
}

/** What has the log of a call: another span, or what is remembered of one. */
export interface Keeper {
  /** Undefined until the log is written. */
  readonly entry: LogEntry | undefined;
}

/**
 * - `open`     started and not ended
 * - `held`     ended; waits for an ancestor
 * - `due`      ended; waits to be worked off
 * - `retired`  worked off. If its end is reported again, it is held or due again
 *
 * An exporter learns of a parent by its children first. Until its span is exported a placeholder stands in for it:
 * - `unseen`   a span of this process. Its descendants wait for it
 * - `remote`   a span of another process, as far as is known. Nothing waits for it. A processor has it, too, if it is a
 *              log: see `isElsewhere`
 * - `awaited`  like `remote`, but its child waits for it: the client of a request to an MCP server may be in this process
 * - `stub`     did not come in time, and is the parent of a log that was written. It is a log from now on
 */
export type SpanState = 'open' | 'held' | 'due' | 'retired' | Placeholder;
export type Placeholder = 'unseen' | 'remote' | 'awaited' | 'stub';

/** Which model a call asked for. */
export interface ModelCall {
  readonly model: string;
  readonly provider: string | undefined;
  /** Seconds since 1970 with fractions; 0 if the span's start is not a time. */
  readonly startSeconds: number;
}

export interface SpanNode {
  readonly trace: Trace;
  readonly spanId: string;
  /** Absent for a root, for a placeholder, and if the parent was never recorded. */
  parent: SpanNode | undefined;
  /** Shared with other exporters and never written to. Let go once the span is retired. */
  span: SpanSlice | undefined;
  state: SpanState;
  /** Its descendants no longer wait for this open span: one of them has waited long enough. */
  released: boolean;
  /** Spans that this one blocks or, if it is held itself, logs that become due together with it. */
  waiters: SpanNode[] | undefined;
  /** The nearest ancestor that may still block, with ended ones between skipped over. */
  blocker: SpanNode | undefined;
  /** If false, none of the fields that few nodes have is set: those of `RareFields` in `create-node.ts`. */
  readonly hasRareFields: boolean;
  /** Span id of the parent in another process, if the node has none here. */
  callerId: string | undefined;
  /** Present once it is decided that this span is a log, and under which other log. That decision stands. */
  entry: LogEntry | undefined;
  /** What log the span is, once that is known. */
  kind: LogKind | undefined;
  /** What the keys of the span show, once it has ended. */
  signs: number | undefined;
  /** The vocabularies to read the ended span with, until it is settled. */
  recognitions: readonly Recognition[] | undefined;
  /** What the span was read as, while it is worked off. */
  reading: Reading | undefined;
  /** The first model call at or below this span, of those worked off: the model of an agent that names none. */
  firstCall: ModelCall | undefined;
  /** The provider's id of the answer, if the span is the log of a model call that was written. */
  callId: string | undefined;
  /** What the span says, if it was read the short way. */
  short: ShortReading | undefined;
  /** What other spans of the same call said, and its estimated bytes, until the log is written. */
  absorbed: { readonly reading: Reading; readonly bytes: number } | undefined;
  /** What has the log of the call that this span reports, too. Then the span is not a log. */
  keeper: Keeper | undefined;
  /** Another span has this one as its keeper. */
  isKeeper: boolean;
  /** Of a tool's log: what spans of the same call that come later are compared with. */
  tool: ToolFacts | undefined;
  /** What was sent of the span's own evaluations, as JSON: its log may be written again when it ends. */
  judged: ReadonlySet<string> | undefined;
  /** What the app said through `update()` before the span was known to be a log. */
  overrides: LateFields | undefined;
  /** Events that came another way than on the span. */
  events: SpanEvent[] | undefined;
  /** The state in which this span was last drafted to the spool. */
  draftedAs: SpanState | undefined;
  /** A request to another service has named it as a log, so it is one, whatever it turns out to be. */
  isNamed: boolean;
  /** Set once it is decided that an ended span is not a log. */
  isNoLog: boolean;
  /** Bytes that holding the span costs, estimated; 0 once it is retired. */
  estimatedBytes: number;
  /** Its place among the spans of its trace that are filed. Only `filed-trace.ts` uses this. */
  place: number;
}

export function isNode(keeper: Keeper): keeper is SpanNode {
  return 'spanId' in keeper;
}

export function referenceOf({ trace, spanId }: SpanNode): string {
  return referenceIdOf(trace.traceId, spanId);
}

export function createTrace(traceId: string): Trace {
  return {
    traceId,
    nodes: new Map(),
    openCount: 0,
    due: undefined,
    pendingCount: 0,
    context: undefined,
    baggageSession: undefined,
    noted: undefined,
    isContinued: false,
    logs: [],
    requests: undefined,
    hasRested: false,
  };
}

/** Whether the node stands in for a log of another process. */
export function isElsewhere({ entry }: SpanNode): boolean {
  return entry?.isElsewhere === true;
}

/** Returns the span id of the parent in another process of the topmost span here; undefined if that has none. */
export function findCaller(node: SpanNode): string | undefined {
  let top = node;
  while (top.parent) top = top.parent;
  return top.state === 'remote' ? top.spanId : top.callerId;
}

export function isPlaceholder({ state }: SpanNode): boolean {
  return state === 'unseen' || state === 'remote' || state === 'awaited' || state === 'stub';
}

/**
 * The nearest ancestor that an ended span has to wait for: open and not yet released, or unseen. Skips are compressed on
 * the way, so that long chains of ended ancestors are walked once and not for each descendant. A placeholder is not
 * skipped unless it is remote and something is known to be above it.
 */
export function findBlocker(node: SpanNode): SpanNode | undefined {
  let end = node.blocker;
  while (end && !mayBlock(end)) end = end.blocker;
  for (let step: SpanNode | undefined = node; step && step !== end; ) {
    const next: SpanNode | undefined = step.blocker;
    step.blocker = end;
    step = next;
  }
  return end && (end.state === 'open' || end.state === 'unseen' || end.state === 'awaited') ? end : undefined;
}

function mayBlock(node: SpanNode): boolean {
  if (node.state === 'remote') return node.blocker === undefined;
  return isPlaceholder(node) || (node.state === 'open' && !node.released);
}

/** The nearest ancestor for which the predicate holds. */
export function findAncestor(node: SpanNode, matches: (ancestor: SpanNode) => boolean): SpanNode | undefined {
  for (let step = node.parent; step; step = step.parent) if (matches(step)) return step;
  return undefined;
}

/** Returns a span of the trace; undefined if none is kept. */
export function anySpan(trace: Trace): SpanSlice | undefined {
  for (const { span } of trace.nodes.values()) if (span) return span;
  return undefined;
}
