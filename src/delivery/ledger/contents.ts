/**
 * What the logs hold: bodies and late fields, in memory or left to the spool, and the sums of both. For the ledger alone,
 * which calls this with each change.
 */
import type { LogEntry } from './log-entry.ts';
import type { MutableEntry } from './mutable-entry.ts';
import type { Spool } from './spool.ts';

export class Contents {
  #spool: Spool | undefined;
  #bytes = 0;
  #unloadedCount = 0;

  /** From now on each change is noted in the spool. */
  connect(spool: Spool | undefined): void {
    this.#spool = spool;
  }

  /** What is in memory, estimated: a character counts as one byte. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Logs whose bodies are on disk only. */
  get unloadedCount(): number {
    return this.#unloadedCount;
  }

  /** Something about the log has changed that a restart would have to know of, or that takes memory. */
  changed(entry: MutableEntry): void {
    this.#recount(entry);
    // Nothing of a new log can be sent: if the spool knows it, then as a draft, which must stand until it is offered.
    if (entry.state !== 'new') this.#spool?.note(entry);
  }

  /** Takes over a log as it was made, with its body on disk or without one. */
  add(entry: MutableEntry): void {
    if (entry.isUnloaded) this.#unloadedCount++;
    this.#recount(entry);
  }

  /** A newer body than the one that is here or on disk. `changed` has to follow. */
  replaceBody(entry: MutableEntry, body: string): void {
    // The late fields come back, for a field that is not said now keeps its value.
    if (entry.isUnloaded && !this.load(entry)) this.#markLoaded(entry);
    entry.body = body;
  }

  unload(entry: MutableEntry): void {
    entry.unload();
    this.#unloadedCount++;
    this.#recount(entry);
  }

  /** `false` if what the log held is lost. */
  load(entry: MutableEntry): boolean {
    const stored = this.#spool?.load(entry.referenceId);
    if (!stored) return false;
    entry.load(stored.body, stored.late);
    this.#markLoaded(entry);
    this.#recount(entry);
    return true;
  }

  secure(entries: readonly LogEntry[]): void {
    this.#spool?.secure(entries);
  }

  /** Nothing of the log will be sent any more. `changed` has to follow. */
  clear(entry: MutableEntry): void {
    if (entry.isUnloaded) this.#markLoaded(entry);
    entry.clear();
  }

  #markLoaded(entry: MutableEntry): void {
    entry.storedBytes = undefined;
    this.#unloadedCount--;
  }

  #recount(entry: MutableEntry): void {
    const bytes = entry.countBytes();
    this.#bytes += bytes - entry.bytes;
    entry.bytes = bytes;
  }
}
