/**
 * Desired state against delivered state.
 *
 * For every log this knows what it should be now and what the server has acknowledged; work is the difference.
 * - Not delivered, and its parent is acknowledged or it has none: it joins the next wave, one POST of many logs.
 * - Delivered, and `output`, `error` or `duration` differ: a PATCH by reference, with the newest values.
 * - A POST whose answer was lost: a PATCH by reference asks whether the log is there, before it is sent again.
 * - Equal: nothing. A flush waits until all that was here when it was called is equal or dropped.
 *
 * `Ledger` holds the states and who waits for whom, `Waves` what may be sent, `Sender` when; here is what the answers
 * of the server mean for the logs.
 */
import type { Transport } from '../client/transport.ts';
import { HumanloopError } from '../errors.ts';
import type { RetryOptions, SpoolOptions } from '../options.ts';
import type { DropReason, Drops } from './drops.ts';
import { Ledger } from './ledger.ts';
import { isExpired, type Late, type LogEntry } from './log-entry.ts';
import { recoverEntries } from './recovery.ts';
import { Sender, type Shipment } from './sender.ts';
import { Spool, type SpoolOwner } from './spool.ts';
import type { OrphanedLog } from './spool-file.ts';
import { Updates } from './updates.ts';
import { judgePost, type Verdict } from './verdict.ts';
import { encodeWave, Waves } from './waves.ts';

/** A log's states, ids and places in lists. */
const ENTRY_BYTES = 700;
/** After so many errors of the server on the same logs they go in halves, in case one of them causes the error. */
const SERVER_ERRORS_BEFORE_HALVING = 3;
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
  readonly #maxElapsedMillis: number;
  readonly #ledger: Ledger;
  readonly #waves: Waves;
  readonly #updates: Updates;
  readonly #sender: Sender;
  #spool: Spool | undefined;
  #isClosed = false;
  #isPumpQueued = false;
  #unloadedCount = 0;
  #spooledCount = 0;
  #retriedCount = 0;

  /** @throws {SqliteError} if a spool is asked for and there is no SQLite engine. */
  constructor(transport: Transport, drops: Drops, options: DeliveryOptions) {
    // What is on disk is given up by its age there, not by how long it has been tried.
    this.#maxElapsedMillis = options.spool ? Number.POSITIVE_INFINITY : options.retry.maxElapsedMillis;
    this.#waves = new Waves(options.batch);
    this.#ledger = new Ledger(
      drops,
      (entry) => this.#waves.add(entry),
      (entry) => this.#updates.add(entry),
    );
    this.#updates = new Updates(this.#ledger, drops, this.#maxElapsedMillis, (entries) => this.#sendAgain(entries));
    const work = {
      takeUpdate: () => this.#updates.take(),
      takeWave: () => this.#takeWave(),
      hasWave: () => this.#waves.length > 0,
      isWaveUrgent: () => this.#waves.isFull || this.#ledger.isAwaited,
    };
    this.#sender = new Sender(transport, work, options);
    if (options.spool) {
      this.#spool = new Spool(options.spool, drops, this.#spoolOwner(options.isPressed ?? (() => false)));
      this.#ledger.journal = this.#spool;
    }
  }

  /** Bytes of what is held here in memory, estimated. */
  get bytes(): number {
    return this.#ledger.bytes + this.#ledger.pending.size * ENTRY_BYTES;
  }

  /** Logs that have something left to do and are in memory as a whole. */
  get heldCount(): number {
    return this.#ledger.pending.size - this.#unloadedCount;
  }

  stats() {
    return {
      queued: this.#ledger.pending.size,
      inFlight: this.#sender.inFlight,
      logged: this.#ledger.deliveredCount,
      updated: this.#updates.updatedCount,
      spooled: this.#spooledCount,
      retried: this.#retriedCount + this.#updates.retriedCount,
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
        `${this.#ledger.pending.size} logs were not acknowledged within ${Math.round(timeoutMillis)} ms`,
      );
    }
  }

  /** Leaves what is left to the spool, or counts it as dropped, and closes the connections. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const entry of [...this.#ledger.pending])
      if (!this.#spool || entry.state === 'new') this.drop(entry, 'shutdown');
    this.#spooledCount = this.#ledger.pending.size;
    this.#spool?.close();
    await this.#sender.close();
  }

  /** The spool, where one is used: spans that are held back are drafted in it. */
  get spool(): Spool | undefined {
    return this.#spool;
  }

  /** With a spool, what is on disk need not be in memory too. */
  #spoolOwner(isPressed: () => boolean): SpoolOwner {
    return {
      isPressed,
      unload: (entry) => {
        if (entry.state !== 'waiting' && entry.state !== 'ready') return;
        const { bytes } = entry;
        entry.unload();
        this.#ledger.changed(entry, bytes);
        this.#unloadedCount++;
      },
      dropOldest: () => this.#ledger.dropOldestTrace('spool_full'),
      recover: (logs) => this.#recover(logs),
    };
  }

  /** Logs of a process that is no more: which of them the server has is not known, so it is asked first. */
  #recover(logs: readonly OrphanedLog[]): void {
    if (this.#isClosed) return;
    const entries = recoverEntries(logs);
    for (const entry of entries) {
      this.#ledger.expect(entry);
      if (entry.storedBytes !== undefined) this.#unloadedCount++;
    }
    const unsure = entries.filter(({ state }) => state === 'unsure');
    const { length } = unsure;
    for (let start = 0; start < length; start += PROBED_AT_ONCE) {
      this.#updates.ask(unsure.slice(start, start + PROBED_AT_ONCE), false);
    }
    for (const entry of entries) this.#ledger.reconcile(entry);
    this.#sender.pump();
  }

  /** Brings the body of a log back that is on disk only. */
  #isLoaded(entry: LogEntry): boolean {
    if (entry.storedBytes === undefined) return true;
    const { bytes } = entry;
    const isLoaded = this.#spool?.load(entry) === true;
    this.#ledger.changed(entry, bytes);
    this.#unloadedCount--;
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

  #takeWave(): Shipment | undefined {
    const entries = this.#waves.take().filter((entry) => this.#isLoaded(entry));
    if (entries.length === 0) return undefined;
    const body = encodeWave(entries);
    const sent = entries.map((entry) => entry.desired);
    for (const entry of entries) {
      entry.state = 'sending';
      if (entry.firstAttemptMillis !== undefined) this.#retriedCount++;
      entry.firstAttemptMillis ??= performance.now();
    }
    return {
      request: { method: 'POST', path: '/logs', body },
      judge: (outcome) => judgePost(outcome, entries.length),
      settle: (verdict) => this.#settleWave(entries, sent, body.length, verdict),
    };
  }

  #settleWave(entries: readonly LogEntry[], sent: readonly Late[], bytes: number, verdict: Verdict): void {
    if (this.#isClosed) return;
    switch (verdict.kind) {
      case 'stored':
        for (const [index, entry] of entries.entries()) this.#ledger.delivered(entry, sent[index] as Late);
        return;
      case 'invalid':
        return this.#separate(entries, verdict);
      case 'tooLarge':
        this.#waves.learnTooLarge(bytes);
        if (entries.length === 1 && !this.#shrink(entries[0] as LogEntry, bytes)) return;
        return this.#sendAgain(entries, verdict.why);
      case 'unsure':
        if (verdict.isServerError) this.#countServerError(entries);
        for (const entry of entries) entry.state = 'unsure';
        return this.#updates.ask(entries, verdict.isUnlikely);
      default:
        return this.#sendAgain(entries, verdict.why);
    }
  }

  /** Back to the front of the queue, unless the time for it is over. */
  #sendAgain(entries: readonly LogEntry[], why = 'the answer was lost'): void {
    const again: LogEntry[] = [];
    for (const entry of entries) {
      if (entry.state === 'dropped') continue;
      if (isExpired(entry, this.#maxElapsedMillis)) this.drop(entry, 'retry_expired', why);
      else again.push(entry);
    }
    // After a restart the parent may have to be sent again, too, and first.
    const [ready, waiting] = partition(again, (entry) => (entry.effectiveParent?.state ?? 'delivered') === 'delivered');
    for (const entry of ready) entry.state = 'ready';
    this.#waves.addAgain(ready);
    for (const entry of waiting) this.#ledger.advance(entry);
  }

  /** Drops the datapoints that the server named; where it named none, halves the request until one is left. */
  #separate(entries: readonly LogEntry[], { why, indices }: Extract<Verdict, { kind: 'invalid' }>): void {
    const bad = new Set(entries.length === 1 ? [0] : indices);
    for (const index of bad) this.drop(entries[index] as LogEntry, 'rejected', why);
    const rest = entries.filter((_, index) => !bad.has(index));
    if (bad.size === 0) halve(rest);
    this.#sendAgain(rest, why);
  }

  #shrink(entry: LogEntry, requestBytes: number): boolean {
    const { bytes } = entry;
    const isSmaller = entry.shrink(Math.floor(requestBytes / 2));
    this.#ledger.changed(entry, bytes);
    if (!isSmaller) this.drop(entry, 'too_large', `${requestBytes} bytes`);
    return isSmaller;
  }

  #countServerError(entries: readonly LogEntry[]): void {
    let most = 0;
    for (const entry of entries) most = Math.max(most, ++entry.serverErrors);
    if (most >= SERVER_ERRORS_BEFORE_HALVING) halve(entries);
  }
}

function partition<Item>(items: readonly Item[], isFirst: (item: Item) => boolean): [Item[], Item[]] {
  const parts: [Item[], Item[]] = [[], []];
  for (const item of items) parts[isFirst(item) ? 0 : 1].push(item);
  return parts;
}

function halve(entries: readonly LogEntry[]): void {
  const limit = Math.ceil(entries.length / 2);
  for (const entry of entries) entry.batchLimit = Math.min(entry.batchLimit, limit);
}
