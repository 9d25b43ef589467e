/**
 * Owns the logs' states. Everything that can happen to a log is a method here, in the order of a log's life. It also
 * updates the queues, the flushes, the sums and the spool. `Posts` and `Updates` decide what is sent.
 *
 * Two queues have what is to be sent: for `POST` the ready logs; the other one has delivered logs that differ or owe
 * feedback, and requests whose logs are unsure. Each new item in a queue wakes the sender.
 */
import { type EncodedLate, releaseBody } from '../../datapoint/body.ts';
import { Fifo } from '../../scheduling/fifo.ts';
import { SpanCounts } from '../../telemetry/span-counts.ts';
import type { LateFields } from '../../wire/late-fields.ts';
import type { DropReason, Drops } from '../drops.ts';
import { Contents } from './contents.ts';
import { Exports } from './exports.ts';
import type { LogEntry, UnsureLogs } from './log-entry.ts';
import { MutableEntry, mutable } from './mutable-entry.ts';
import type { ExpectedLog, Offer } from './offer.ts';
import { Order } from './parents-first.ts';
import { type Pending, PendingLogs } from './pending-logs.ts';
import type { Spool, SpoolOwner } from './spool.ts';
import { WaitingFeedback } from './waiting-feedback.ts';

export class Ledger implements SpoolOwner {
  readonly feedback: WaitingFeedback;
  readonly exports: Exports;
  readonly isPressed: () => boolean;
  readonly #drops: Drops;
  readonly #maxElapsedMillis: number;
  readonly #pending = new PendingLogs();
  readonly #contents = new Contents();
  readonly #order = new Order();
  readonly #patches = new Fifo<MutableEntry | UnsureLogs>();
  #sender: { wake(): void } | undefined;
  readonly #counts = { logged: 0, updated: 0, retried: 0 };

  /** The same POST or update is tried for `maxElapsedMillis`. `isPressed` returns true if memory is short. */
  constructor(drops: Drops, maxElapsedMillis: number, isPressed = (): boolean => false, counts = new SpanCounts()) {
    this.#drops = drops;
    this.#maxElapsedMillis = maxElapsedMillis;
    this.isPressed = isPressed;
    this.exports = new Exports(counts);
    this.feedback = new WaitingFeedback(drops, this.#counts, (entry) => this.#reconcile(entry));
  }

  /** Starts to wake the sender and to note each change in the spool. */
  connect(sender: { wake(): void }, spool?: Spool): void {
    this.#sender = sender;
    this.#contents.connect(spool);
  }

  /** Logs with something left to do. */
  get pending(): Pending {
    return this.#pending;
  }

  get contents(): Pick<Contents, 'bytes' | 'unloadedCount'> {
    return this.#contents;
  }

  /** Numbers of acknowledged logs, acknowledged updates, and attempts beyond the first of each. */
  get counts(): Readonly<{ logged: number; updated: number; retried: number }> {
    return this.#counts;
  }

  /** Adds a span that is known to be a log: a flush waits for it from now on. */
  expect({ referenceId, parent, family, startedMillis }: ExpectedLog): LogEntry {
    const entry = new MutableEntry(referenceId, parent, family);
    entry.startedMillis = startedMillis;
    this.#pending.add(entry);
    return entry;
  }

  /** Announces a call of `override`: a flush waits for it from now on. */
  expectOverride(log: LogEntry): void {
    if (log.state !== 'dropped') this.#pending.add(mutable(log));
  }

  /** Takes the datapoints of logs, new or more complete. Once a log is being sent, only its late fields count. */
  accept(offers: readonly Offer[]): void {
    for (let at = 0; at < offers.length; at++) {
      const offer = offers[at] as Offer;
      const entry = mutable(offer.entry);
      if (entry.state !== 'new') this.#acceptAgain(entry, offer);
      else this.#acceptNew(entry, offer);
    }
    this.#sender?.wake();
  }

  #acceptNew(entry: MutableEntry, { body, late, isFinal, mayBeStored }: Offer): void {
    entry.isFinal ||= isFinal;
    entry.replaceBody(body);
    entry.desire(late);
    if (mayBeStored) this.unsure([entry], false);
    else this.#order.advance(entry);
    this.#contents.changed(entry);
  }

  #acceptAgain(entry: MutableEntry, { body, late, isFinal }: Offer): void {
    if (entry.state === 'dropped') return;
    entry.isFinal ||= isFinal;
    if (entry.isUnsent) this.#contents.replaceBody(entry, body);
    else releaseBody(body);
    entry.desire(late);
    this.#reconcile(entry);
  }

  /** Takes late fields that the app set. They go into the POST; if that is already sent, into an update. */
  override(log: LogEntry, late: Readonly<LateFields>): void {
    const entry = mutable(log);
    if (entry.state === 'dropped') return;
    entry.override(late);
    this.#reconcile(entry);
  }

  /** Stops waiting for the span's end: the log is forgotten once it is delivered. */
  finish(log: LogEntry): void {
    mutable(log).isFinal = true;
    this.#reconcile(mutable(log));
  }

  /** Gives a log up. Its children move to its own parent. */
  drop(log: LogEntry, reason: DropReason, why?: string): void {
    const entry = mutable(log);
    if (entry.state === 'dropped') return;
    this.exports.dropped(entry, reason);
    entry.state = 'dropped';
    this.#drops.add(reason, entry.referenceId, why);
    this.#contents.clear(entry);
    this.#pending.remove(entry);
    this.#contents.changed(entry);
    this.#order.advanceChildren(entry);
    this.#sender?.wake();
  }

  /** Gives up all unsent logs of the oldest trace: half a one is of no use. Returns false if there are none. */
  dropOldestTrace(reason: DropReason): boolean {
    for (const oldest of this.#pending) {
      if (!oldest.isUnsent) continue;
      for (const entry of oldest.family) if (entry.isUnsent) this.drop(entry, reason);
      return true;
    }
    return false;
  }

  /** Number of logs that wait for a POST; some may have been dropped since. */
  get readyCount(): number {
    return this.#order.readyCount;
  }

  /** The log that `startSending` takes. */
  get nextReady(): LogEntry | undefined {
    return this.#order.peek();
  }

  /** Takes the next ready log, with its body. If the spool has lost the body, drops the log and returns undefined. */
  startSending(): LogEntry | undefined {
    const entry = this.#order.shift();
    const isLost = entry?.isUnloaded === true && !this.#contents.load(entry);
    if (entry && isLost) this.drop(entry, 'spool_lost');
    if (!entry || isLost) return undefined;
    entry.state = 'sending';
    if (entry.startAttempt()) this.#counts.retried++;
    return entry;
  }

  /** Writes to disk what a restart must know of these logs, since they are sent now. */
  secure(logs: readonly LogEntry[]): void {
    this.#contents.secure(logs);
  }

  /** The server has the log, with these late fields. Returns false if it was dropped meanwhile. */
  stored(log: LogEntry, sent: Readonly<EncodedLate>): boolean {
    const entry = mutable(log);
    if (entry.state === 'dropped') return false;
    entry.state = 'delivered';
    this.#counts.logged++;
    this.exports.stored(entry);
    this.#acknowledge(entry, sent);
    this.#order.advanceChildren(entry);
    this.#sender?.wake();
    return true;
  }

  /** The logs may be stored: probes will ask the server. `isUnlikely`: it probably has none of them. */
  unsure(logs: readonly LogEntry[], isUnlikely: boolean): void {
    const entries = logs.filter(({ state }) => state !== 'dropped');
    if (entries.length === 0) return;
    for (const entry of entries) mutable(entry).state = 'unsure';
    this.#patches.push({ entries, isUnlikely });
    this.#sender?.wake();
  }

  /** The logs are not stored: they are posted again, before all others. Drops those that were tried for too long. */
  backToReady(logs: readonly LogEntry[], why = 'the answer was lost'): void {
    for (const log of logs) if (this.isExpired(log)) this.drop(log, 'retry_expired', why);
    this.#order.putBack(logs.filter(({ state }) => state !== 'dropped').map(mutable));
    this.#sender?.wake();
  }

  /** Cuts a log to about this size. Returns false if that is not possible. */
  shrink(log: LogEntry, maxBytes: number): boolean {
    const isSmaller = mutable(log).shrink(maxBytes);
    this.#contents.changed(mutable(log));
    return isSmaller;
  }

  /** Limits the requests of these logs to half as many logs from now on. */
  halve(logs: readonly LogEntry[]): void {
    const limit = Math.ceil(logs.length / 2);
    for (const log of logs) mutable(log).batchLimit = Math.min(log.batchLimit, limit);
  }

  /** Counts a server error for these logs. Returns the largest number in a row that one of them has had. */
  countServerError(logs: readonly LogEntry[]): number {
    return logs.reduce((most, log) => Math.max(most, ++mutable(log).serverErrors), 0);
  }

  /** Takes the next delivered log that may differ, or unsure logs that need probes. */
  takePatch(): LogEntry | UnsureLogs | undefined {
    return this.#patches.shift();
  }

  /** Returns the late fields for an update of the log; undefined if none differs any more. Feedback may still wait. */
  startUpdating(log: LogEntry): EncodedLate | undefined {
    const entry = mutable(log);
    const late = entry.state === 'delivered' ? entry.difference() : undefined;
    if (!late && !entry.owesFeedback) {
      entry.isUpdating = false;
      this.#reconcile(entry);
    } else if (late && entry.startAttempt()) {
      this.#counts.retried++;
    }
    return late;
  }

  /** Returns the late fields for the probe of an unsure log. */
  startProbing(log: LogEntry): Readonly<EncodedLate> {
    this.exports.begin([log]);
    if (mutable(log).startAttempt()) this.#counts.retried++;
    return log.desired;
  }

  /** The server has acknowledged an update with these late fields. */
  updated(log: LogEntry, late: Readonly<EncodedLate>): void {
    this.#counts.updated++;
    this.#acknowledge(mutable(log), late);
  }

  /** Gives up an update with these late fields. */
  dropUpdate(log: LogEntry, late: Readonly<EncodedLate>, reason: DropReason, why?: string): void {
    this.#drops.add(reason, log.referenceId, why);
    this.#acknowledge(mutable(log), late);
  }

  /** Sends an update again, before all others. */
  backToUpdates(log: LogEntry): void {
    this.#patches.unshift([mutable(log)]);
    this.#sender?.wake();
  }

  /** Halves the texts of an update. */
  shrinkUpdate(log: LogEntry): void {
    mutable(log).shrinkLate();
    this.#contents.changed(mutable(log));
  }

  /** The server has lost a log that it had acknowledged: posts it again. Returns false if that is not possible. */
  lost(log: LogEntry): boolean {
    const entry = mutable(log);
    if (!entry.body || entry.wasPostedAgain) return false;
    entry.wasPostedAgain = true;
    entry.isUpdating = false;
    entry.acknowledged = undefined;
    this.backToReady([entry]);
    this.#order.putBackChildren(entry);
    this.#contents.changed(entry);
    return true;
  }

  /** Returns true if the current POST or update of the log has been tried for too long. */
  isExpired(log: LogEntry): boolean {
    return mutable(log).triedMillis >= this.#maxElapsedMillis;
  }

  unload(log: LogEntry): boolean {
    if (log.state !== 'waiting' && log.state !== 'ready') return false;
    this.#contents.unload(mutable(log));
    return true;
  }

  recover(logs: readonly LogEntry[]): void {
    for (const log of logs) {
      this.#pending.add(mutable(log));
      this.#contents.add(mutable(log));
      if (log.state === 'delivered') this.#reconcile(mutable(log));
    }
    const unsure = logs.filter(({ state }) => state === 'unsure');
    this.unsure(unsure, false);
  }

  #acknowledge(entry: MutableEntry, late: Readonly<EncodedLate>): void {
    entry.acknowledge(late);
    entry.isUpdating = false;
    this.#reconcile(entry);
  }

  /** After a change, decides whether a delivered log needs an update or is done. */
  #reconcile(entry: MutableEntry): void {
    if (entry.state === 'delivered' && !entry.isUpdating) {
      if (entry.difference() || entry.owesFeedback) {
        entry.isUpdating = true;
        this.#pending.add(entry);
        this.#patches.push(entry);
        this.#sender?.wake();
      } else {
        if (entry.isFinal) this.#contents.clear(entry);
        this.#pending.remove(entry);
      }
    }
    this.#contents.changed(entry);
  }
}
