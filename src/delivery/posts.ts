/**
 * Everything that is done by `POST /logs`: waves of logs, and what the server's answer means for each of them.
 *
 * What the server may or may not have stored is asked for before it is sent again. What it refuses is looked for by
 * halving, if the answer does not name it, so that the others of a request do not suffer from one.
 */

import type { Ledger } from './ledger.ts';
import { isExpired, type Late, type LogEntry } from './log-entry.ts';
import { countDelivered } from './metrics.ts';
import type { Shipment } from './sender.ts';
import { judgePost, type Verdict } from './verdict.ts';
import { encodeWave, Waves } from './waves.ts';

/** After so many errors of the server on the same logs they go in halves, in case one of them causes the error. */
const SERVER_ERRORS_BEFORE_HALVING = 3;

export interface PostsOptions {
  readonly batch: { readonly maxItems: number; readonly maxBytes: number };
  readonly maxElapsedMillis: number;
  /** Asks the server which of the logs it has. `isUnlikely`: it probably has none. */
  readonly ask: (entries: readonly LogEntry[], isUnlikely: boolean) => void;
  /** Brings back the body of a log that is on disk only. `false` if it is lost. */
  readonly load: (entry: LogEntry) => boolean;
  /** The logs are about to be sent. */
  readonly secure: (entries: readonly LogEntry[]) => void;
}

export class Posts {
  readonly #ledger: Ledger;
  readonly #options: PostsOptions;
  readonly #waves: Waves;
  retriedCount = 0;

  constructor(ledger: Ledger, options: PostsOptions) {
    this.#ledger = ledger;
    this.#options = options;
    this.#waves = new Waves(options.batch);
  }

  get hasWave(): boolean {
    return this.#waves.length > 0;
  }

  get isFull(): boolean {
    return this.#waves.isFull;
  }

  add(entry: LogEntry): void {
    this.#waves.add(entry);
  }

  /** Without those that the disk has lost; their loss may have made others ready. */
  #takeLoaded(): LogEntry[] {
    for (let batch = this.#waves.take(); batch.length > 0; batch = this.#waves.take()) {
      const loaded = batch.filter((entry) => entry.storedBytes === undefined || this.#options.load(entry));
      if (loaded.length > 0) return loaded;
    }
    return [];
  }

  take(): Shipment | undefined {
    const entries = this.#takeLoaded();
    if (entries.length === 0) return undefined;
    const body = encodeWave(entries);
    const sent = entries.map((entry) => entry.desired);
    for (const entry of entries) {
      entry.state = 'sending';
      if (entry.firstAttemptMillis !== undefined) this.retriedCount++;
      entry.firstAttemptMillis ??= performance.now();
    }
    this.#options.secure(entries);
    return {
      request: { method: 'POST', path: '/logs', body },
      judge: (outcome) => judgePost(outcome, entries.length),
      settle: (verdict) => this.#settle(entries, sent, body.length, verdict),
    };
  }

  /** Back to the front of the queue, unless the time for it is over. */
  again(entries: readonly LogEntry[], why = 'the answer was lost'): void {
    const ready: LogEntry[] = [];
    for (const entry of entries) {
      if (entry.state === 'dropped') continue;
      if (isExpired(entry, this.#options.maxElapsedMillis)) {
        this.#ledger.drop(entry, 'retry_expired', why);
      } else if ((entry.effectiveParent?.state ?? 'delivered') === 'delivered') {
        entry.state = 'ready';
        ready.push(entry);
      } else {
        // After a restart the parent may have to be sent again, too, and first.
        this.#ledger.advance(entry);
      }
    }
    this.#waves.addAgain(ready);
  }

  #settle(entries: readonly LogEntry[], sent: readonly Late[], bytes: number, verdict: Verdict): void {
    switch (verdict.kind) {
      case 'stored':
        for (const [index, entry] of entries.entries()) this.#ledger.delivered(entry, sent[index] as Late);
        return countDelivered(entries.length);
      case 'invalid':
        return this.#separate(entries, verdict);
      case 'tooLarge':
        this.#waves.learnTooLarge(bytes);
        if (entries.length === 1 && !this.#shrink(entries[0] as LogEntry, bytes)) return;
        return this.again(entries, verdict.why);
      case 'unsure':
        if (verdict.isServerError) countServerError(entries);
        for (const entry of entries) entry.state = 'unsure';
        return this.#options.ask(entries, verdict.isUnlikely);
      default:
        return this.again(entries, verdict.why);
    }
  }

  /** Drops the datapoints that the server named; where it named none, halves the request until one is left. */
  #separate(entries: readonly LogEntry[], { why, indices }: Extract<Verdict, { kind: 'invalid' }>): void {
    const bad = new Set(entries.length === 1 ? [0] : indices);
    for (const index of bad) this.#ledger.drop(entries[index] as LogEntry, 'rejected', why);
    const rest = entries.filter((_, index) => !bad.has(index));
    if (bad.size === 0) halve(rest);
    this.again(rest, why);
  }

  #shrink(entry: LogEntry, requestBytes: number): boolean {
    const { bytes } = entry;
    const isSmaller = entry.shrink(Math.floor(requestBytes / 2));
    this.#ledger.changed(entry, bytes);
    if (!isSmaller) this.#ledger.drop(entry, 'too_large', `${requestBytes} bytes`);
    return isSmaller;
  }
}

function countServerError(entries: readonly LogEntry[]): void {
  let most = 0;
  for (const entry of entries) most = Math.max(most, ++entry.serverErrors);
  if (most >= SERVER_ERRORS_BEFORE_HALVING) halve(entries);
}

function halve(entries: readonly LogEntry[]): void {
  const limit = Math.ceil(entries.length / 2);
  for (const entry of entries) entry.batchLimit = Math.min(entry.batchLimit, limit);
}
