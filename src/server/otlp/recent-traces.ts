/** Which traces have lately come by OTLP, so that logs that come by the v4 API are looked at only if they may be of one. */
import type { LogRequest } from '../../wire/v4.ts';

/** Those that have had no span for longest are forgotten first. */
const MAX_TRACES = 10_000;
const REFERENCE = /^([0-9a-f]{32})-[0-9a-f]{16}$/;

export class RecentTraces {
  readonly #traceIds = new Set<string>();

  add(traceIds: readonly string[]): void {
    for (const traceId of traceIds) {
      this.#traceIds.delete(traceId);
      this.#traceIds.add(traceId);
    }
    for (const oldest of this.#traceIds) {
      if (this.#traceIds.size <= MAX_TRACES) return;
      this.#traceIds.delete(oldest);
    }
  }

  /** Returns those of these traces in which a log names a parent that is not of the same request. */
  tracesOfStrangers(requests: readonly LogRequest[]): string[] {
    if (this.#traceIds.size === 0) return [];
    const own = new Set(requests.map(({ reference_id: reference }) => reference));
    const found = new Set<string>();
    for (const { parent_reference_id: parent } of requests) {
      const traceId = parent && !own.has(parent) ? REFERENCE.exec(parent)?.[1] : undefined;
      if (traceId !== undefined && this.#traceIds.has(traceId)) found.add(traceId);
    }
    return [...found].sort();
  }
}
