/**
 * Traces with logs in which nothing is open or due: remembered, so that a child that starts late still finds its
 * parent and its session. Those that rest longest are forgotten first.
 */
import { Fifo } from '../scheduling/fifo.ts';
import { type FiledTrace, fileTrace, unfileTrace } from './filed-trace.ts';
import type { Trace } from './span-node.ts';

/** About 4 MB of ids. */
const MAX_REMEMBERED_SPANS = 50_000;
/** Of older traces only that is kept which late spans need. */
const MAX_WHOLE_SPANS = 5_000;

interface Rest {
  readonly traceId: string;
  readonly spanCount: number;
  trace: Trace | FiledTrace;
}

export class RestingTraces {
  readonly #rests = new Map<string, Rest>();
  /** In the order in which they began. A map's own order costs more the more was taken out of its front. */
  #order = new Fifo<Rest>();
  /** Those that are not filed yet, in the same order. */
  readonly #whole = new Fifo<Rest>();
  #wholeCount = 0;
  #spanCount = 0;
  #hasForgotten = false;

  /** A span that is not known may have been sent before. */
  get hasForgotten(): boolean {
    return this.#hasForgotten;
  }

  get(traceId: string): Trace | undefined {
    const rest = this.#rests.get(traceId);
    if (!rest) return undefined;
    rest.trace = wholeOf(rest.trace);
    return rest.trace;
  }

  put(trace: Trace): void {
    const rest: Rest = { traceId: trace.traceId, spanCount: trace.nodes.size, trace };
    this.#rests.set(trace.traceId, rest);
    this.#order.push(rest);
    this.#whole.push(rest);
    this.#spanCount += rest.spanCount;
    this.#wholeCount += rest.spanCount;
    while (this.#wholeCount > MAX_WHOLE_SPANS) this.#fileOldest();
    while (this.#spanCount > MAX_REMEMBERED_SPANS && this.#rests.size > 1) this.#forgetOldest();
    if (this.#order.length > 2 * this.#rests.size + 1_000) this.#forgetEndedRests();
  }

  /** Something happens in the trace again. */
  take(traceId: string): Trace | undefined {
    const rest = this.#rests.get(traceId);
    if (!rest) return undefined;
    this.#end(rest);
    return wholeOf(rest.trace);
  }

  #end(rest: Rest): void {
    this.#rests.delete(rest.traceId);
    this.#spanCount -= rest.spanCount;
  }

  #fileOldest(): void {
    const rest = this.#whole.shift() as Rest;
    this.#wholeCount -= rest.spanCount;
    if (this.#lasts(rest) && 'nodes' in rest.trace) rest.trace = fileTrace(rest.trace) ?? rest.trace;
  }

  #forgetOldest(): void {
    const rest = this.#order.shift();
    if (!rest || !this.#lasts(rest)) return;
    this.#end(rest);
    this.#hasForgotten = true;
  }

  /** A trace that wakes again and again would leave an entry each time. */
  #forgetEndedRests(): void {
    const order = new Fifo<Rest>();
    for (const rest of this.#rests.values()) order.push(rest);
    this.#order = order;
  }

  #lasts(rest: Rest): boolean {
    return this.#rests.get(rest.traceId) === rest;
  }
}

function wholeOf(trace: Trace | FiledTrace): Trace {
  return 'nodes' in trace ? trace : unfileTrace(trace);
}
