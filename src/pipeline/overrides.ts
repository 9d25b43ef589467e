/** Late fields that the app set with `update()`. They win over the span's, and wait at the span until it has a log. */
import type { Delivery } from '../delivery/delivery.ts';
import type { Drops } from '../delivery/drops.ts';
import type { LogEntry } from '../delivery/ledger/log-entry.ts';
import { referenceOf, type SpanNode } from '../trace/span-node.ts';
import type { TraceTracker } from '../trace/trace-tracker.ts';
import type { LateFields } from '../wire/late-fields.ts';
import { referenceIdOf } from '../wire/reference-id.ts';
import type { Redaction } from './redaction.ts';

export class Overrides {
  readonly #delivery: Delivery;
  readonly #tracker: TraceTracker;
  readonly #drops: Drops;
  readonly #redaction: Redaction;

  constructor(delivery: Delivery, tracker: TraceTracker, drops: Drops, redaction: Redaction) {
    this.#delivery = delivery;
    this.#tracker = tracker;
    this.#drops = drops;
    this.#redaction = redaction;
  }

  /** Takes what the app set. The span may be unknown here: its log is taken for delivered then. */
  take(traceId: string, spanId: string, late: LateFields): void {
    const node = this.#tracker.find(traceId, spanId);
    if (!node) return this.send(this.#delivery.assumeDelivered(referenceIdOf(traceId, spanId)), late);
    const entry = node.entry ?? node.keeper?.entry;
    if (entry) return this.send(entry, late);
    node.overrides = { ...node.overrides, ...late };
    if (node.isNoLog && node.state === 'retired') this.drop(node);
  }

  /** Gives a log what was set before its span had it. */
  give(node: SpanNode, entry: LogEntry): void {
    if (node.overrides) this.send(entry, node.overrides);
    node.overrides = undefined;
  }

  /** Call this when the span is retired: nothing waits any longer. */
  settle(node: SpanNode): void {
    if (node.overrides && node.keeper?.entry) this.send(node.keeper.entry, node.overrides);
    else this.drop(node);
  }

  /** Counts what was set for a span that is not a log, or that was forgotten before it was one. */
  drop(node: SpanNode): void {
    if (node.overrides) this.#drops.add('update_not_a_log', referenceOf(node));
    node.overrides = undefined;
  }

  /** Sends late fields of a log, whether the app set them or a later span has them. */
  send(entry: LogEntry, late: LateFields): void {
    // The hook may be asynchronous: a flush waits for its answer.
    this.#delivery.expectOverride(entry);
    this.#redaction.redactLate(entry.referenceId, late, (cleared) => this.#delivery.override(entry, cleared));
  }
}
