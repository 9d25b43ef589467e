/**
 * Compares desired state with delivered state.
 *
 * For every log the delivery knows what it should be now and what the server has acknowledged, and sends the
 * difference.
 * - Not delivered, and its parent is acknowledged or it has none: it joins the next wave, one POST of many logs.
 * - Delivered, and feedback has come since: a POST of the feedback.
 * - Delivered, and `output`, `error` or `duration` differ: a PATCH by reference, with the newest values.
 * - A POST whose answer was lost: a PATCH by reference asks whether the server has the log, before it is sent again.
 * - Equal: nothing. A flush waits until all logs that were pending when it was called are equal or dropped.
 *
 * `Ledger` owns the states and the queues of what may be sent. `Posts` and `Updates` take from these queues and know
 * what the answers mean, `Sender` knows when to send, and `Spool` keeps a copy on disk. This file puts them together.
 */
import type { SpoolOptions } from '../options.ts';
import { Deadline } from '../scheduling/deadline.ts';
import { SpanCounts } from '../telemetry/span-counts.ts';
import type { Transport } from '../transport/transport.ts';
import type { LateFields } from '../wire/late-fields.ts';
import type { Feedback } from '../wire/v4.ts';
import type { DropReason, Drops } from './drops.ts';
import { assumedEntry } from './ledger/earlier-logs.ts';
import { Ledger } from './ledger/ledger.ts';
import type { LogEntry } from './ledger/log-entry.ts';
import type { ExpectedLog, Offer } from './ledger/offer.ts';
import type { Spool } from './ledger/spool.ts';
import { Posts } from './posts.ts';
import { Sender, type SenderOptions } from './sender.ts';
import { openSpool } from './spool/sqlite-spool.ts';
import { Updates } from './updates.ts';

/** Estimated memory of an entry apart from its texts: states, ids, places in lists. */
const ENTRY_BYTES = 700;
/** How long an end waits for a server that has always refused connections: nobody has started it. */
const REFUSED_MILLIS = 5_000;

export interface DeliveryOptions extends SenderOptions {
  readonly batch: { readonly maxItems: number; readonly maxBytes: number };
  readonly spool?: SpoolOptions | undefined;
  /** Returns true if memory is short: with a spool, bodies that are on disk are then removed from memory. */
  readonly isPressed?: () => boolean;
  /** Returns true if no more logs are about to come: a wave then goes out without gathering. */
  readonly isQuiet?: () => boolean;
  /** Default: those of a span processor. */
  readonly counts?: SpanCounts;
}

const MIN_ASSUMED = 16;

export class Delivery {
  /** Undefined unless the app configured one. Held spans are drafted in it. */
  readonly spool: Spool | undefined;
  /** The spans that were worked off and the logs that were sent, for metrics. */
  readonly counts: SpanCounts;
  readonly #ledger: Ledger;
  /** The entries of `assumeDelivered`, by reference id. Those that are done are let go when the map has doubled. */
  readonly #assumed = new Map<string, LogEntry>();
  #maxAssumed = MIN_ASSUMED;
  readonly #sender: Sender;
  #isClosed = false;
  #spooledCount = 0;

  /** @throws {SqliteError} if a spool is configured and there is no SQLite engine. */
  constructor(transport: Transport, drops: Drops, options: DeliveryOptions) {
    this.counts = options.counts ?? new SpanCounts();
    // A spooled log expires by its age on disk, not by how long it has been tried.
    const maxElapsedMillis = options.spool ? Number.POSITIVE_INFINITY : options.retry.maxElapsedMillis;
    this.#ledger = new Ledger(drops, maxElapsedMillis, options.isPressed, this.counts);
    const posts = new Posts(this.#ledger, options.batch, options.isQuiet);
    this.#sender = new Sender(transport, posts, new Updates(this.#ledger), options);
    this.spool = options.spool && openSpool(options.spool, drops, this.#ledger, options.quiet);
    this.#ledger.connect(this.#sender, this.spool);
  }

  /** Estimated bytes that the entries take in memory. */
  get bytes(): number {
    return this.#ledger.contents.bytes + this.#ledger.pending.size * ENTRY_BYTES;
  }

  /** Number of pending logs that are completely in memory. */
  get heldCount(): number {
    return this.#ledger.pending.size - this.#ledger.contents.unloadedCount;
  }

  /** Number of pending logs that the server has not acknowledged. It goes through all of them. */
  countUndelivered(): number {
    let count = 0;
    for (const { state } of this.#ledger.pending) if (state !== 'delivered') count++;
    return count;
  }

  stats() {
    return {
      ...this.#ledger.counts,
      queued: this.#ledger.pending.size,
      inFlight: this.#sender.inFlight,
      spooled: this.#spooledCount,
    };
  }

  /** Adds a span that is known to be a log. `accept` has to follow; a flush waits for it from now on. */
  expect(log: ExpectedLog): LogEntry {
    return this.#ledger.expect(log);
  }

  /**
   * Returns an entry for a log that this process has not sent, or has forgotten: only an update can reach it. It is the
   * same one as long as there is something to send, since the spool has one row for each log.
   */
  assumeDelivered(referenceId: string): LogEntry {
    const known = this.#assumed.get(referenceId);
    if (known?.isPending) return known;
    if (this.#assumed.size >= this.#maxAssumed) {
      for (const [id, entry] of this.#assumed) if (!entry.isPending) this.#assumed.delete(id);
      this.#maxAssumed = Math.max(MIN_ASSUMED, 2 * this.#assumed.size);
    }
    const entry = assumedEntry(referenceId);
    this.#assumed.set(referenceId, entry);
    return entry;
  }

  /** Takes the datapoints of logs, new or more complete. Once a log is being sent, only its late fields count. */
  accept(offers: readonly Offer[]): void {
    if (!this.#isClosed) return this.#ledger.accept(offers);
    for (const { entry } of offers) this.#ledger.drop(entry, 'shutdown');
  }

  /** Announces a call of `override`: a flush waits for it from now on. */
  expectOverride(entry: LogEntry): void {
    this.#ledger.expectOverride(entry);
  }

  /** Takes late fields that the app set. They go into the POST; if that is already sent, into an update. */
  override(entry: LogEntry, late: LateFields): void {
    if (!this.#isClosed) this.#ledger.override(entry, late);
  }

  /** Takes feedback that came after its log was offered. It is sent once the log is delivered. */
  addFeedback(entry: LogEntry, feedback: readonly Feedback[]): void {
    const items = feedback.map((item) => JSON.stringify(item));
    if (!this.#isClosed) this.#ledger.feedback.add(entry, items);
    else this.#ledger.feedback.drop(entry, items, 'shutdown');
  }

  /** Stops waiting for the span's end: the log is forgotten once it is delivered. */
  finish(entry: LogEntry): void {
    this.#ledger.finish(entry);
  }

  /** Call this when `isQuiet` may have become true. */
  wake(): void {
    this.#sender.wake();
  }

  /** Gives a log up. Its children move to its own parent. */
  drop(entry: LogEntry, reason: DropReason, why?: string): void {
    this.#ledger.drop(entry, reason, why);
  }

  /** Gives up the unsent logs of the oldest trace. Returns false if there are none. */
  dropOldestTrace(reason: DropReason): boolean {
    return this.#ledger.dropOldestTrace(reason);
  }

  /** Resolves when the logs that dead processes have left have entries. */
  async recovered(): Promise<void> {
    await this.spool?.recovered();
  }

  /**
   * Resolves when all logs that are pending now are acknowledged or dropped.
   *
   * @throws {HumanloopError} (as a rejection) after the time-out.
   */
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

  /**
   * The same before the end. Waits for a server that has always refused connections only for `REFUSED_MILLIS`.
   *
   * @throws {HumanloopError} (as a rejection) after either time.
   */
  async flushLast(deadline: Deadline): Promise<void> {
    if (deadline.leftMillis > REFUSED_MILLIS) {
      const isDone = await this.flush(REFUSED_MILLIS).then(
        () => true,
        (error: unknown) => {
          if (this.#sender.isRefused) throw error;
          return false;
        },
      );
      if (isDone) return;
    }
    await this.flush(deadline.leftMillis);
  }

  /** Leaves pending logs to the spool, or counts them as dropped, and closes the connections. */
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
