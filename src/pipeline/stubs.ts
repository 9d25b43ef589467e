/** The placeholders whose stubs are sent and whose spans have not come. At shutdown their logs are closed. */
import type { LogEntry } from '../delivery/ledger/log-entry.ts';
import type { SpanNode } from '../trace/span-node.ts';

const MAX_STUBS = 10_000;

export class Stubs {
  readonly #nodes = new Set<SpanNode>();
  readonly #finish: (entry: LogEntry) => void;

  /** `finish` is called for the log of a stub that is forgotten: it will not be closed at shutdown. */
  constructor(finish: (entry: LogEntry) => void) {
    this.#finish = finish;
  }

  [Symbol.iterator](): IterableIterator<SpanNode> {
    return this.#nodes.values();
  }

  /** If there are too many, forgets the oldest. */
  add(node: SpanNode): void {
    this.#nodes.add(node);
    for (const oldest of this.#nodes) {
      if (this.#nodes.size <= MAX_STUBS) return;
      this.#nodes.delete(oldest);
      if (oldest.entry) this.#finish(oldest.entry);
    }
  }

  /** The span has come. */
  delete(node: SpanNode): void {
    if (this.#nodes.size > 0) this.#nodes.delete(node);
  }
}
