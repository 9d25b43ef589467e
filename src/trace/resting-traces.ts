/**
 * Traces with logs in which nothing is open or due: remembered, so that a child that starts late still finds its
 * parent and its session. Those that rest longest are forgotten first.
 */
import { Fifo } from '../delivery/fifo.ts';
import type { Trace } from './span-node.ts';

/** About 20 MB of ids. */
const MAX_REMEMBERED_SPANS = 50_000;

interface Rest {
  readonly trace: Trace;
}

export class RestingTraces {
  readonly #rests = new Map<string, Rest>();
  /** In the order in which they began. A map's own order costs more the more was taken out of its front. */
  #order = new Fifo<Rest>();
  #spanCount = 0;
  #hasForgotten = false;

  /** A span that is not known may have been sent before. */
  get hasForgotten(): boolean {
    return this.#hasForgotten;
  }

  get(traceId: string): Trace | undefined {
    return this.#rests.get(traceId)?.trace;
  }

  put(trace: Trace): void {
    const rest: Rest = { trace };
    this.#rests.set(trace.traceId, rest);
    this.#order.push(rest);
    this.#spanCount += trace.nodes.size;
    while (this.#spanCount > MAX_REMEMBERED_SPANS && this.#rests.size > 1) this.#forgetOldest();
    if (this.#order.length > 2 * this.#rests.size + 1_000) this.#forgetEndedRests();
  }

  /** Something happens in the trace again. */
  take(traceId: string): Trace | undefined {
    const rest = this.#rests.get(traceId);
    if (!rest) return undefined;
    this.#rests.delete(traceId);
    this.#spanCount -= rest.trace.nodes.size;
    return rest.trace;
  }

  #forgetOldest(): void {
    const rest = this.#order.shift();
    if (!rest || !this.#lasts(rest)) return;
    this.take(rest.trace.traceId);
    this.#hasForgotten = true;
  }

  /** A trace that wakes again and again would leave an entry each time. */
  #forgetEndedRests(): void {
    const order = new Fifo<Rest>();
    for (const rest of this.#rests.values()) order.push(rest);
    this.#order = order;
  }

  #lasts(rest: Rest): boolean {
    return this.#rests.get(rest.trace.traceId) === rest;
  }
}
