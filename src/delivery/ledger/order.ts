/**
 * Who waits for whom, and what is ready. A mapped log is `ready` when the ancestor that it will name as parent is
 * acknowledged, so that a child can never share a request with its parent. If a parent is dropped, its children look to
 * the next ancestor. For the ledger alone.
 */
import { Fifo } from '../../scheduling/fifo.ts';
import type { MutableEntry } from './mutable-entry.ts';

export class Order {
  readonly #ready = new Fifo<MutableEntry>();

  /** Logs in the queue; some may have been dropped since. */
  get readyCount(): number {
    return this.#ready.length;
  }

  /** The ready log that has waited longest. */
  peek(): MutableEntry | undefined {
    for (let entry = this.#ready.peek(); entry; entry = this.#ready.peek()) {
      if (entry.state === 'ready') return entry;
      this.#ready.shift();
    }
    return undefined;
  }

  shift(): MutableEntry | undefined {
    const entry = this.peek();
    this.#ready.shift();
    return entry;
  }

  /** The log was mapped, or what became of the ancestor that it waited for is known. */
  advance(entry: MutableEntry): void {
    if (this.#decide(entry)) this.#ready.push(entry);
  }

  /** The logs are to be sent again, before all others. */
  putBack(entries: readonly MutableEntry[]): void {
    this.#ready.unshift(entries.filter((entry) => this.#decide(entry)));
  }

  /** The log is delivered or dropped. */
  advanceChildren(entry: MutableEntry): void {
    const { waiters } = entry;
    entry.waiters = undefined;
    for (const waiter of waiters ?? []) if (waiter.state === 'waiting') this.advance(waiter);
  }

  /** Ready or waiting. After a restart the parent may have to be sent again, too, and first. */
  #decide(entry: MutableEntry): boolean {
    const parent = entry.effectiveParent;
    const isReady = !parent || parent.state === 'delivered';
    entry.state = isReady ? 'ready' : 'waiting';
    if (isReady) return true;
    parent.waiters ??= [];
    parent.waiters.push(entry);
    return false;
  }
}
