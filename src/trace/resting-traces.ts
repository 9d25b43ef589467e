/**
 * Remembers traces in which nothing is open, held or due, so that a span that comes late still finds its parent and its
 * session.
 *
 * A processor knows the parent of a span that is open or has just ended. It remembers traces with logs, and those that
 * say something of the session of later logs. An exporter also has to remember traces without logs: a span that is not a
 * log may be the only link between two logs. Such traces are most of what many apps export. They have a bound of their
 * own, so that they do not push out traces with logs.
 */
import type { Trace } from './span-node.ts';
import { hasContext } from './trace-context.ts';
import { TraceShelf } from './trace-shelf.ts';

/** About 4 MB once filed, if traces have ten spans. */
const WITH_LOGS = { maxSpans: 50_000, maxDetailedSpans: 5_000 };
/** About 9 MB if traces have four spans, and 23 MB if they have one. */
const WITHOUT_LOGS = { maxSpans: 50_000, maxDetailedSpans: 500 };

export class RestingTraces {
  readonly #withLogs = new TraceShelf(WITH_LOGS);
  readonly #withoutLogs: TraceShelf | undefined;

  constructor({ keepsTracesWithoutLogs }: { keepsTracesWithoutLogs: boolean }) {
    if (keepsTracesWithoutLogs) this.#withoutLogs = new TraceShelf(WITHOUT_LOGS);
  }

  /** A log of a span that is not known may have been sent before. */
  get hasForgotten(): boolean {
    return this.#withLogs.hasForgotten;
  }

  get(traceId: string): Trace | undefined {
    return this.#withLogs.get(traceId) ?? this.#withoutLogs?.get(traceId);
  }

  put(trace: Trace): void {
    if (this.#withoutLogs && !trace.context) this.#withoutLogs.put(trace);
    else if (hasContext(trace)) this.#withLogs.put(trace);
  }

  /** Something happens in the trace again: it is no longer here. */
  wake(traceId: string): Trace | undefined {
    return this.#withLogs.wake(traceId) ?? this.#withoutLogs?.wake(traceId);
  }
}
