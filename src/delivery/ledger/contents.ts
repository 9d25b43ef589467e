/**
 * The bodies and late fields of the logs, in memory or only on disk, and the sums of both. Only the ledger uses this,
 * and calls it with each change.
 */
import type { Body } from '../../datapoint/body.ts';
import type { LogEntry } from './log-entry.ts';
import type { MutableEntry } from './mutable-entry.ts';
import type { Spool } from './spool.ts';

export class Contents {
  #spool: Spool | undefined;
  #bytes = 0;
  #unloadedCount = 0;

  /** Starts to note each change in the spool. */
  connect(spool: Spool | undefined): void {
    this.#spool = spool;
  }

  /** Estimated bytes in memory: a character counts as one. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Number of logs whose bodies are on disk only. */
  get unloadedCount(): number {
    return this.#unloadedCount;
  }

  /** Call this after a change that a restart has to know of, or that takes memory. */
  changed(entry: MutableEntry): void {
    this.#recount(entry);
    // A new log cannot be sent. The spool may have a draft of it, which must stay until the log is offered.
    if (entry.state !== 'new') this.#spool?.note(entry);
  }

  /** Counts an entry that was recovered. */
  add(entry: MutableEntry): void {
    if (entry.isUnloaded) this.#unloadedCount++;
    this.#recount(entry);
  }

  /** Replaces the body in memory or on disk. `changed` has to follow. */
  replaceBody(entry: MutableEntry, body: Body): void {
    // The late fields are loaded, since a field that the newer datapoint lacks keeps its value.
    if (entry.isUnloaded && !this.load(entry)) this.#markLoaded(entry);
    entry.replaceBody(body);
  }

  unload(entry: MutableEntry): void {
    entry.unload();
    this.#unloadedCount++;
    this.#recount(entry);
  }

  /** Loads body and late fields from disk. Returns false if they are lost. */
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

  /** Forgets the content of a log of which nothing more will be sent. `changed` has to follow. */
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
