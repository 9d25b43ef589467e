/**
 * Does everything that needs `POST /logs`: builds waves of logs and applies the server's answer to each log.
 *
 * Before a log that the server may have stored is sent again, a probe asks for it. A log that the server refuses
 * without naming it is found by halving the request, so that the other logs of the request are not lost with it.
 */
import type { EncodedLate } from '../datapoint/body.ts';
import type { TransportOutcome } from '../transport/transport.ts';
import { encodeWave, reuseWave } from './encode-wave.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { LogEntry } from './ledger/log-entry.ts';
import { countDelivered } from './metrics.ts';
import type { GatheredWork, Shipment } from './sender.ts';
import { judgePost, type Verdict } from './verdict.ts';
import { Waves } from './waves.ts';

/** After this many server errors for the same logs they are sent in halves, in case one of them causes the error. */
const SERVER_ERRORS_BEFORE_HALVING = 3;

export class Posts implements GatheredWork {
  readonly #ledger: Ledger;
  readonly #waves: Waves;
  readonly #isQuiet: () => boolean;

  /** `isQuiet` returns true if no more logs are about to come. */
  constructor(
    ledger: Ledger,
    batch: { readonly maxItems: number; readonly maxBytes: number },
    isQuiet: () => boolean = () => false,
  ) {
    this.#ledger = ledger;
    this.#isQuiet = isQuiet;
    this.#waves = new Waves(ledger, batch);
  }

  get isWaiting(): boolean {
    return this.#ledger.readyCount > 0;
  }

  get isUrgent(): boolean {
    return this.#waves.isFull || this.#ledger.pending.isAwaited || this.#isQuiet();
  }

  take(): Shipment | undefined {
    const entries = this.#waves.take();
    if (entries.length === 0) return undefined;
    const body = encodeWave(entries);
    const { length } = body;
    const sent = entries.map(({ desired }) => desired);
    this.#ledger.secure(entries);
    this.#ledger.exports.begin(entries);
    return {
      request: { method: 'POST', path: '/logs', body },
      judge: (outcome) => {
        this.#ledger.exports.answered(entries, outcome);
        const verdict = judgePost(outcome, entries.length);
        if (isRead(outcome, verdict)) reuseWave(body);
        return verdict;
      },
      apply: (verdict) => this.#apply(entries, sent, length, verdict),
    };
  }

  #apply(entries: readonly LogEntry[], sent: readonly EncodedLate[], bytes: number, verdict: Verdict): void {
    switch (verdict.kind) {
      case 'stored':
        return this.#store(entries, sent);
      case 'invalid':
        return this.#separate(entries, verdict);
      case 'tooLarge':
        this.#waves.learnTooLarge(bytes);
        if (entries.length === 1 && !this.#shrink(entries[0] as LogEntry, bytes)) return;
        return this.#ledger.backToReady(entries, verdict.why);
      case 'unsure':
        if (verdict.isServerError) this.#countServerError(entries);
        return this.#ledger.unsure(entries, verdict.isUnlikely);
      case 'closed':
        for (const entry of entries) this.#ledger.drop(entry, 'service_closed', verdict.why);
        return;
      default:
        return this.#ledger.backToReady(entries, verdict.why);
    }
  }

  #store(entries: readonly LogEntry[], sent: readonly EncodedLate[]): void {
    let count = 0;
    for (let index = 0; index < entries.length; index++) {
      if (this.#ledger.stored(entries[index] as LogEntry, sent[index] as EncodedLate)) count++;
    }
    countDelivered(count);
  }

  /** Drops the datapoints that the server named. If it named none, halves the request until one log is left. */
  #separate(entries: readonly LogEntry[], { why, indices }: Extract<Verdict, { kind: 'invalid' }>): void {
    const bad = new Set(entries.length === 1 ? [0] : indices);
    for (const index of bad) this.#ledger.drop(entries[index] as LogEntry, 'rejected', why);
    const rest = entries.filter((_, index) => !bad.has(index));
    if (bad.size === 0) this.#ledger.halve(rest);
    this.#ledger.backToReady(rest, why);
  }

  #shrink(entry: LogEntry, requestBytes: number): boolean {
    const isSmaller = this.#ledger.shrink(entry, Math.floor(requestBytes / 2));
    if (!isSmaller) this.#ledger.drop(entry, 'too_large', `${requestBytes} bytes`);
    return isSmaller;
  }

  #countServerError(entries: readonly LogEntry[]): void {
    if (this.#ledger.countServerError(entries) >= SERVER_ERRORS_BEFORE_HALVING) this.#ledger.halve(entries);
  }
}

/** Whether the server has read the request to its end: the answer has an id for each log. Other answers may come early. */
function isRead(outcome: TransportOutcome, verdict: Verdict): boolean {
  return verdict.kind === 'stored' && outcome.kind === 'answered' && outcome.status < 300;
}
