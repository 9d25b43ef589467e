/**
 * Who waits for whom: the states of all logs, and what a flush still waits for. Neither network nor clock.
 *
 * A mapped log becomes `ready` when the ancestor that it will name as parent is acknowledged, so that a child can
 * never share a request with its parent. If a parent is dropped, its children look to the next ancestor.
 */
import type { DropReason, Drops } from './drops.ts';
import type { Late, LogEntry } from './log-entry.ts';

interface Barrier {
  /** Waits for the logs that came before, not for what comes later. */
  readonly sequence: number;
  left: number;
  readonly reached: () => void;
}

export class Ledger {
  readonly #drops: Drops;
  readonly #onReady: (entry: LogEntry) => void;
  readonly #onDiffers: (entry: LogEntry) => void;
  /** Notes every change of a log that a restart would have to know of. */
  journal: { note(entry: LogEntry): void } | undefined;
  /** Logs with something left to do, in the order in which they came. */
  readonly #pending = new Set<LogEntry>();
  readonly #barriers = new Set<Barrier>();
  #sequence = 0;
  #bytes = 0;
  #deliveredCount = 0;
  #unloadedCount = 0;

  constructor(drops: Drops, onReady: (entry: LogEntry) => void, onDiffers: (entry: LogEntry) => void) {
    this.#drops = drops;
    this.#onReady = onReady;
    this.#onDiffers = onDiffers;
  }

  get pending(): ReadonlySet<LogEntry> {
    return this.#pending;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get deliveredCount(): number {
    return this.#deliveredCount;
  }

  /** Logs whose body is on disk only. */
  get unloadedCount(): number {
    return this.#unloadedCount;
  }

  get isAwaited(): boolean {
    return this.#barriers.size > 0;
  }

  /** From now on a flush waits for this log. */
  expect(entry: LogEntry): void {
    if (entry.sequence !== 0 || entry.state === 'dropped') return;
    entry.sequence = ++this.#sequence;
    this.#pending.add(entry);
  }

  /** To be called after every change of what an entry holds, with its bytes before it. */
  changed(entry: LogEntry, bytesBefore: number): void {
    this.#bytes += entry.bytes - bytesBefore;
    this.journal?.note(entry);
  }

  /** Its body is on disk: it need not be in memory too. */
  unload(entry: LogEntry): boolean {
    if (entry.state !== 'waiting' && entry.state !== 'ready') return false;
    const { bytes } = entry;
    entry.unload();
    this.#bytes += entry.bytes - bytes;
    this.#unloadedCount++;
    return true;
  }

  /** The body comes back from the disk, as far as `read` finds it. */
  load(entry: LogEntry, read: (entry: LogEntry) => boolean): boolean {
    const { bytes } = entry;
    const isLoaded = read(entry);
    if (isLoaded) this.#unloadedCount--;
    this.#bytes += entry.bytes - bytes;
    return isLoaded;
  }

  /** A log of a process that is no more: its body is on disk. */
  expectUnloaded(entry: LogEntry): void {
    this.expect(entry);
    if (entry.storedBytes !== undefined) this.#unloadedCount++;
  }

  /** A log was mapped, or its parent's fate is known. */
  advance(entry: LogEntry): void {
    const parent = entry.effectiveParent;
    if (!parent || parent.state === 'delivered') {
      entry.state = 'ready';
      this.#onReady(entry);
    } else {
      entry.state = 'waiting';
      parent.waiters ??= [];
      parent.waiters.push(entry);
    }
  }

  delivered(entry: LogEntry, sent: Late): void {
    entry.state = 'delivered';
    entry.firstAttemptMillis = undefined;
    entry.acknowledge(sent);
    this.#deliveredCount++;
    this.reconcile(entry);
    this.#releaseWaiters(entry);
  }

  /** After a change or an acknowledgement: is there something left to do for a delivered log? */
  reconcile(entry: LogEntry): void {
    if (entry.state !== 'delivered' || entry.isUpdating) return;
    if (entry.difference()) {
      this.expect(entry);
      this.journal?.note(entry);
      entry.isUpdating = true;
      this.#onDiffers(entry);
      return;
    }
    if (entry.isFinal) this.#release(entry);
    this.#settle(entry);
  }

  drop(entry: LogEntry, reason: DropReason, why?: string): void {
    if (entry.state === 'dropped') return;
    this.#release(entry);
    entry.state = 'dropped';
    this.#drops.add(reason, entry.referenceId, why);
    this.#settle(entry);
    this.#releaseWaiters(entry);
  }

  /** Gives up the unsent logs of the oldest trace, all of them: half a trace is worth less than none. */
  dropOldestTrace(reason: DropReason): boolean {
    for (const oldest of this.#pending) {
      if (!oldest.isUnsent) continue;
      for (const entry of oldest.family) if (entry.isUnsent) this.drop(entry, reason);
      return true;
    }
    return false;
  }

  /** Calls back once everything that is pending now is done; the returned function takes that back. */
  whenDone(reached: () => void): () => void {
    const barrier: Barrier = { sequence: this.#sequence, left: this.#pending.size, reached };
    this.#barriers.add(barrier);
    return () => this.#barriers.delete(barrier);
  }

  #releaseWaiters(entry: LogEntry): void {
    const { waiters } = entry;
    entry.waiters = undefined;
    for (const waiter of waiters ?? []) if (waiter.state === 'waiting') this.advance(waiter);
  }

  #release(entry: LogEntry): void {
    if (entry.storedBytes !== undefined) this.#unloadedCount--;
    const { bytes } = entry;
    entry.release();
    this.changed(entry, bytes);
  }

  #settle(entry: LogEntry): void {
    const { sequence } = entry;
    const wasPending = this.#pending.delete(entry);
    entry.sequence = 0;
    this.journal?.note(entry);
    if (!wasPending) return;
    for (const barrier of this.#barriers) {
      if (sequence <= barrier.sequence && --barrier.left === 0) barrier.reached();
    }
  }
}
