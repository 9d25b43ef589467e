/**
 * Remembers traces at rest, within bounds. Traces that have rested longest are the first to be filed, which compacts them
 * to what a late span needs, and the first to be forgotten.
 */
import { Fifo } from '../scheduling/fifo.ts';
import { type FiledTrace, fileTrace, unfileTrace } from './filed-trace.ts';
import type { Trace } from './span-node.ts';

export interface ShelfBounds {
  readonly maxSpans: number;
  /** Spans of traces that are kept whole although they could be filed. Traces with something under way do not count. */
  readonly maxWholeSpans: number;
}

/** Bounds the work that one trace makes when it comes. */
const MAX_FILED_AT_ONCE = 4;

interface Rest {
  readonly traceId: string;
  readonly spanCount: number;
  trace: Trace | FiledTrace;
  /** Whether it is whole and counts for `maxWholeSpans`. */
  isQueued: boolean;
  /** Whether it is neither awake nor forgotten. The queues may still have it then. */
  isHere: boolean;
}

export class TraceShelf {
  readonly #bounds: ShelfBounds;
  readonly #rests = new Map<string, Rest>();
  /** In the order in which they came. A map's own order costs more the more was taken out of its front. */
  #order = new Fifo<Rest>();
  /** Whole traces that are to be filed, in the same order. */
  #toFile = new Fifo<Rest>();
  /** Whole traces that could not be filed yet: something can still happen to one of their logs. */
  #unfinished = new Fifo<Rest>();
  #spanCount = 0;
  #queuedSpanCount = 0;
  #hasForgotten = false;

  constructor(bounds: ShelfBounds) {
    this.#bounds = bounds;
  }

  get hasForgotten(): boolean {
    return this.#hasForgotten;
  }

  /** Returns a trace that may be changed. The next call returns the same one, at least until its logs are done. */
  get(traceId: string): Trace | undefined {
    const rest = this.#rests.get(traceId);
    if (!rest) return undefined;
    if ('nodes' in rest.trace) return rest.trace;
    const trace = unfileTrace(rest.trace);
    rest.trace = trace;
    this.#queue(rest);
    return trace;
  }

  put(trace: Trace): void {
    const rest: Rest = { traceId: trace.traceId, spanCount: trace.nodes.size, trace, isQueued: false, isHere: true };
    this.#rests.set(trace.traceId, rest);
    this.#order.push(rest);
    this.#spanCount += rest.spanCount;
    this.#queue(rest);
    this.#fileUnfinished();
    while (this.#spanCount > this.#bounds.maxSpans && this.#rests.size > 1) this.#forgetOldest();
    if (this.#order.length > 2 * this.#rests.size + 1_000) this.#forgetEnded();
  }

  /** Removes a trace in which something happens again, and returns it. */
  wake(traceId: string): Trace | undefined {
    const rest = this.#rests.get(traceId);
    if (!rest) return undefined;
    this.#end(rest);
    return 'nodes' in rest.trace ? rest.trace : unfileTrace(rest.trace);
  }

  #end(rest: Rest): void {
    this.#rests.delete(rest.traceId);
    rest.isHere = false;
    this.#spanCount -= rest.spanCount;
    this.#unqueue(rest);
  }

  /** Files others to make room for a whole trace. That one stays whole, however large it is. */
  #queue(rest: Rest): void {
    while (this.#queuedSpanCount > 0 && this.#queuedSpanCount + rest.spanCount > this.#bounds.maxWholeSpans) {
      const oldest = this.#toFile.shift();
      if (!oldest) break;
      if (!oldest.isQueued) continue;
      this.#unqueue(oldest);
      this.#file(oldest);
    }
    rest.isQueued = true;
    this.#queuedSpanCount += rest.spanCount;
    this.#toFile.push(rest);
  }

  #unqueue(rest: Rest): void {
    if (!rest.isQueued) return;
    rest.isQueued = false;
    this.#queuedSpanCount -= rest.spanCount;
  }

  #file(rest: Rest): void {
    if (!('nodes' in rest.trace)) return;
    const filed = fileTrace(rest.trace);
    if (filed) rest.trace = filed;
    else this.#unfinished.push(rest);
  }

  /**
   * Files those whose logs are done, up to one that has to wait, which goes to the end: logs are delivered in about the
   * order in which their traces came to rest.
   */
  #fileUnfinished(): void {
    for (let count = 0; count < MAX_FILED_AT_ONCE; count++) {
      const rest = this.#unfinished.shift();
      if (!rest) return;
      if (!rest.isHere) continue;
      this.#file(rest);
      if ('nodes' in rest.trace) return;
    }
  }

  #forgetOldest(): void {
    const rest = this.#order.shift();
    if (!rest?.isHere) return;
    this.#end(rest);
    this.#hasForgotten = true;
  }

  /** A trace that wakes again and again would leave an entry in the queues each time. */
  #forgetEnded(): void {
    this.#order = new Fifo();
    this.#toFile = new Fifo();
    this.#unfinished = new Fifo();
    for (const rest of this.#rests.values()) {
      this.#order.push(rest);
      if (rest.isQueued) this.#toFile.push(rest);
      else if ('nodes' in rest.trace) this.#unfinished.push(rest);
    }
  }
}
