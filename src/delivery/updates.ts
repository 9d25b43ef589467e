/**
 * Everything that is done by `update_by_ref`, one log a request.
 *
 * - An update brings a delivered log to what it should be now. Only one of a log is in flight, and the next one is
 *   built when it goes out: so values that changed meanwhile share it, and an older one can never overtake a newer.
 * - A probe asks whether a log is there whose POST got no clear answer. It is an update too, with the newest values:
 *   a log that is there is up to date at once, and one that is unknown goes back to be posted.
 */

import { Fifo } from '../scheduling/fifo.ts';
import type { Drops } from './drops.ts';
import type { Ledger } from './ledger.ts';
import { isExpired, type Late, type LogEntry, type Probe } from './log-entry.ts';
import { countDelivered } from './metrics.ts';
import type { Shipment } from './sender.ts';
import { judgeUpdate, type Verdict } from './verdict.ts';

export class Updates {
  readonly #queue = new Fifo<LogEntry>();
  readonly #ledger: Ledger;
  readonly #drops: Drops;
  readonly #maxElapsedMillis: number;
  readonly #postAgain: (entries: readonly LogEntry[]) => void;
  updatedCount = 0;
  retriedCount = 0;

  constructor(
    ledger: Ledger,
    drops: Drops,
    maxElapsedMillis: number,
    postAgain: (entries: readonly LogEntry[]) => void,
  ) {
    this.#ledger = ledger;
    this.#drops = drops;
    this.#maxElapsedMillis = maxElapsedMillis;
    this.#postAgain = postAgain;
  }

  add(entry: LogEntry): void {
    this.#queue.push(entry);
  }

  /** Asks which of the logs of a request are there. If none is likely to be, the first and the last stand for all. */
  ask(entries: readonly LogEntry[], isUnlikely: boolean): void {
    const asked = isUnlikely && entries.length > 2 ? [entries[0], entries.at(-1)] : entries;
    const probe: Probe = { entries, absent: [], openCount: asked.length, isAnyThere: false };
    for (const entry of asked as LogEntry[]) {
      entry.probe = probe;
      this.#queue.push(entry);
    }
  }

  take(): Shipment | undefined {
    for (let entry = this.#queue.shift(); entry; entry = this.#queue.shift()) {
      const shipment = entry.probe ? this.#probe(entry, entry.probe) : this.#update(entry);
      if (shipment) return shipment;
    }
    return undefined;
  }

  #update(entry: LogEntry): Shipment | undefined {
    const late = entry.difference();
    if (entry.state === 'delivered' && late) {
      return this.#shipment(entry, late, (verdict) => this.#settleUpdate(entry, late, verdict));
    }
    entry.isUpdating = false;
    this.#ledger.reconcile(entry);
    return undefined;
  }

  #probe(entry: LogEntry, probe: Probe): Shipment | undefined {
    const late = entry.desired;
    if (entry.state === 'unsure') {
      return this.#shipment(entry, late, (verdict) => this.#settleProbe(entry, probe, late, verdict));
    }
    this.#answered(entry, probe, false);
    return undefined;
  }

  #shipment(entry: LogEntry, late: Late, settle: (verdict: Verdict) => void): Shipment {
    if (entry.firstAttemptMillis !== undefined) this.retriedCount++;
    entry.firstAttemptMillis ??= performance.now();
    const path = `/logs?reference_id=${encodeURIComponent(entry.referenceId)}`;
    return {
      request: { method: 'PATCH', path, body: Buffer.from(JSON.stringify(late)) },
      judge: judgeUpdate,
      settle,
    };
  }

  #settleUpdate(entry: LogEntry, late: Late, verdict: Verdict): void {
    if (entry.state === 'dropped') return;
    switch (verdict.kind) {
      case 'stored':
        this.updatedCount++;
        return this.#done(entry, late);
      case 'unknown':
        if (!entry.body || entry.wasPostedAgain) return this.#giveUp(entry, late, 'update_unknown_reference', verdict);
        entry.wasPostedAgain = true;
        entry.isUpdating = false;
        entry.acknowledged = undefined;
        return this.#postAgain([entry]);
      case 'invalid':
        return this.#giveUp(entry, late, 'update_rejected', verdict);
      case 'tooLarge':
        if (!late.output && !late.error) return this.#giveUp(entry, late, 'too_large', verdict);
        this.#shrink(entry);
        return this.#queue.unshift([entry]);
      default:
        if (isExpired(entry, this.#maxElapsedMillis)) return this.#giveUp(entry, late, 'retry_expired', verdict);
        return this.#queue.unshift([entry]);
    }
  }

  #shrink(entry: LogEntry): void {
    const { bytes } = entry;
    entry.shrinkLate();
    this.#ledger.changed(entry, bytes);
  }

  #giveUp(entry: LogEntry, late: Late, reason: Parameters<Drops['add']>[0], verdict: { why?: string }): void {
    this.#drops.add(reason, entry.referenceId, verdict.why);
    this.#done(entry, late);
  }

  #done(entry: LogEntry, late: Late): void {
    entry.firstAttemptMillis = undefined;
    entry.isUpdating = false;
    entry.acknowledge(late);
    this.#ledger.reconcile(entry);
  }

  #settleProbe(entry: LogEntry, probe: Probe, late: Late, verdict: Verdict): void {
    const isFailure = verdict.kind === 'later' || verdict.kind === 'refused' || verdict.kind === 'unsure';
    if (isFailure && entry.state === 'unsure' && !isExpired(entry, this.#maxElapsedMillis)) {
      return this.#queue.unshift([entry]);
    }
    const isThere = verdict.kind === 'stored' && entry.state === 'unsure';
    if (isThere) {
      this.#ledger.delivered(entry, late);
      countDelivered(1);
    }
    this.#answered(entry, probe, isThere);
  }

  /** When the last of the asked has answered, those that are not there are posted again, in one request. */
  #answered(entry: LogEntry, probe: Probe, isThere: boolean): void {
    entry.probe = undefined;
    probe.openCount--;
    if (isThere) probe.isAnyThere = true;
    else probe.absent.push(entry);
    if (probe.openCount > 0) return;
    const unasked = probe.entries.filter((other) => other.state === 'unsure' && !probe.absent.includes(other));
    if (!probe.isAnyThere) return this.#postAgain(probe.entries.filter((other) => other.state === 'unsure'));
    this.#postAgain(probe.absent);
    if (unasked.length > 0) this.ask(unasked, false);
  }
}
