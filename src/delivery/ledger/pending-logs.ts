/**
 * The logs with something left to do, in the order in which they came, and the barriers of flushes: each waits for the
 * logs that were pending when it was added, and not for later ones.
 *
 * The logs are linked to each other. A set would be kept by V8 in several versions, since it makes another table for each
 * few hundred that come and go, and with them logs that are done: see `active-traces.ts`.
 */
import type { LogEntry } from './log-entry.ts';
import type { MutableEntry } from './mutable-entry.ts';

export interface FlushBarrier {
  /** Resolves when all that was pending is done. */
  readonly reached: Promise<void>;
}

/** What other rooms may do with the pending logs. */
export interface Pending extends Iterable<LogEntry> {
  readonly size: number;
  /** True while a flush waits. */
  readonly isAwaited: boolean;
  /** Returns a barrier that is reached when all logs that are pending now are done. */
  addBarrier(): FlushBarrier;
  /** Removes a barrier that nobody waits for any more. */
  removeBarrier(barrier: FlushBarrier): void;
}

interface OpenBarrier extends FlushBarrier {
  /** The sequence of the last log that came before the barrier. */
  readonly sequence: number;
  left: number;
  readonly resolve: () => void;
}

export class PendingLogs implements Pending {
  #first: MutableEntry | undefined;
  #last: MutableEntry | undefined;
  #size = 0;
  readonly #barriers = new Set<OpenBarrier>();
  #sequence = 0;

  get size(): number {
    return this.#size;
  }

  /** Oldest first. It ends at a log that is removed meanwhile. */
  *[Symbol.iterator](): Generator<MutableEntry> {
    for (let entry = this.#first; entry; entry = entry.next) yield entry;
  }

  add(entry: MutableEntry): void {
    if (entry.isPending) return;
    entry.sequence = ++this.#sequence;
    this.#size++;
    entry.previous = this.#last;
    if (this.#last) this.#last.next = entry;
    else this.#first = entry;
    this.#last = entry;
  }

  remove(entry: MutableEntry): void {
    if (!entry.isPending) return;
    const { sequence } = entry;
    entry.sequence = 0;
    this.#unlink(entry);
    if (this.#barriers.size > 0) this.#countDown(sequence);
  }

  /** A log of this sequence is done. */
  #countDown(sequence: number): void {
    for (const barrier of this.#barriers) {
      if (sequence > barrier.sequence || --barrier.left > 0) continue;
      this.#barriers.delete(barrier);
      barrier.resolve();
    }
  }

  /** Keeps no link from a log that is done: it would keep those after it in memory. */
  #unlink(entry: MutableEntry): void {
    const { previous, next } = entry;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    entry.previous = undefined;
    entry.next = undefined;
    this.#size--;
  }

  get isAwaited(): boolean {
    return this.#barriers.size > 0;
  }

  addBarrier(): FlushBarrier {
    let resolve: () => void = () => undefined;
    const reached = new Promise<void>((fulfil) => {
      resolve = fulfil;
    });
    const barrier: OpenBarrier = { sequence: this.#sequence, left: this.size, resolve, reached };
    if (barrier.left === 0) resolve();
    else this.#barriers.add(barrier);
    return barrier;
  }

  removeBarrier(barrier: FlushBarrier): void {
    this.#barriers.delete(barrier as OpenBarrier);
  }
}
