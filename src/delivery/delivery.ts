/**
 * Desired state against delivered state.
 *
 * For every log this knows what it should be now and what the server has acknowledged; work is the difference.
 * - Not delivered, and its parent is acknowledged or it has none: it joins the next wave, one POST of many logs.
 * - Delivered, and `output`, `error` or `duration` differ: a PATCH by reference, with the newest values.
 * - A POST whose answer was lost: a PATCH by reference asks whether the log is there, before it is sent again.
 * - Equal: nothing. A flush waits until all that was here when it was called is equal or dropped.
 *
 * `Ledger` owns the states and what may be sent, `Posts` and `Updates` take it from there and know what the answers mean,
 * `Sender` knows when, and `Spool` keeps a copy on disk. Here they are put together.
 */
import type { RetryOptions, SpoolOptions } from '../options.ts';
import { Deadline } from '../scheduling/deadline.ts';
import type { Transport } from '../transport/transport.ts';
import type { LateFields } from '../wire/late-fields.ts';
import type { DropReason, Drops } from './drops.ts';
import { assumedEntry } from './ledger/earlier-logs.ts';
import { Ledger } from './ledger/ledger.ts';
import type { LogEntry } from './ledger/log-entry.ts';
import type { ExpectedLog, Offer } from './ledger/offer.ts';
import type { Spool } from './ledger/spool.ts';
import { Posts } from './posts.ts';
import { Sender } from './sender.ts';
import { openSpool } from './spool/sqlite-spool.ts';
import { Updates } from './updates.ts';

/** A log's states, ids and places in lists. */
const ENTRY_BYTES = 700;

export interface DeliveryOptions {
  readonly batch: { readonly maxItems: number; readonly maxBytes: number };
  readonly concurrency: number;
  readonly retry: RetryOptions;
  readonly spool?: SpoolOptions | undefined;
  /** Memory is short: with a spool, bodies that are on disk are let go. */
  readonly isPressed?: () => boolean;
}

export class Delivery {
  /** Where one is used: spans that are held back are drafted in it. */
  readonly spool: Spool | undefined;
  readonly #ledger: Ledger;
  readonly #sender: Sender;
  #isClosed = false;
  #spooledCount = 0;

  /** @throws {SqliteError} if a spool is asked for and there is no SQLite engine. */
  constructor(transport: Transport, drops: Drops, options: DeliveryOptions) {
    // What is on disk is given up by its age there, not by how long it has been tried.
    const maxElapsedMillis = options.spool ? Number.POSITIVE_INFINITY : options.retry.maxElapsedMillis;
    this.#ledger = new Ledger(drops, maxElapsedMillis, options.isPressed);
    const posts = new Posts(this.#ledger, options.batch);
    this.#sender = new Sender(transport, posts, new Updates(this.#ledger), options);
    this.spool = options.spool && openSpool(options.spool, drops, this.#ledger);
    this.#ledger.connect(this.#sender, this.spool);
  }

  /** Bytes of what is held here in memory, estimated. */
  get bytes(): number {
    return this.#ledger.contents.bytes + this.#ledger.pending.size * ENTRY_BYTES;
  }

  /** Logs that have something left to do and are in memory as a whole. */
  get heldCount(): number {
    return this.#ledger.pending.size - this.#ledger.contents.unloadedCount;
  }

  stats() {
    return {
      ...this.#ledger.counts,
      queued: this.#ledger.pending.size,
      inFlight: this.#sender.inFlight,
      spooled: this.#spooledCount,
    };
  }

  /** A span is known to be a log. It will be offered: a flush that comes now waits for it. */
  expect(log: ExpectedLog): LogEntry {
    return this.#ledger.expect(log);
  }

  /** A log that this process has not sent, or has forgotten: only an update can reach it. */
  assumeDelivered(referenceId: string): LogEntry {
    return assumedEntry(referenceId);
  }

  /** The datapoint of a log, new or more complete than before. Once it is being sent only the late fields count. */
  offer(entry: LogEntry, offer: Offer): void {
    if (this.#isClosed) this.#ledger.drop(entry, 'shutdown');
    else this.#ledger.offer(entry, offer);
  }

  /** `override` will follow: a flush that comes now waits for it. */
  expectOverride(entry: LogEntry): void {
    this.#ledger.expectOverride(entry);
  }

  /** What the app itself says of a log's late fields. Before the POST it goes into it, afterwards into an update. */
  override(entry: LogEntry, late: LateFields): void {
    if (!this.#isClosed) this.#ledger.override(entry, late);
  }

  /** Nothing more is expected of this log. It is not kept for its span's end. */
  finish(entry: LogEntry): void {
    this.#ledger.finish(entry);
  }

  /** Gives a log up. Its children move to its own parent. */
  drop(entry: LogEntry, reason: DropReason, why?: string): void {
    this.#ledger.drop(entry, reason, why);
  }

  /** Gives up the unsent logs of the oldest trace. `false` if there are none. */
  dropOldestTrace(reason: DropReason): boolean {
    return this.#ledger.dropOldestTrace(reason);
  }

  /** Resolves when what dead processes have left is known here. */
  async recovered(): Promise<void> {
    await this.spool?.recovered();
  }

  /** Resolves when all that is here now is acknowledged or dropped. Rejects at the deadline. */
  async flush(timeoutMillis: number): Promise<void> {
    const { pending } = this.#ledger;
    if (pending.size === 0) return;
    const barrier = pending.addBarrier();
    this.#sender.pump();
    const time = `${Math.round(Math.max(0, timeoutMillis))} ms`;
    await new Deadline(timeoutMillis)
      .within(barrier.reached, () => `${pending.size} logs were not acknowledged within ${time}`)
      .finally(() => pending.removeBarrier(barrier));
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
}
