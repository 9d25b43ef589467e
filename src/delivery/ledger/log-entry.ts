/**
 * One log on its way to the server: what it should be, and what the server has acknowledged. Everybody may read it;
 * only the ledger changes it.
 *
 * States, and how each is left:
 * - `new`        known to be a log, not mapped yet             → `waiting`, `ready` or `unsure` when accepted
 * - `waiting`    mapped; its parent is not acknowledged        → `ready` when the parent is delivered or dropped
 * - `ready`      may join the next wave                        → `sending`
 * - `sending`    in a POST                                     → `delivered`, `ready` (again), `unsure`, `dropped`
 * - `unsure`     a POST's answer was lost: stored or not?      → `delivered` or `ready`, as a probe shows
 * - `delivered`  stored; updates go out for what differs       (stays, unless the server has lost it: `ready`)
 * - `dropped`    given up, counted with a reason               (stays); its children move to its own parent
 */
import type { Body, EncodedLate } from '../../datapoint/body.ts';

export type EntryState = 'new' | 'waiting' | 'ready' | 'sending' | 'unsure' | 'delivered' | 'dropped';

export interface LogEntry {
  readonly referenceId: string;
  readonly parent: LogEntry | undefined;
  readonly state: EntryState;
  /** Another process logs it. Its children name it as their parent and do not wait for it. */
  readonly isElsewhere: boolean;
  /**
   * The datapoint as JSON, without its reference ids and the late fields. It is kept as long as a POST may need it:
   * here, or on disk if `isUnloaded`.
   */
  readonly body: Body | undefined;
  /** What the late fields should be. For an unloaded log: those that were set since it was unloaded. */
  readonly desired: Readonly<EncodedLate>;
  /** The late fields that the server has. */
  readonly acknowledged: Readonly<EncodedLate> | undefined;
  /** Feedback that is sent once the log is delivered: JSON objects without its id. */
  readonly feedback: readonly string[];
  /** Start of the span, Unix milliseconds; 0 without a spool, and for the placeholder of a span that did not come. */
  readonly startedMillis: number;
  /** The app has set late fields, which win over the span's. */
  readonly isOverridden: boolean;
  /** The span has ended, so only an override can follow. */
  readonly isFinal: boolean;
  /** Most logs in a request with this one. It is halved to find the log that the server refuses. */
  readonly batchLimit: number;

  /** Estimated bytes in memory. */
  readonly bytes: number;
  /** Estimated bytes that it adds to a request, without its ids. */
  readonly wireBytes: number;
  /** Something is left to do for it: a flush waits for it. */
  readonly isPending: boolean;
  /** Mapped, not known to be stored, and not in a request: dropping it affects no other log. */
  readonly isUnsent: boolean;
  /** Its body and texts are on disk only. */
  readonly isUnloaded: boolean;
  /** Delivered, and feedback is left to send. */
  readonly owesFeedback: boolean;
  /** Nothing is left to do for it, and only an override can follow: a restart need not know it. */
  readonly isDone: boolean;
  /** The nearest ancestor that was not dropped. The log names it as its parent once that is delivered. */
  readonly effectiveParent: LogEntry | undefined;
}

/** Logs of one request that the server may or may not have. */
export interface UnsureLogs {
  readonly entries: readonly LogEntry[];
  /** It probably has none of them. */
  readonly isUnlikely: boolean;
}
