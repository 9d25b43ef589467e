/**
 * Follows the spans of all traces, and owns the states of their nodes. The clock is passed in, and nothing is sent from
 * here. `pending-spans.ts` decides how long an ended span waits, and documents the methods that are passed on to it.
 *
 * A processor sees starts: a parent that was not seen was never recorded. An exporter sees ended spans only, children
 * mostly before parents (`awaitsUnseenParents`): a parent that was not seen is a placeholder until it comes. Where a
 * trace comes from another service, a placeholder stands in for the log that this named (`parent-finder.ts`).
 *
 * A trace is at rest when nothing in it is open, held or due. Spans that never end are forgotten when there are too many.
 */

import type { Context } from '@opentelemetry/api';
import type { Convention, Reading } from '../conventions/convention.ts';
import { censusOf } from '../conventions/index.ts';
import { estimateEventBytes } from '../conventions/values/estimate-bytes.ts';
import type { RemoteParent } from '../otel/ancestor-member.ts';
import type { SpanEvent, SpanSlice } from '../otel/span-slice.ts';
import { ActiveTraces } from './active-traces.ts';
import { createNode } from './create-node.ts';
import { ParentFinder } from './parent-finder.ts';
import { type PendingOptions, PendingSpans } from './pending-spans.ts';
import { RestingTraces } from './resting-traces.ts';
import { createTrace, isElsewhere, isPlaceholder, type SpanNode, type SpanState, type Trace } from './span-node.ts';
import { callerOf } from './upstream.ts';

/** In a trace that has more, the oldest ended spans are forgotten. Only a child that comes late misses them. */
const MAX_SPANS_PER_TRACE = 10_000;

export interface TrackerOptions extends PendingOptions {
  /** The vocabularies that a census looks for; all if undefined. */
  readonly conventions?: readonly Convention[] | undefined;
  /** Where a log goes whose parent is in another process. Default: `link`. */
  readonly remoteParent?: RemoteParent;
}

export class TraceTracker {
  readonly #conventions: readonly Convention[] | undefined;
  readonly #parents: ParentFinder;
  readonly #active = new ActiveTraces();
  /** An active trace. What happens next is mostly in the same one. */
  #last: Trace | undefined;
  readonly #resting: RestingTraces;
  readonly #pending: PendingSpans;
  #openCount = 0;
  #bytes = 0;
  #hasForgottenSpans = false;

  constructor(options: TrackerOptions) {
    this.#conventions = options.conventions;
    this.#parents = new ParentFinder({
      awaitsUnseenParents: options.awaitsUnseenParents,
      remoteParent: options.remoteParent ?? 'link',
      createNode: (...node) => this.#createNode(...node),
    });
    this.#pending = new PendingSpans(options);
    this.#resting = new RestingTraces({ keepsTracesWithoutLogs: options.awaitsUnseenParents });
  }

  /** Ended spans that are held or due, of logs and of others. */
  get pendingCount(): number {
    return this.#pending.count;
  }

  /** Estimated bytes of what is held, due, or was added to open spans. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Spans that `takeDue` would give. */
  get dueCount(): number {
    return this.#pending.dueCount;
  }

  /** Monotonic milliseconds at which `releaseOverdue` has something to do. */
  get nextReleaseMillis(): number | undefined {
    return this.#pending.nextReleaseMillis;
  }

  /** Spans that have started and not ended. */
  get openCount(): number {
    return this.#openCount;
  }

  /** Whether a span that is not known may have been sent before. */
  get hasForgotten(): boolean {
    return this.#hasForgottenSpans || this.#resting.hasForgotten;
  }

  /** `parentContext` is what the span was started in. Without it, SDK 1 does not say whether the parent is remote. */
  start(span: SpanSlice, parentContext?: Context): SpanNode {
    const { traceId, spanId } = span.spanContext();
    const trace = this.#wake(traceId);
    const known = trace.nodes.get(spanId);
    if (known && !isElsewhere(known)) return known;
    const node =
      known ?? this.#createNode(trace, spanId, 'open', this.#parents.find(trace, span, spanId, parentContext));
    if (!node.parent) node.callerId = callerOf(span, parentContext);
    if (known) {
      this.#adopt(known, span);
      known.state = 'open';
    }
    this.#countOpen(trace, 1);
    node.span = span;
    return node;
  }

  end(span: SpanSlice, nowMillis: number): SpanNode {
    const { traceId, spanId } = span.spanContext();
    const trace = this.#wake(traceId);
    const node = trace.nodes.get(spanId) ?? this.start(span);
    if (!node.span) this.#adopt(node, span);
    node.span = span;
    const { signs, bytes: ownBytes } = censusOf(span, this.#conventions);
    node.signs = signs;
    node.recognitions = undefined;
    this.#weigh(node, node.hasRareFields ? ownBytes + bytesAdded(node) : ownBytes);
    if (node.state === 'held' || node.state === 'due') return node;
    if (node.state === 'open') this.#countOpen(trace, -1);
    // A span that was forgotten while it was open could not be judged yet.
    node.isNoLog = false;
    this.#pending.add(node, nowMillis);
    return node;
  }

  /** Keeps an event that belongs to the span and did not come on it. */
  addEvent(node: SpanNode, event: SpanEvent): void {
    node.events ??= [];
    node.events.push(event);
    this.#weigh(node, node.estimatedBytes + estimateEventBytes(event));
  }

  /** Gives up the events that were kept for a placeholder. */
  dropEvents(placeholder: SpanNode): void {
    placeholder.events = undefined;
    this.#weigh(placeholder, 0);
  }

  /** Finds a trace that is active or remembered. */
  findTrace(traceId: string): Trace | undefined {
    return this.#active.get(traceId) ?? this.#resting.get(traceId);
  }

  /** Keeps what other spans of the same call said, until the log is written. */
  absorb(node: SpanNode, reading: Reading, bytes: number): void {
    this.#weigh(node, node.estimatedBytes + bytes);
    node.absorbed = { reading, bytes: bytes + (node.absorbed?.bytes ?? 0) };
  }

  /** Finds a span of this process, of a trace that is active or remembered. */
  find(traceId: string, spanId: string): SpanNode | undefined {
    const node = this.findTrace(traceId)?.nodes.get(spanId);
    return node && isElsewhere(node) ? undefined : node;
  }

  releaseOverdue(nowMillis: number): void {
    this.#pending.releaseOverdue(nowMillis);
  }

  releaseOldest(count: number): void {
    this.#pending.releaseOldest(count);
  }

  releaseAll(): void {
    this.#pending.releaseAll();
  }

  takeDue(): SpanNode[][] {
    return this.#pending.takeDue();
  }

  holdWithAncestor(node: SpanNode, isLog: (node: SpanNode) => boolean): boolean {
    return this.#pending.holdWithAncestor(node, isLog);
  }

  holdWith(node: SpanNode, open: SpanNode, nowMillis: number): boolean {
    return this.#pending.holdWith(node, open, nowMillis);
  }

  place(node: SpanNode, isLog: (node: SpanNode) => boolean): boolean {
    return this.#pending.place(node, isLog);
  }

  /** Call when the span is worked off. */
  retire(node: SpanNode): void {
    node.span = undefined;
    node.recognitions = undefined;
    node.reading = undefined;
    node.short = undefined;
    if (node.hasRareFields) {
      node.events = undefined;
      node.absorbed = undefined;
    }
    this.#weigh(node, 0);
    this.#pending.retire(node);
    this.#restIfDone(node.trace);
  }

  /**
   * Gives up open spans that never seem to end, those of the oldest traces first and at least `count` of them. What
   * waited for them is due. Should one end after all, it is logged like any other. `forget` is called for each.
   */
  forgetOldestOpen(count: number, forget: (node: SpanNode) => void): void {
    let left = count;
    for (const trace of this.#active) {
      if (left <= 0) return;
      if (trace.openCount === 0) continue;
      const open = [...trace.nodes.values()].filter(({ state }) => state === 'open');
      for (const node of open) node.state = 'retired';
      this.#countOpen(trace, -open.length);
      for (const node of open) this.#pending.unblock(node);
      for (const node of open) {
        forget(node);
        node.span = undefined;
        node.events = undefined;
        node.absorbed = undefined;
        this.#weigh(node, 0);
      }
      left -= open.length;
      this.#restIfDone(trace);
    }
  }

  /** The spans that are open, held or due: oldest trace first, in the order of their starts. */
  *unretiredNodes(): Generator<SpanNode> {
    for (const trace of this.#active) {
      for (const node of trace.nodes.values()) if (node.state !== 'retired' && !isPlaceholder(node)) yield node;
    }
  }

  /** The span that a placeholder stood for has come, or one that is retired ends again. */
  #adopt(node: SpanNode, span: SpanSlice): void {
    if (isElsewhere(node)) node.entry = undefined;
    if (node.parent && !isElsewhere(node.parent)) return;
    const parent = this.#parents.find(node.trace, span, node.spanId);
    // Ids that would close a circle make the span a root.
    for (let step = parent; step; step = step.parent) if (step === node) return;
    node.parent = parent;
    // The parent of a log is decided with its entry.
    if (!node.entry) node.blocker = parent;
  }

  #createNode(trace: Trace, spanId: string, state: SpanState, parent: SpanNode | undefined): SpanNode {
    if (trace.nodes.size >= MAX_SPANS_PER_TRACE) this.#forgetEnded(trace);
    return createNode(trace, spanId, state, parent);
  }

  #weigh(node: SpanNode, bytes: number): void {
    this.#bytes += bytes - node.estimatedBytes;
    node.estimatedBytes = bytes;
  }

  #countOpen(trace: Trace, change: number): void {
    trace.openCount += change;
    this.#openCount += change;
  }

  #wake(traceId: string): Trace {
    if (this.#last?.traceId === traceId) return this.#last;
    let trace = this.#active.get(traceId);
    if (!trace) {
      trace = this.#resting.wake(traceId) ?? createTrace(traceId);
      this.#active.add(trace);
    }
    this.#last = trace;
    return trace;
  }

  #restIfDone(trace: Trace): void {
    if (trace.openCount > 0 || trace.pendingCount > 0) return;
    this.#active.delete(trace.traceId);
    this.#last = undefined;
    this.#resting.put(trace);
  }

  /** Forgets half of the spans, so that it is seldom done. Ancestors of open spans are still reached from these. */
  #forgetEnded(trace: Trace): void {
    this.#pending.link();
    let surplus = trace.nodes.size - MAX_SPANS_PER_TRACE / 2;
    for (const [spanId, node] of trace.nodes) {
      if (surplus <= 0) break;
      const isWaitedFor = node.waiters !== undefined && node.waiters.length > 0;
      if (node.state !== 'retired' && (isWaitedFor || !isPlaceholder(node))) continue;
      trace.nodes.delete(spanId);
      this.#hasForgottenSpans = true;
      surplus--;
    }
    // The list is changed in place, since the logs refer to it.
    let kept = 0;
    for (const entry of trace.logs)
      if (entry.state !== 'delivered' && entry.state !== 'dropped') trace.logs[kept++] = entry;
    trace.logs.length = kept;
  }
}

/** Estimated bytes of what came another way than on the span. */
function bytesAdded({ absorbed, events = [] }: SpanNode): number {
  return events.reduce((bytes, event) => bytes + estimateEventBytes(event), absorbed?.bytes ?? 0);
}
