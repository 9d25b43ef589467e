/**
 * Follows the spans of all traces and says which are due. Pure: the clock is passed in, nothing is sent from here.
 *
 * - An ended span is due when no ancestor of it is open, so a short trace becomes due as a whole, with its root.
 * - An ended span below an open ancestor is held. After `holdMillis` its open ancestors are released: it is due, and
 *   so is all that ends below them later, without waiting.
 * - A flush, a shutdown and memory pressure release in the same way, only sooner.
 *
 * With `awaitsUnseenParents` (an exporter sees ended spans only) a local parent that was not seen yet stands in as an
 * open span. Without it (a processor sees starts) such a parent was never recorded, and nothing waits for it.
 *
 * A trace is at rest when nothing in it is open or due. Spans that never end are forgotten when there are too many.
 */

import type { Convention } from '../conventions/convention.ts';
import { censusOf } from '../conventions/index.ts';
import { estimateEventBytes } from '../conventions/values/estimate-bytes.ts';
import { parentSpanIdOf, type SpanEvent, type SpanSlice } from '../otel/span-slice.ts';
import { Fifo } from '../scheduling/fifo.ts';
import { RestingTraces } from './resting-traces.ts';
import { createNode, createTrace, findBlocker, type SpanNode, type Trace } from './span-node.ts';
import { hasContext } from './trace-context.ts';

/** Of a trace that has more, the ended spans are forgotten, oldest first: only a child that starts late misses them. */
const MAX_SPANS_PER_TRACE = 10_000;

interface Hold {
  readonly node: SpanNode;
  readonly untilMillis: number;
}

export class TraceTracker {
  readonly #holdMillis: number;
  readonly #awaitsUnseenParents: boolean;
  readonly #conventions: readonly Convention[] | undefined;
  readonly #active = new Map<string, Trace>();
  readonly #resting = new RestingTraces();
  /** In the order of their deadlines, since all wait equally long. Those that became due otherwise are skipped. */
  readonly #holds = new Fifo<Hold>();
  /** Those with due spans, which they hold themselves. */
  #dueTraces: Trace[] = [];
  #dueCount = 0;
  #openCount = 0;
  #pendingCount = 0;
  #pendingBytes = 0;

  constructor(options: {
    holdMillis: number;
    awaitsUnseenParents: boolean;
    conventions?: readonly Convention[] | undefined;
  }) {
    this.#holdMillis = options.holdMillis;
    this.#awaitsUnseenParents = options.awaitsUnseenParents;
    this.#conventions = options.conventions;
  }

  /** Ended spans that are held or due, of logs and of others. */
  get pendingCount(): number {
    return this.#pendingCount;
  }

  /** Estimated bytes of what the pending spans hold. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Spans that `takeDue` would give. */
  get dueCount(): number {
    return this.#dueCount;
  }

  /** Spans that have started and not ended. */
  get openCount(): number {
    return this.#openCount;
  }

  /** A span that is not known may have been sent before. */
  get hasForgotten(): boolean {
    return this.#resting.hasForgotten;
  }

  /** Monotonic milliseconds at which `releaseOverdue` has something to do. */
  get nextReleaseMillis(): number | undefined {
    for (let hold = this.#holds.peek(); hold; hold = this.#holds.peek()) {
      if (hold.node.state === 'held') return hold.untilMillis;
      this.#holds.shift();
    }
    return undefined;
  }

  start(span: SpanSlice): SpanNode {
    const { traceId, spanId } = span.spanContext();
    const trace = this.#wake(traceId);
    const known = trace.nodes.get(spanId);
    if (known) return known;
    const node = this.#createNode(trace, spanId, this.#findParent(trace, span, spanId));
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
    let bytes = ownBytes;
    for (const event of node.events ?? []) bytes += estimateEventBytes(event);
    this.#weigh(node, bytes);
    if (node.state === 'held' || node.state === 'due') return node;
    if (node.state === 'open') this.#countOpen(trace, -1);
    // Of a span that was forgotten open it could not be known yet.
    node.isNoLog = false;
    trace.pendingCount++;
    this.#pendingCount++;
    node.state = 'held';
    const blocker = findBlocker(node);
    if (blocker) this.#hold(node, blocker, nowMillis + this.#holdMillis);
    else this.#markDue(node);
    this.#rehang(node);
    return node;
  }

  /** Keeps an event that belongs to the span and did not come on it. */
  addEvent(node: SpanNode, event: SpanEvent): void {
    node.events ??= [];
    node.events.push(event);
    this.#weigh(node, node.heldBytes + estimateEventBytes(event));
  }

  /** Finds a span of a trace that is active or remembered. */
  find(traceId: string, spanId: string): SpanNode | undefined {
    return (this.#active.get(traceId) ?? this.#resting.get(traceId))?.nodes.get(spanId);
  }

  /** Makes due what has been held long enough. */
  releaseOverdue(nowMillis: number): void {
    for (let hold = this.#holds.peek(); hold && hold.untilMillis <= nowMillis; hold = this.#holds.peek()) {
      this.#holds.shift();
      if (hold.node.state === 'held') this.#releaseAncestors(hold.node);
    }
  }

  /** Makes due what has been held longest: the given number of spans and what waits for the same ancestors. */
  releaseOldest(count: number): void {
    for (let left = count; left > 0; left--) {
      const hold = this.#holds.shift();
      if (!hold) return;
      if (hold.node.state === 'held') this.#releaseAncestors(hold.node);
    }
  }

  releaseAll(): void {
    this.releaseOverdue(Number.POSITIVE_INFINITY);
  }

  /** What has become due since the last call, by trace. Each must be given back to `settle` once it is worked off. */
  takeDue(): SpanNode[][] {
    const traces = this.#dueTraces;
    this.#dueTraces = [];
    this.#dueCount = 0;
    return traces.map((trace) => {
      const { due } = trace;
      trace.due = [];
      return due;
    });
  }

  settle(node: SpanNode): void {
    node.state = 'settled';
    this.#weigh(node, 0);
    node.span = undefined;
    node.events = undefined;
    node.recognitions = undefined;
    node.reading = undefined;
    this.#pendingCount--;
    node.trace.pendingCount--;
    this.#restIfDone(node.trace);
  }

  /**
   * Lets open spans go that never seem to end, those of the oldest traces first and at least `count` of them. What
   * waited for them is due. Should one end after all, it is logged like any other. `forget` is called for each.
   */
  forgetOldestOpen(count: number, forget: (node: SpanNode) => void): void {
    let left = count;
    for (const trace of this.#active.values()) {
      if (left <= 0) return;
      if (trace.openCount === 0) continue;
      const open = [...trace.nodes.values()].filter(({ state }) => state === 'open');
      for (const node of open) node.state = 'settled';
      this.#countOpen(trace, -open.length);
      for (const node of open) this.#rehang(node);
      for (const node of open) {
        forget(node);
        node.span = undefined;
        node.events = undefined;
        this.#weigh(node, 0);
      }
      left -= open.length;
      this.#restIfDone(trace);
    }
  }

  /** The spans that are open, or ended and not worked off: oldest trace first, in the order of their starts. */
  *unsettledNodes(): Generator<SpanNode> {
    for (const trace of this.#active.values()) {
      for (const node of trace.nodes.values()) if (node.state !== 'settled') yield node;
    }
  }

  #findParent(trace: Trace, span: SpanSlice, spanId: string): SpanNode | undefined {
    const parentSpanId = parentSpanIdOf(span);
    if (!parentSpanId || parentSpanId === spanId) return undefined;
    const known = trace.nodes.get(parentSpanId);
    if (known || !this.#awaitsUnseenParents || span.parentSpanContext?.isRemote) return known;
    return this.#createNode(trace, parentSpanId, undefined);
  }

  /** The span that a placeholder stood for has come, or one that is settled ends again. */
  #adopt(node: SpanNode, span: SpanSlice): void {
    if (node.parent) return;
    const parent = this.#findParent(node.trace, span, node.spanId);
    // Ids that would close a circle make the span a root.
    for (let step = parent; step; step = step.parent) if (step === node) return;
    node.parent = parent;
    node.blocker = parent;
  }

  #hold(node: SpanNode, blocker: SpanNode, untilMillis: number): void {
    blocker.held ??= [];
    blocker.held.push(node);
    this.#holds.push({ node, untilMillis });
  }

  /** Those that waited for a span that no longer blocks wait for the next one above, or are due. */
  #rehang(node: SpanNode): void {
    const { held } = node;
    node.held = undefined;
    if (!held) return;
    const blocker = findBlocker(node);
    if (!blocker) {
      for (const waiting of held) this.#markDue(waiting);
    } else if (!blocker.held) {
      blocker.held = held;
    } else {
      for (const waiting of held) blocker.held.push(waiting);
    }
  }

  #releaseAncestors(node: SpanNode): void {
    const released: SpanNode[] = [];
    for (let blocker = findBlocker(node); blocker; blocker = findBlocker(node)) {
      blocker.released = true;
      released.push(blocker);
      if (!blocker.span) this.#giveUpUnseen(blocker);
    }
    // From the top, so that nothing moves more than once.
    for (const blocker of released.reverse()) this.#rehang(blocker);
  }

  /** A parent that did not come counts as ended: it must not keep its trace from resting. It may still come. */
  #giveUpUnseen(node: SpanNode): void {
    node.state = 'settled';
    this.#countOpen(node.trace, -1);
  }

  #markDue(node: SpanNode): void {
    if (node.state !== 'held') return;
    node.state = 'due';
    const { trace } = node;
    if (trace.due.length === 0) this.#dueTraces.push(trace);
    trace.due.push(node);
    this.#dueCount++;
  }

  #createNode(trace: Trace, spanId: string, parent: SpanNode | undefined): SpanNode {
    if (trace.nodes.size >= MAX_SPANS_PER_TRACE) forgetEnded(trace);
    this.#countOpen(trace, 1);
    return createNode(trace, spanId, parent);
  }

  #weigh(node: SpanNode, bytes: number): void {
    this.#pendingBytes += bytes - node.heldBytes;
    node.heldBytes = bytes;
  }

  #countOpen(trace: Trace, change: number): void {
    trace.openCount += change;
    this.#openCount += change;
  }

  #wake(traceId: string): Trace {
    let trace = this.#active.get(traceId);
    if (trace) return trace;
    trace = this.#resting.take(traceId) ?? createTrace(traceId);
    this.#active.set(traceId, trace);
    return trace;
  }

  #restIfDone(trace: Trace): void {
    if (trace.openCount > 0 || trace.pendingCount > 0) return;
    this.#active.delete(trace.traceId);
    if (hasContext(trace)) this.#resting.put(trace);
  }
}

/** Down to half, so that it is seldom done. Spans that open ones hang under are still reached from these. */
function forgetEnded(trace: Trace): void {
  let surplus = trace.nodes.size - MAX_SPANS_PER_TRACE / 2;
  for (const [spanId, { state }] of trace.nodes) {
    if (surplus <= 0) break;
    if (state !== 'settled') continue;
    trace.nodes.delete(spanId);
    surplus--;
  }
  // In place: the logs themselves hold on to this list.
  let kept = 0;
  for (const entry of trace.logs)
    if (entry.state !== 'delivered' && entry.state !== 'dropped') trace.logs[kept++] = entry;
  trace.logs.length = kept;
}
