/**
 * The one owner of the logs' states: all that can happen to a log is a method here, named for it, in the order of a log's
 * way. What follows from it follows in the same step: who may be sent now, what a flush still waits for, the sums, and
 * the note in the spool. `Posts` and `Updates` decide what is sent and what an answer means.
 *
 * Two queues hold what is to be sent: for `POST` the ready logs, for `PATCH` the delivered logs that differ and the
 * requests whose logs are unsure. What enters a queue wakes the sender.
 */
import { Fifo } from '../../scheduling/fifo.ts';
import type { LateFields } from '../../wire/late-fields.ts';
import type { DropReason, Drops } from '../drops.ts';
import { Contents } from './contents.ts';
import type { LogEntry, UnsureLogs } from './log-entry.ts';
import { MutableEntry, mutable } from './mutable-entry.ts';
import type { ExpectedLog, Offer } from './offer.ts';
import { Order } from './order.ts';
import { type Pending, PendingLogs } from './pending-logs.ts';
import type { Spool, SpoolOwner } from './spool.ts';

export class Ledger implements SpoolOwner {
  readonly isPressed: () => boolean;
  readonly #drops: Drops;
  readonly #maxElapsedMillis: number;
  readonly #pending = new PendingLogs();
  readonly #contents = new Contents();
  readonly #order = new Order();
  readonly #patches = new Fifo<MutableEntry | UnsureLogs>();
  #sender: { wake(): void } | undefined;
  readonly #counts = { logged: 0, updated: 0, retried: 0 };

  /** The same thing is tried for `maxElapsedMillis`. `isPressed` answers whether memory is short. */
  constructor(drops: Drops, maxElapsedMillis: number, isPressed: () => boolean = () => false) {
    this.#drops = drops;
    this.#maxElapsedMillis = maxElapsedMillis;
    this.isPressed = isPressed;
  }

  /** From now on the sender is woken, and each change is noted in the spool. */
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

  /** Logs and updates that the server has acknowledged, and attempts beyond the first of each. */
  get counts(): Readonly<{ logged: number; updated: number; retried: number }> {
    return this.#counts;
  }

  /** A span is known to be a log: from now on a flush waits for it. */
  expect({ referenceId, parent, family, startedMillis }: ExpectedLog): LogEntry {
    const entry = new MutableEntry(referenceId, parent, family);
    entry.startedMillis = startedMillis;
    this.#pending.add(entry);
    return entry;
  }

  /** `override` will follow: a flush that comes now waits for it. */
  expectOverride(log: LogEntry): void {
    if (log.state !== 'dropped') this.#pending.add(mutable(log));
  }

  /** The datapoint of a log, new or more complete than before. Once it is being sent only the late fields count. */
  offer(log: LogEntry, { body, late, isFinal, mayBeStored }: Offer): void {
    const entry = mutable(log);
    if (entry.state === 'dropped') return;
    if (isFinal) entry.isFinal = true;
    const isNew = entry.state === 'new';
    if (isNew || entry.isUnsent) this.#contents.replaceBody(entry, body);
    entry.desire(late);
    if (isNew && mayBeStored) this.unsure([entry], false);
    else if (isNew) this.#order.advance(entry);
    this.#reconcile(entry);
    this.#sender?.wake();
  }

  /** What the app itself says of the late fields. Before the POST it goes into it, afterwards into an update. */
  override(log: LogEntry, late: Readonly<LateFields>): void {
    const entry = mutable(log);
    if (entry.state === 'dropped') return;
    entry.override(late);
    this.#reconcile(entry);
  }

  /** Nothing more is expected of this log: it is not kept for its span's end. */
  finish(log: LogEntry): void {
    mutable(log).isFinal = true;
    this.#reconcile(mutable(log));
  }

  /** Gives a log up. Its children move to its own parent. */
  drop(log: LogEntry, reason: DropReason, why?: string): void {
    const entry = mutable(log);
    if (entry.state === 'dropped') return;
    entry.state = 'dropped';
    this.#drops.add(reason, entry.referenceId, why);
    this.#contents.clear(entry);
    this.#pending.remove(entry);
    this.#contents.changed(entry);
    this.#order.advanceChildren(entry);
    this.#sender?.wake();
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

  /** Logs that wait for a POST; some may have been dropped since. */
  get readyCount(): number {
    return this.#order.readyCount;
  }

  /** The log that `startSending` takes. */
  get nextReady(): LogEntry | undefined {
    return this.#order.peek();
  }

  /** Takes the next ready log, with its body. `undefined` if the spool has lost that: the log is dropped. */
  startSending(): LogEntry | undefined {
    const entry = this.#order.shift();
    if (entry?.isUnloaded && !this.#contents.load(entry)) {
      this.drop(entry, 'spool_lost');
      return undefined;
    }
    if (!entry) return undefined;
    entry.state = 'sending';
    if (entry.startAttempt()) this.#counts.retried++;
    return entry;
  }

  /** They leave now: what a restart must know of them is on disk. */
  secure(logs: readonly LogEntry[]): void {
    this.#contents.secure(logs);
  }

  /** The server has the log, with these late fields. `false` for one that was dropped meanwhile. */
  stored(log: LogEntry, sent: Readonly<LateFields>): boolean {
    const entry = mutable(log);
    if (entry.state === 'dropped') return false;
    entry.state = 'delivered';
    this.#counts.logged++;
    this.#acknowledge(entry, sent);
    this.#order.advanceChildren(entry);
    this.#sender?.wake();
    return true;
  }

  /** Perhaps stored: the server is to be asked. */
  unsure(logs: readonly LogEntry[], isUnlikely: boolean): void {
    const entries = logs.filter(({ state }) => state !== 'dropped');
    if (entries.length === 0) return;
    for (const entry of entries) mutable(entry).state = 'unsure';
    this.#patches.push({ entries, isUnlikely });
    this.#sender?.wake();
  }

  /** Not stored: posted again, before all others, but for those that have been tried for too long. */
  backToReady(logs: readonly LogEntry[], why = 'the answer was lost'): void {
    for (const log of logs) if (this.isExpired(log)) this.drop(log, 'retry_expired', why);
    this.#order.putBack(logs.filter(({ state }) => state !== 'dropped').map(mutable));
    this.#sender?.wake();
  }

  /** Cuts a log to about this size. `false` where that cannot be reached. */
  shrink(log: LogEntry, maxBytes: number): boolean {
    const isSmaller = mutable(log).shrink(maxBytes);
    this.#contents.changed(mutable(log));
    return isSmaller;
  }

  /** From now on at most half as many logs share a request with one of these. */
  halve(logs: readonly LogEntry[]): void {
    const limit = Math.ceil(logs.length / 2);
    for (const log of logs) mutable(log).batchLimit = Math.min(log.batchLimit, limit);
  }

  /** A request with these was answered with an error of the server. Gives how often in a row for one of them. */
  countServerError(logs: readonly LogEntry[]): number {
    return logs.reduce((most, log) => Math.max(most, ++mutable(log).serverErrors), 0);
  }

  /** The next delivered log that may differ, or logs that the server is to be asked for. */
  takePatch(): LogEntry | UnsureLogs | undefined {
    return this.#patches.shift();
  }

  /** Late fields for an update of the log. `undefined` if nothing differs any more: no update of it is under way. */
  startUpdating(log: LogEntry): LateFields | undefined {
    const entry = mutable(log);
    const late = entry.state === 'delivered' ? entry.difference() : undefined;
    if (!late) {
      entry.isUpdating = false;
      this.#reconcile(entry);
    } else if (entry.startAttempt()) {
      this.#counts.retried++;
    }
    return late;
  }

  /** Late fields for the update that asks whether an unsure log is there. */
  startAsking(log: LogEntry): Readonly<LateFields> {
    if (mutable(log).startAttempt()) this.#counts.retried++;
    return log.desired;
  }

  /** The server has taken an update with these late fields. */
  updated(log: LogEntry, late: Readonly<LateFields>): void {
    this.#counts.updated++;
    this.#acknowledge(mutable(log), late);
  }

  /** An update with these late fields is given up. */
  dropUpdate(log: LogEntry, late: Readonly<LateFields>, reason: DropReason, why?: string): void {
    this.#drops.add(reason, log.referenceId, why);
    this.#acknowledge(mutable(log), late);
  }

  /** An update goes out again, before all others. */
  backToUpdates(log: LogEntry): void {
    this.#patches.unshift([mutable(log)]);
    this.#sender?.wake();
  }

  /** Halves the texts of an update. */
  shrinkUpdate(log: LogEntry): void {
    mutable(log).shrinkLate();
    this.#contents.changed(mutable(log));
  }

  /** The server has lost a log that it had acknowledged: it is posted again. `false` if that cannot be done. */
  lost(log: LogEntry): boolean {
    const entry = mutable(log);
    if (!entry.body || entry.wasPostedAgain) return false;
    entry.wasPostedAgain = true;
    entry.isUpdating = false;
    entry.acknowledged = undefined;
    this.backToReady([entry]);
    this.#contents.changed(entry);
    return true;
  }

  /** What is being sent of it has been tried for too long. */
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
    }
    const unsure = logs.filter(({ state }) => state === 'unsure');
    this.unsure(unsure, false);
    for (const log of logs) if (log.state === 'delivered') this.#reconcile(mutable(log));
  }

  #acknowledge(entry: MutableEntry, late: Readonly<LateFields>): void {
    entry.acknowledge(late);
    entry.isUpdating = false;
    this.#reconcile(entry);
  }

  /** After a change: something may be left to do for a delivered log, or nothing any more. */
  #reconcile(entry: MutableEntry): void {
    if (entry.state === 'delivered' && !entry.isUpdating) {
      if (entry.difference()) {
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
