/**
 * Traces with logs in which nothing is open or due: remembered, so that a child that starts late still finds its
 * parent and its session. Those that rest longest are forgotten first.
 */
import type { Trace } from './span-node.ts';

/** About 20 MB of ids. */
const MAX_REMEMBERED_SPANS = 50_000;

export class RestingTraces {
  readonly #traces = new Map<string, Trace>();
  #spanCount = 0;
  #hasForgotten = false;

  /** A span that is not known may have been sent before. */
  get hasForgotten(): boolean {
    return this.#hasForgotten;
  }

  get(traceId: string): Trace | undefined {
    return this.#traces.get(traceId);
  }

  put(trace: Trace): void {
    this.#traces.set(trace.traceId, trace);
    this.#spanCount += trace.nodes.size;
    for (const oldest of this.#traces.values()) {
      if (this.#spanCount <= MAX_REMEMBERED_SPANS || oldest === trace) return;
      this.take(oldest.traceId);
      this.#hasForgotten = true;
    }
  }

  /** Something happens in the trace again. */
  take(traceId: string): Trace | undefined {
    const trace = this.#traces.get(traceId);
    if (!trace) return undefined;
    this.#traces.delete(traceId);
    this.#spanCount -= trace.nodes.size;
    return trace;
  }
}
