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
import type { RetryOptions } from '../options.ts';
import type { DropReason, Drops } from './drops.ts';
import { Ledger } from './ledger.ts';
import { isExpired, type Late, type LogEntry } from './log-entry.ts';
import { Sender, type Shipment } from './sender.ts';
import { Updates } from './updates.ts';
import { judgePost, type Verdict } from './verdict.ts';
import { encodeWave, Waves } from './waves.ts';

/** After so many errors of the server on the same logs they go in halves, in case one of them causes the error. */
const SERVER_ERRORS_BEFORE_HALVING = 3;

export interface DeliveryOptions {
  readonly batch: { readonly maxItems: number; readonly maxBytes: number };
  readonly concurrency: number;
  readonly retry: RetryOptions;
}

export class Delivery {
  readonly #maxElapsedMillis: number;
  readonly #ledger: Ledger;
  readonly #waves: Waves;
  readonly #updates: Updates;
  readonly #sender: Sender;
  #isClosed = false;
  #retriedCount = 0;

  constructor(transport: Transport, drops: Drops, options: DeliveryOptions) {
    this.#maxElapsedMillis = options.retry.maxElapsedMillis;
    this.#waves = new Waves(options.batch);
    this.#ledger = new Ledger(
      drops,
      (entry) => this.#waves.add(entry),
      (entry) => this.#updates.add(entry),
    );
    this.#updates = new Updates(this.#ledger, drops, options.retry.maxElapsedMillis, (entries) =>
      this.#sendAgain(entries),
    );
    const work = {
      takeUpdate: () => this.#updates.take(),
      takeWave: () => this.#takeWave(),
      hasWave: () => this.#waves.length > 0,
      isWaveUrgent: () => this.#waves.isFull || this.#ledger.isAwaited,
    };
    this.#sender = new Sender(transport, work, options);
  }

  /** Bytes of the datapoints that are held here. */
  get bytes(): number {
    return this.#ledger.bytes;
  }

  /** Logs that have something left to do. */
  get pendingCount(): number {
    return this.#ledger.pending.size;
  }

  stats() {
    return {
      queued: this.#ledger.pending.size,
      inFlight: this.#sender.inFlight,
      logged: this.#ledger.deliveredCount,
      updated: this.#updates.updatedCount,
      retried: this.#retriedCount + this.#updates.retriedCount,
    };
  }

  /** The entry will be offered: a flush that comes now waits for it. */
  expect(entry: LogEntry): void {
    this.#ledger.expect(entry);
  }

  /** The datapoint of a log, new or more complete than before. Once it is being sent only the late fields count. */
  offer(entry: LogEntry, body: Buffer, late: Late): void {
    if (this.#isClosed) return this.drop(entry, 'shutdown');
    if (entry.state === 'dropped') return;
    this.#ledger.change(entry, () => {
      if (entry.state === 'new' || entry.isUnsent) entry.body = body;
      entry.desire(late);
    });
    if (entry.state === 'new') {
      this.#ledger.expect(entry);
      this.#ledger.advance(entry);
    }
    this.#ledger.reconcile(entry);
    this.#sender.pump();
  }

  /** What the app itself says of a log's late fields. Before the POST it goes into it, afterwards into an update. */
  override(entry: LogEntry, late: Late): void {
    if (this.#isClosed || entry.state === 'dropped') return;
    this.#ledger.change(entry, () => entry.override(late));
    this.#ledger.reconcile(entry);
    this.#sender.pump();
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
      throw new HumanloopError(`${this.pendingCount} logs were not acknowledged within ${Math.round(timeoutMillis)} ms`);
    }
  }

  /** Counts what is left as dropped and closes the connections. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const entry of [...this.#ledger.pending]) this.drop(entry, 'shutdown');
    await this.#sender.close();
  }

  #takeWave(): Shipment | undefined {
    const entries = this.#waves.take();
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
        return entries.forEach((entry, index) => this.#ledger.delivered(entry, sent[index] as Late));
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
    for (const entry of again) entry.state = 'ready';
    this.#waves.addAgain(again);
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
    let isSmaller = false;
    this.#ledger.change(entry, () => {
      isSmaller = entry.shrink(Math.floor(requestBytes / 2));
    });
    if (!isSmaller) this.drop(entry, 'too_large', `${requestBytes} bytes`);
    return isSmaller;
  }

  #countServerError(entries: readonly LogEntry[]): void {
    let most = 0;
    for (const entry of entries) most = Math.max(most, ++entry.serverErrors);
    if (most >= SERVER_ERRORS_BEFORE_HALVING) halve(entries);
  }
}

function halve(entries: readonly LogEntry[]): void {
  const limit = Math.ceil(entries.length / 2);
  for (const entry of entries) entry.batchLimit = Math.min(entry.batchLimit, limit);
}
