/** Creates the entries of logs, each after the entry of the log that it can name as its parent. */
import type { Delivery } from '../delivery/delivery.ts';
import type { LogEntry } from '../delivery/ledger/log-entry.ts';
import { millisOf } from '../otel/hr-time.ts';
import { findAncestor, referenceOf, type SpanNode } from '../trace/span-node.ts';
import type { MapFlags } from './map-log.ts';

export interface EntriesOptions {
  readonly isLog: (node: SpanNode) => boolean;
  /** Called with an ancestor that is not due itself: it is posted as it is now, so that its children can be sent. */
  readonly write: (ancestor: SpanNode, flags: MapFlags) => void;
}

export class Entries {
  readonly #delivery: Delivery;
  readonly #options: EntriesOptions;

  constructor(delivery: Delivery, options: EntriesOptions) {
    this.#delivery = delivery;
    this.#options = options;
  }

  /** Returns the entry of a log. */
  of(node: SpanNode, flags: MapFlags): LogEntry {
    if (node.entry) return node.entry;
    const above = findAncestor(node, this.#options.isLog);
    if (above && !above.entry) this.#createFrom(above, flags);
    return this.#create(node, above?.entry);
  }

  /** Creates the missing entries from the top down to this log. */
  #createFrom(log: SpanNode, flags: MapFlags): void {
    const { isLog, write } = this.#options;
    const missing: SpanNode[] = [];
    let parent: SpanNode | undefined = log;
    for (; parent && !parent.entry; parent = findAncestor(parent, isLog)) missing.push(parent);
    for (const step of missing.reverse()) {
      this.#create(step, parent?.entry);
      if (step.state === 'open' || !step.span) write(step, flags);
      parent = step;
    }
  }

  #create(node: SpanNode, parent: LogEntry | undefined): LogEntry {
    // Only the spool has a use for it.
    const startedMillis = (this.#delivery.spool && node.span && millisOf(node.span.startTime)) ?? 0;
    node.entry = this.#delivery.expect({
      referenceId: referenceOf(node),
      parent,
      family: node.trace.logs,
      startedMillis,
    });
    return node.entry;
  }
}
