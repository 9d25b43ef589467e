/**
 * Remembers traces at rest, within bounds. As soon as the logs of one are delivered it is filed, which compacts it: what
 * stays whole lives long enough to be copied by each of the next collections of V8. For a while all is kept that something
 * late may need, so a trace that has more of it than can be filed stays whole. Those that have rested longest are the
 * first to be reduced to what a late span needs, and the first to be forgotten.
 */
import { Fifo } from '../scheduling/fifo.ts';
import { letGo } from '../scheduling/let-go.ts';
import { type FiledTrace, fileTrace, isUnderWay, unfileTrace } from './filed-trace.ts';
import type { Trace } from './span-node.ts';

export interface ShelfBounds {
  readonly maxSpans: number;
  /** Spans of traces of which all is kept. Older traces with something under way are whole too, and do not count. */
  readonly maxDetailedSpans: number;
}

/** Bounds the work that one trace makes when it comes. */
const MAX_FILED_AT_ONCE = 4;
/** So many traces come while the logs of one are sent, or fewer. */
const MAX_RECENT = 256;

interface Rest {
  readonly traceId: string;
  readonly spanCount: number;
  /** How many had come before. */
  readonly number: number;
  /** Undefined once it is not here: V8 finds the rest for some time in tables of the map that it has replaced. */
  trace: Trace | FiledTrace | undefined;
  /** Whether all of it is kept, so that it counts for `maxDetailedSpans`. */
  isDetailed: boolean;
  /** Whether it is whole, and is filed when its logs are done. */
  isUnfinished: boolean;
  /** Whether it is neither awake nor forgotten. The queues may still have it then. */
  isHere: boolean;
}

export class TraceShelf {
  readonly #bounds: ShelfBounds;
  readonly #rests = new Map<string, Rest>();
  /** In the order in which they came. A map's own order costs more the more was taken out of its front. */
  #order = new Fifo<Rest>();
  /** Those of which all is kept, in the same order. */
  #detailed = new Fifo<Rest>();
  /** Whole traces that are to be filed: something can still happen to one of their logs, as far as is known. */
  #unfinished = new Fifo<Rest>();
  #spanCount = 0;
  #count = 0;
  #detailedSpanCount = 0;
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
    if (!rest?.trace) return undefined;
    if ('nodes' in rest.trace) return rest.trace;
    const trace = unfileTrace(rest.trace);
    rest.trace = trace;
    if (!rest.isDetailed) this.#keepDetails(rest);
    return trace;
  }

  put(trace: Trace): void {
    const { traceId, hasRested, logs } = trace;
    const spanCount = trace.nodes.size;
    const number = this.#count++;
    const rest: Rest = { traceId, spanCount, number, trace, isDetailed: false, isUnfinished: false, isHere: true };
    this.#rests.set(traceId, rest);
    this.#order.push(rest);
    this.#spanCount += spanCount;
    this.#keepDetails(rest);
    // One that woke again may do so once more: to file it each time would cost more than it saves.
    if (!hasRested && logs.length > 0) this.#await(rest);
    trace.hasRested = true;
    this.#fileUnfinished();
    while (this.#spanCount > this.#bounds.maxSpans && this.#rests.size > 1) this.#forgetOldest();
    if (this.#order.length > 2 * this.#rests.size + 1_000) this.#forgetEnded();
  }

  /** Removes a trace in which something happens again, and returns it. */
  wake(traceId: string): Trace | undefined {
    const rest = this.#rests.get(traceId);
    if (!rest?.trace) return undefined;
    const { trace } = rest;
    this.#end(rest);
    return 'nodes' in trace ? trace : unfileTrace(trace);
  }

  #end(rest: Rest): void {
    this.#rests.delete(rest.traceId);
    rest.trace = undefined;
    rest.isHere = false;
    this.#spanCount -= rest.spanCount;
    this.#endDetails(rest);
  }

  /** Reduces others to make room for one of which all is kept. That one is kept, however large it is. */
  #keepDetails(rest: Rest): void {
    while (this.#detailedSpanCount > 0 && this.#detailedSpanCount + rest.spanCount > this.#bounds.maxDetailedSpans) {
      const oldest = this.#detailed.shift();
      if (!oldest) break;
      if (!oldest.isDetailed) continue;
      this.#endDetails(oldest);
      this.#file(oldest);
    }
    rest.isDetailed = true;
    this.#detailedSpanCount += rest.spanCount;
    this.#detailed.push(rest);
  }

  #endDetails(rest: Rest): void {
    if (!rest.isDetailed) return;
    rest.isDetailed = false;
    this.#detailedSpanCount -= rest.spanCount;
  }

  /** Files a trace if that can be done now, and else when its logs are done. */
  #file(rest: Rest): void {
    const { trace, isDetailed } = rest;
    if (!trace) return;
    if (!('nodes' in trace)) {
      if (!isDetailed) trace.details = undefined;
      return;
    }
    const filed = fileTrace(trace, isDetailed);
    if (filed) {
      rest.trace = filed;
      trace.nodes.clear();
      letGo(trace.logs);
    } else if (!isDetailed || isUnderWay(trace)) {
      this.#await(rest);
    }
  }

  #await(rest: Rest): void {
    if (rest.isUnfinished) return;
    rest.isUnfinished = true;
    this.#unfinished.push(rest);
  }

  /**
   * Files those whose logs are done, up to one that has to wait: logs are delivered in about the order in which their
   * traces came to rest. If it has waited for long, it goes to the end.
   */
  #fileUnfinished(): void {
    for (let count = 0; count < MAX_FILED_AT_ONCE; count++) {
      const rest = this.#unfinished.peek();
      if (!rest) return;
      const isRecent = this.#count - rest.number <= MAX_RECENT;
      if (isRecent && rest.trace && 'nodes' in rest.trace && isUnderWay(rest.trace)) return;
      this.#unfinished.shift();
      rest.isUnfinished = false;
      this.#file(rest);
      if (rest.isUnfinished) return;
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
    this.#detailed = new Fifo();
    this.#unfinished = new Fifo();
    for (const rest of this.#rests.values()) {
      this.#order.push(rest);
      if (rest.isDetailed) this.#detailed.push(rest);
      if (rest.isUnfinished) this.#unfinished.push(rest);
    }
  }
}
