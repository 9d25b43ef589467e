/**
 * Feedback that came after its log was written, and waits to be sent once the log is delivered. Part of the ledger,
 * which lends it what changes with each step.
 */
import type { DropReason, Drops } from '../drops.ts';
import type { LogEntry } from './log-entry.ts';
import { type MutableEntry, mutable } from './mutable-entry.ts';

/** A log with more is judged by a fault. */
const MAX_PER_LOG = 1_000;

export class WaitingFeedback {
  readonly #drops: Drops;
  readonly #counts: { updated: number; retried: number };
  readonly #reconcile: (entry: MutableEntry) => void;

  constructor(drops: Drops, counts: { updated: number; retried: number }, reconcile: (entry: MutableEntry) => void) {
    this.#drops = drops;
    this.#counts = counts;
    this.#reconcile = reconcile;
  }

  /** Adds feedback: JSON objects without the log's id. It may be empty, if feedback that was announced is withheld. */
  add(log: LogEntry, feedback: readonly string[]): void {
    const entry = mutable(log);
    if (entry.state === 'dropped') {
      for (const _item of feedback) this.#drops.add('feedback_no_log', log.referenceId, 'the log was dropped');
      return;
    }
    for (const item of feedback) {
      if (entry.feedback.length < MAX_PER_LOG) entry.feedback = [...entry.feedback, item];
      else this.#drops.add('queue_full', log.referenceId, `more than ${MAX_PER_LOG} items of feedback for one log`);
    }
    this.#reconcile(entry);
  }

  /** Call this before each request for the log's feedback. */
  start(log: LogEntry): void {
    mutable(log).startAttempt();
  }

  /** Counts a request that failed and is sent again. */
  countRetry(): void {
    this.#counts.retried++;
  }

  /** The server has this feedback. */
  stored(log: LogEntry, feedback: readonly string[]): void {
    this.#counts.updated++;
    this.#finish(mutable(log), feedback);
  }

  /** Gives this feedback up. */
  drop(log: LogEntry, feedback: readonly string[], reason: DropReason, why?: string): void {
    for (const _item of feedback) this.#drops.add(reason, log.referenceId, why);
    this.#finish(mutable(log), feedback);
  }

  #finish(entry: MutableEntry, feedback: readonly string[]): void {
    entry.removeFeedback(feedback);
    entry.isUpdating = false;
    this.#reconcile(entry);
  }
}
