/**
 * Does everything that follows a log's POST, one log per request.
 *
 * - An update sends what a delivered log should be now. Each log has at most one update in flight, and the next one is
 *   built when it goes out: values that changed meanwhile share it, and an older one can never overtake a newer one.
 * - A probe asks whether the server has a log whose POST got no clear answer. It is an update too, with the newest
 *   values: a log that is there is then up to date, and one that is unknown is posted again.
 * - Feedback that came late goes after the update, see `feedback.ts`.
 */
import { decodeLate, type EncodedLate } from '../datapoint/body.ts';
import { Fifo } from '../scheduling/fifo.ts';
import { FeedbackRequests } from './feedback.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { LogEntry, UnsureLogs } from './ledger/log-entry.ts';
import { countDelivered } from './metrics.ts';
import type { Shipment, Work } from './sender.ts';
import { judgeUpdate, type Verdict } from './verdict.ts';

/** The logs of one POST, and what the probes for them have found so far. */
interface ProbedPost {
  readonly entries: readonly LogEntry[];
  readonly absent: LogEntry[];
  /** Probes without an answer. */
  openCount: number;
  isAnyThere: boolean;
}

interface Probe {
  readonly entry: LogEntry;
  readonly post: ProbedPost;
}

export class Updates implements Work {
  readonly #ledger: Ledger;
  readonly #feedback: FeedbackRequests;
  /** Probes go before updates that came later. */
  readonly #probes = new Fifo<Probe>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    this.#feedback = new FeedbackRequests(ledger);
  }

  take(): Shipment | undefined {
    for (;;) {
      const next = this.#probes.shift() ?? this.#ledger.takePatch();
      if (!next) return undefined;
      if ('entries' in next) {
        this.#queueProbes(next);
        continue;
      }
      const shipment = 'post' in next ? this.#probe(next) : this.#update(next);
      if (shipment) return shipment;
    }
  }

  #update(entry: LogEntry): Shipment | undefined {
    const late = this.#ledger.startUpdating(entry);
    if (late) return this.#shipment(entry, late, (verdict) => this.#applyToUpdate(entry, late, verdict));
    return entry.owesFeedback ? this.#feedback.take(entry) : undefined;
  }

  /** If the server probably has none of the logs, probes for the first and the last are enough. */
  #queueProbes({ entries, isUnlikely }: UnsureLogs): void {
    const probed = isUnlikely && entries.length > 2 ? [entries[0], entries.at(-1)] : entries;
    const post: ProbedPost = { entries, absent: [], openCount: probed.length, isAnyThere: false };
    for (const entry of probed) this.#probes.push({ entry: entry as LogEntry, post });
  }

  #probe(probe: Probe): Shipment | undefined {
    const { entry } = probe;
    if (entry.state !== 'unsure') {
      this.#finishProbe(probe, false);
      return undefined;
    }
    const late = this.#ledger.startProbing(entry);
    return this.#shipment(entry, late, (verdict) => this.#applyToProbe(probe, late, verdict));
  }

  #shipment(entry: LogEntry, late: EncodedLate, apply: (verdict: Verdict) => void): Shipment {
    const path = `/logs?reference_id=${encodeURIComponent(entry.referenceId)}`;
    return {
      request: { method: 'PATCH', path, body: Buffer.from(JSON.stringify(decodeLate(late))) },
      judge: (outcome) => {
        this.#ledger.exports.answered([entry], outcome);
        return judgeUpdate(outcome);
      },
      apply,
    };
  }

  #applyToUpdate(entry: LogEntry, late: EncodedLate, verdict: Verdict): void {
    if (entry.state === 'dropped') return;
    switch (verdict.kind) {
      case 'stored':
        return this.#ledger.updated(entry, late);
      case 'unknown':
        if (this.#ledger.lost(entry)) return;
        return this.#ledger.dropUpdate(entry, late, 'update_unknown_reference', verdict.why);
      case 'invalid':
        return this.#ledger.dropUpdate(entry, late, 'update_rejected', verdict.why);
      case 'closed':
        return this.#ledger.dropUpdate(entry, late, 'service_closed', verdict.why);
      case 'tooLarge':
        if (!late.output && !late.error) return this.#ledger.dropUpdate(entry, late, 'too_large', verdict.why);
        this.#ledger.shrinkUpdate(entry);
        return this.#ledger.backToUpdates(entry);
      default:
        if (!this.#ledger.isExpired(entry)) return this.#ledger.backToUpdates(entry);
        return this.#ledger.dropUpdate(entry, late, 'retry_expired', verdict.why);
    }
  }

  #applyToProbe(probe: Probe, late: EncodedLate, verdict: Verdict): void {
    const { entry } = probe;
    const isFailure = verdict.kind === 'later' || verdict.kind === 'refused' || verdict.kind === 'unsure';
    if (isFailure && entry.state === 'unsure' && !this.#ledger.isExpired(entry)) {
      return this.#probes.unshift([probe]);
    }
    const isThere = verdict.kind === 'stored' && this.#ledger.stored(entry, late);
    if (isThere) countDelivered(1);
    this.#finishProbe(probe, isThere);
  }

  /** After the last probe of a POST, the logs that are not there are posted again, in one request. */
  #finishProbe({ entry, post }: Probe, isThere: boolean): void {
    post.openCount--;
    if (isThere) post.isAnyThere = true;
    else post.absent.push(entry);
    if (post.openCount > 0) return;
    const unsure = post.entries.filter(({ state }) => state === 'unsure');
    if (!post.isAnyThere) return this.#ledger.backToReady(unsure);
    this.#ledger.backToReady(post.absent);
    this.#ledger.unsure(
      unsure.filter((other) => !post.absent.includes(other)),
      false,
    );
  }
}
