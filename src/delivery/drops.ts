/** Counts what is given up, by reason, and reports it to the app. Nothing is dropped anywhere else. */
import { Warnings } from '../host/warnings.ts';
import type { DropReport } from '../options.ts';
import { countDropped } from './metrics.ts';

/** Why a log or an update was not delivered. */
export type DropReason =
  | 'queue_full'
  | 'rejected'
  | 'too_large'
  | 'retry_expired'
  | 'redacted'
  | 'unserialisable'
  | 'mapping_failed'
  | 'readers_missing'
  | 'shutdown'
  | 'service_closed'
  | 'span_forgotten'
  | 'update_not_a_log'
  | 'update_rejected'
  | 'update_unknown_reference'
  | 'feedback_no_log'
  | 'feedback_empty'
  | 'feedback_rejected'
  | 'spool_full'
  | 'spool_expired'
  | 'spool_lost';

const MAX_REFERENCES = 100;
const WARN_INTERVAL_MILLIS = 60_000;

export class Drops {
  readonly #counts = new Map<DropReason, number>();
  readonly #onDrop: ((report: DropReport) => void) | undefined;
  #pending = new Map<DropReason, { count: number; referenceIds: string[]; why: string | undefined }>();
  readonly #warnings = new Warnings(WARN_INTERVAL_MILLIS);

  constructor(onDrop: ((report: DropReport) => void) | undefined) {
    this.#onDrop = onDrop;
  }

  get counts(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }

  add(reason: DropReason, referenceId: string, why?: string): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    let pending = this.#pending.get(reason);
    if (!pending) {
      if (this.#pending.size === 0) queueMicrotask(() => this.#report());
      pending = { count: 0, referenceIds: [], why };
      this.#pending.set(reason, pending);
    }
    pending.count++;
    if (pending.referenceIds.length < MAX_REFERENCES) pending.referenceIds.push(referenceId);
  }

  /** Makes one report per reason for all drops of one turn: a full queue drops thousands of logs. */
  #report(): void {
    const reports = this.#pending;
    this.#pending = new Map();
    for (const [reason, { count, referenceIds, why }] of reports) {
      const message = `dropped ${count} (${reason}${why ? `: ${why}` : ''}), first ${referenceIds[0]}`;
      this.#warnings.warn('dropped', message);
      countDropped(count, reason);
      // The app's hook may throw or reject; neither must stop the delivery of other logs.
      Promise.resolve({ reason, count, referenceIds })
        .then(this.#onDrop)
        .catch(() => undefined);
    }
  }
}
