/**
 * The traces in which something is open, held or due.
 *
 * When V8 makes another table for a map, the former one still has all that was in the map, and refers to the new one.
 * Young garbage that old garbage refers to is kept until the next full collection. So a map of traces that come and go
 * would keep nearly all of them, with their nodes and logs. It has small places instead, which are emptied.
 */
import type { Trace } from './span-node.ts';

interface Place {
  trace: Trace | undefined;
}

export class ActiveTraces {
  readonly #places = new Map<string, Place>();

  get(traceId: string): Trace | undefined {
    return this.#places.get(traceId)?.trace;
  }

  /** Adds a trace that is not there. */
  add(trace: Trace): void {
    this.#places.set(trace.traceId, { trace });
  }

  delete(traceId: string): void {
    const place = this.#places.get(traceId);
    if (!place) return;
    place.trace = undefined;
    this.#places.delete(traceId);
  }

  /** Oldest first. They may be deleted meanwhile. */
  *[Symbol.iterator](): Generator<Trace> {
    for (const { trace } of this.#places.values()) if (trace) yield trace;
  }
}
