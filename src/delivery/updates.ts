/**
 * Everything that is done by `update_by_ref`, one log a request.
 *
 * - An update brings a delivered log to what it should be now. Only one of a log is in flight, and the next one is
 *   built when it goes out: so values that changed meanwhile share it, and an older one can never overtake a newer.
 * - A question asks whether a log is there whose POST got no clear answer. It is an update too, with the newest values:
 *   a log that is there is up to date at once, and one that is unknown goes back to be posted.
 */
import { Fifo } from '../scheduling/fifo.ts';
import type { LateFields } from '../wire/late-fields.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { LogEntry, UnsureLogs } from './ledger/log-entry.ts';
import { countDelivered } from './metrics.ts';
import type { Shipment, Work } from './sender.ts';
import { judgeUpdate, type Verdict } from './verdict.ts';

/** All questions about the logs of one request. */
interface Probe {
  readonly entries: readonly LogEntry[];
  readonly absent: LogEntry[];
  openCount: number;
  isAnyThere: boolean;
}

interface Question {
  readonly entry: LogEntry;
  readonly probe: Probe;
}

export class Updates implements Work {
  readonly #ledger: Ledger;
  /** The questions of the probes that have begun. They go before the updates that came later. */
  readonly #questions = new Fifo<Question>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  take(): Shipment | undefined {
    for (;;) {
      const question = this.#questions.shift();
      const next = question ?? this.#ledger.takePatch();
      if (!next) return undefined;
      if ('entries' in next) {
        this.#beginProbe(next);
        continue;
      }
      const shipment = 'probe' in next ? this.#ask(next) : this.#update(next);
      if (shipment) return shipment;
    }
  }

  #update(entry: LogEntry): Shipment | undefined {
    const late = this.#ledger.startUpdating(entry);
    return late && this.#shipment(entry, late, (verdict) => this.#applyToUpdate(entry, late, verdict));
  }

  /** If none of the logs is likely to be there, the first and the last stand for all. */
  #beginProbe({ entries, isUnlikely }: UnsureLogs): void {
    const asked = isUnlikely && entries.length > 2 ? [entries[0], entries.at(-1)] : entries;
    const probe: Probe = { entries, absent: [], openCount: asked.length, isAnyThere: false };
    for (const entry of asked) this.#questions.push({ entry: entry as LogEntry, probe });
  }

  #ask(question: Question): Shipment | undefined {
    const { entry } = question;
    if (entry.state !== 'unsure') {
      this.#answer(question, false);
      return undefined;
    }
    const late = this.#ledger.startAsking(entry);
    return this.#shipment(entry, late, (verdict) => this.#applyToQuestion(question, late, verdict));
  }

  #shipment(entry: LogEntry, late: LateFields, apply: (verdict: Verdict) => void): Shipment {
    const path = `/logs?reference_id=${encodeURIComponent(entry.referenceId)}`;
    return {
      request: { method: 'PATCH', path, body: Buffer.from(JSON.stringify(late)) },
      judge: judgeUpdate,
      apply,
    };
  }

  #applyToUpdate(entry: LogEntry, late: LateFields, verdict: Verdict): void {
    if (entry.state === 'dropped') return;
    switch (verdict.kind) {
      case 'stored':
        return this.#ledger.updated(entry, late);
      case 'unknown':
        if (this.#ledger.lost(entry)) return;
        return this.#ledger.dropUpdate(entry, late, 'update_unknown_reference', verdict.why);
      case 'invalid':
        return this.#ledger.dropUpdate(entry, late, 'update_rejected', verdict.why);
      case 'tooLarge':
        if (!late.output && !late.error) return this.#ledger.dropUpdate(entry, late, 'too_large', verdict.why);
        this.#ledger.shrinkUpdate(entry);
        return this.#ledger.backToUpdates(entry);
      default:
        if (!this.#ledger.isExpired(entry)) return this.#ledger.backToUpdates(entry);
        return this.#ledger.dropUpdate(entry, late, 'retry_expired', verdict.why);
    }
  }

  #applyToQuestion(question: Question, late: LateFields, verdict: Verdict): void {
    const { entry } = question;
    const isFailure = verdict.kind === 'later' || verdict.kind === 'refused' || verdict.kind === 'unsure';
    if (isFailure && entry.state === 'unsure' && !this.#ledger.isExpired(entry)) {
      return this.#questions.unshift([question]);
    }
    const isThere = verdict.kind === 'stored' && this.#ledger.stored(entry, late);
    if (isThere) countDelivered(1);
    this.#answer(question, isThere);
  }

  /** When the last of the asked has answered, those that are not there are posted again, in one request. */
  #answer({ entry, probe }: Question, isThere: boolean): void {
    probe.openCount--;
    if (isThere) probe.isAnyThere = true;
    else probe.absent.push(entry);
    if (probe.openCount > 0) return;
    const unsure = probe.entries.filter(({ state }) => state === 'unsure');
    if (!probe.isAnyThere) return this.#ledger.backToReady(unsure);
    this.#ledger.backToReady(probe.absent);
    this.#ledger.unsure(
      unsure.filter((other) => !probe.absent.includes(other)),
      false,
    );
  }
}
