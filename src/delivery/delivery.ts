/**
 * Desired state against delivered state.
 *
 * For every log this knows what it should be now and what the server has acknowledged; work is the difference.
 * - Not delivered, and its parent is acknowledged or it has none: it joins the next wave, one POST of many logs.
 * - Delivered, and `output`, `error` or `duration` differ: a PATCH by reference, with the newest values.
 * - A POST whose answer was lost: a PATCH by reference asks whether the log is there, before it is sent again.
 * - Equal: nothing. A flush waits until all that was here when it was called is equal or dropped.
 *
 * `Ledger` holds the states and who waits for whom, `Posts` and `Updates` what is sent and what the answers mean, `Sender`
 * when it is sent, and `Spool` keeps a copy on disk. Here they are put together.
 */

import { HumanloopError } from '../errors.ts';
import type { RetryOptions, SpoolOptions } from '../options.ts';
import type { Transport } from '../transport/transport.ts';
import type { DropReason, Drops } from './drops.ts';
import { Ledger } from './ledger.ts';
import type { Late, LogEntry } from './log-entry.ts';
import { Posts } from './posts.ts';
import { Sender } from './sender.ts';
import type { OrphanedLog } from './spool/orphan-rows.ts';
import { recoverEntries } from './spool/recovery.ts';
import { Spool } from './spool/spool.ts';
import { Updates } from './updates.ts';

/** A log's states, ids and places in lists. */
const ENTRY_BYTES = 700;
const PROBED_AT_ONCE = 100;

export interface DeliveryOptions {
  readonly batch: { readonly maxItems: number; readonly maxBytes: number };
  readonly concurrency: number;
  readonly retry: RetryOptions;
  readonly spool?: SpoolOptions | undefined;
  /** Memory is short: with a spool, bodies that are on disk are let go. */
  readonly isPressed?: () => boolean;
}

export class Delivery {
  readonly #ledger: Ledger;
  readonly #posts: Posts;
  readonly #updates: Updates;
  readonly #sender: Sender;
  /** Where one is used: spans that are held back are drafted in it. */
  readonly spool: Spool | undefined;
  #isClosed = false;
  #isPumpQueued = false;
  #spooledCount = 0;

  /** @throws {SqliteError} if a spool is asked for and there is no SQLite engine. */
  constructor(transport: Transport, drops: Drops, options: DeliveryOptions) {
    // What is on disk is given up by its age there, not by how long it has been tried.
    const maxElapsedMillis = options.spool ? Number.POSITIVE_INFINITY : options.retry.maxElapsedMillis;
    this.#ledger = new Ledger(
      drops,
      (entry) => this.#posts.add(entry),
      (entry) => this.#updates.add(entry),
    );
    this.#posts = new Posts(this.#ledger, {
      batch: options.batch,
      maxElapsedMillis,
      ask: (entries, isUnlikely) => this.#updates.ask(entries, isUnlikely),
      load: (entry) => this.#load(entry),
      secure: (entries) => this.spool?.secure(entries),
    });
    this.#updates = new Updates(this.#ledger, drops, maxElapsedMillis, (entries) => this.#posts.again(entries));
    const work = {
      takeUpdate: () => this.#updates.take(),
      takeWave: () => this.#posts.take(),
      hasWave: () => this.#posts.hasWave,
      isWaveUrgent: () => this.#posts.isFull || this.#ledger.isAwaited,
    };
    this.#sender = new Sender(transport, work, options);
    if (!options.spool) return;
    const isPressed = options.isPressed ?? (() => false);
    this.spool = new Spool(options.spool, drops, {
      isPressed,
      unload: (entry) => this.#ledger.unload(entry),
      dropOldest: () => this.#ledger.dropOldestTrace('spool_full'),
      recover: (logs) => this.#recover(logs),
    });
    this.#ledger.journal = this.spool;
  }

  /** Bytes of what is held here in memory, estimated. */
  get bytes(): number {
    return this.#ledger.bytes + this.#ledger.pending.size * ENTRY_BYTES;
  }

  /** Logs that have something left to do and are in memory as a whole. */
  get heldCount(): number {
    return this.#ledger.pending.size - this.#ledger.unloadedCount;
  }

  stats() {
    return {
      queued: this.#ledger.pending.size,
      inFlight: this.#sender.inFlight,
      logged: this.#ledger.deliveredCount,
      updated: this.#updates.updatedCount,
      spooled: this.#spooledCount,
      retried: this.#posts.retriedCount + this.#updates.retriedCount,
    };
  }

  /** The entry will be offered: a flush that comes now waits for it. */
  expect(entry: LogEntry): void {
    this.#ledger.expect(entry);
  }

  /**
   * The datapoint of a log, new or more complete than before. Once it is being sent only the late fields count. Of
   * one that may have been sent before it was forgotten, the server is asked first.
   */
  offer(entry: LogEntry, body: string, late: Late, mayBeStored = false): void {
    if (this.#isClosed) return this.drop(entry, 'shutdown');
    if (entry.state === 'dropped') return;
    const { bytes } = entry;
    if (entry.state === 'new' || entry.isUnsent) entry.body = body;
    entry.desire(late);
    this.#ledger.changed(entry, bytes);
    if (entry.state === 'new') {
      this.#ledger.expect(entry);
      if (mayBeStored) this.#ask(entry);
      else this.#ledger.advance(entry);
    }
    this.#ledger.reconcile(entry);
    this.#pumpSoon();
  }

  /** Nothing more is expected of this log. It is not kept for its span's end. */
  finish(entry: LogEntry): void {
    entry.isFinal = true;
    this.#ledger.reconcile(entry);
  }

  /** What the app itself says of a log's late fields. Before the POST it goes into it, afterwards into an update. */
  override(entry: LogEntry, late: Late): void {
    if (this.#isClosed || entry.state === 'dropped') return;
    const { bytes } = entry;
    entry.override(late);
    this.#ledger.changed(entry, bytes);
    this.#ledger.reconcile(entry);
    this.#pumpSoon();
  }

  /** Gives a log up. Its children move to its own parent. */
  drop(entry: LogEntry, reason: DropReason, why?: string): void {
    this.#ledger.drop(entry, reason, why);
  }

  dropOldestTrace(reason: DropReason): boolean {
    return this.#ledger.dropOldestTrace(reason);
  }

  /** Resolves when what dead processes have left is known here. */
  async recovered(): Promise<void> {
    await this.spool?.adopted();
  }

  /** Resolves when all that is here now is acknowledged or dropped. Rejects at the deadline. */
  async flush(timeoutMillis: number): Promise<void> {
    if (this.#ledger.pending.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    let forget: () => void = () => undefined;
    const isDone = await new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, timeoutMillis, false);
      timer.unref();
      forget = this.#ledger.whenDone(() => resolve(true));
      this.#sender.pump();
    });
    clearTimeout(timer);
    forget();
    if (!isDone) {
      throw new HumanloopError(
        `${this.#ledger.pending.size} logs were not acknowledged within ${Math.round(Math.max(0, timeoutMillis))} ms`,
      );
    }
  }

  /** Leaves what is left to the spool, or counts it as dropped, and closes the connections. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.spool?.flush();
    for (const entry of [...this.#ledger.pending]) {
      if (!this.spool?.isStored(entry.referenceId)) this.drop(entry, 'shutdown');
    }
    this.#spooledCount = this.#ledger.pending.size;
    this.spool?.close();
    await this.#sender.close();
  }

  /** Logs of a process that is no more: which of them the server has is not known, so it is asked first. */
  #recover(logs: readonly OrphanedLog[]): void {
    if (this.#isClosed) return;
    const entries = recoverEntries(logs);
    for (const entry of entries) this.#ledger.expectUnloaded(entry);
    const unsure = entries.filter(({ state }) => state === 'unsure');
    const { length } = unsure;
    for (let start = 0; start < length; start += PROBED_AT_ONCE) {
      this.#updates.ask(unsure.slice(start, start + PROBED_AT_ONCE), false);
    }
    for (const entry of entries) this.#ledger.reconcile(entry);
    this.#sender.pump();
  }

  #load(entry: LogEntry): boolean {
    const isLoaded = this.#ledger.load(entry, (unloaded) => this.spool?.load(unloaded) === true);
    if (!isLoaded) this.drop(entry, 'spool_lost');
    return isLoaded;
  }

  #ask(entry: LogEntry): void {
    entry.state = 'unsure';
    this.#updates.ask([entry], false);
  }

  /** Once for all that is offered in one turn. */
  #pumpSoon(): void {
    if (this.#isPumpQueued) return;
    this.#isPumpQueued = true;
    queueMicrotask(() => {
      this.#isPumpQueued = false;
      this.#sender.pump();
    });
  }
}
