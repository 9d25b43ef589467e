/** Bounds the memory of spans and logs by the option `queue`: what is held longest gives way first, and is counted. */
import type { Delivery } from '../delivery/delivery.ts';
import type { Drops } from '../delivery/drops.ts';
import type { ResolvedOptions } from '../options.ts';
import { referenceOf, type SpanNode } from '../trace/span-node.ts';
import { noteContext } from '../trace/trace-context.ts';
import type { TraceTracker } from '../trace/trace-tracker.ts';

/** At this share of a bound, the spans that are held longest are released early, so that nothing has to be dropped. */
const PRESSURE = 0.75;
const RELEASED_AT_ONCE = 1_000;

export interface PressureOptions extends Pick<ResolvedOptions, 'queue' | 'session'> {
  readonly isLog: (node: SpanNode) => boolean;
}

export class Pressure {
  readonly #tracker: TraceTracker;
  readonly #delivery: Delivery;
  readonly #drops: Drops;
  readonly #options: PressureOptions;

  constructor(tracker: TraceTracker, delivery: Delivery, drops: Drops, options: PressureOptions) {
    this.#tracker = tracker;
    this.#delivery = delivery;
    this.#drops = drops;
    this.#options = options;
  }

  get isHigh(): boolean {
    return this.usage() > PRESSURE;
  }

  /** Returns memory use as a share of the bound of `queue`, in items or bytes, whichever is larger. */
  usage(): number {
    const { queue } = this.#options;
    const items = this.#tracker.pendingCount + this.#delivery.heldCount;
    return Math.max(items / queue.maxItems, (this.#tracker.bytes + this.#delivery.bytes) / queue.maxBytes);
  }

  /** Call this when a span has ended. */
  relieve(): void {
    if (!this.isHigh) return;
    this.#tracker.releaseOldest(RELEASED_AT_ONCE);
    while (this.usage() > 1 && this.#delivery.dropOldestTrace('queue_full'));
  }

  /** Call this when a span has started. It forgets a tenth of the bound at once, so that this is rarely needed. */
  boundOpen(): void {
    const { queue, session, isLog } = this.#options;
    if (this.#tracker.openCount <= queue.maxItems) return;
    this.#tracker.forgetOldestOpen(Math.ceil(queue.maxItems / 10), (node) => {
      noteContext(node, session);
      if (node.entry) this.#delivery.finish(node.entry);
      if (!isLog(node)) return;
      this.#drops.add('span_forgotten', referenceOf(node), 'open for too long');
      if (!node.entry) this.#delivery.counts.failUnsent('span_forgotten');
    });
  }
}
