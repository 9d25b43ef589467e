/**
 * Decides which log waits for which, and which are ready. A mapped log is `ready` when the ancestor that it will name
 * as parent is acknowledged, so a child never shares a request with its parent. If a parent is dropped, its children
 * wait for the next ancestor. Only the ledger uses this.
 */
import { Fifo } from '../../scheduling/fifo.ts';
import { letGo } from '../../scheduling/let-go.ts';
import { type MutableEntry, mutable } from './mutable-entry.ts';

export class Order {
  readonly #ready = new Fifo<MutableEntry>();

  /** Number of logs in the queue; some may have been dropped since. */
  get readyCount(): number {
    return this.#ready.length;
  }

  /** Returns the ready log that has waited longest. */
  peek(): MutableEntry | undefined {
    while (true) {
      const entry = this.#ready.peek();
      if (!entry || entry.state === 'ready') return entry;
      this.#ready.shift();
    }
  }

  shift(): MutableEntry | undefined {
    const entry = this.peek();
    this.#ready.shift();
    return entry;
  }

  /** Call this when the log was mapped, or when the ancestor that it waited for is delivered or dropped. */
  advance(entry: MutableEntry): void {
    if (this.#decide(entry)) this.#ready.push(entry);
  }

  /** Queues logs that are to be sent again, before all others. */
  putBack(entries: readonly MutableEntry[]): void {
    this.#ready.unshift(entries.filter((entry) => this.#decide(entry)));
  }

  /** Call this when the log is delivered or dropped. */
  advanceChildren(entry: MutableEntry): void {
    const { waiters } = entry;
    entry.waiters = undefined;
    if (!waiters) return;
    for (let at = 0; at < waiters.length; at++) {
      const waiter = waiters[at] as MutableEntry;
      if (waiter.state === 'waiting') this.advance(waiter);
    }
    letGo(waiters);
  }

  /** Call this when a delivered log has to be sent again: children that are ready wait for it again. */
  putBackChildren(entry: MutableEntry): void {
    // They stay in the queue, too, where only ready logs are taken.
    for (const log of entry.family)
      if (log.state === 'ready' && log.effectiveParent === entry) this.#decide(mutable(log));
  }

  /**
   * Makes the log ready or waiting; returns true if ready. After a restart its parent may have to be sent again first.
   */
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
