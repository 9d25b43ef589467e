/**
 * One log on its way to the server: what it should be, and what the server has acknowledged. Everybody may read it; only
 * the ledger changes it.
 *
 * States, and how each is left:
 * - `new`        known to be a log, not mapped yet             → `waiting`, `ready` or `unsure` when offered
 * - `waiting`    mapped; its parent is not acknowledged        → `ready` when the parent is delivered or dropped
 * - `ready`      may join the next wave                        → `sending`
 * - `sending`    in a POST                                     → `delivered`, `ready` (again), `unsure`, `dropped`
 * - `unsure`     a POST's answer was lost: stored or not?      → `delivered` or `ready`, as an update by reference shows
 * - `delivered`  stored; updates go out for what differs       (stays, but for a log that the server has lost: `ready`)
 * - `dropped`    given up, counted with a reason               (stays); its children move to its own parent
 */
import type { LateFields } from '../../wire/late-fields.ts';

export type EntryState = 'new' | 'waiting' | 'ready' | 'sending' | 'unsure' | 'delivered' | 'dropped';

export interface LogEntry {
  readonly referenceId: string;
  readonly parent: LogEntry | undefined;
  readonly state: EntryState;
  /**
   * The datapoint as JSON, without its reference ids and the late fields. Kept as long as a POST may need it, here or, if
   * `isUnloaded`, on disk.
   */
  readonly body: string | undefined;
  /** What the late fields should be; for an unloaded log, those that were set since. */
  readonly desired: Readonly<LateFields>;
  /** What the server has of them. */
  readonly acknowledged: Readonly<LateFields> | undefined;
  /** Start of the span, Unix milliseconds; 0 for the placeholder of a span that did not come. */
  readonly startedMillis: number;
  /** The span has ended, so that nothing but an explicit update can follow. */
  readonly isFinal: boolean;
  /** At most this many logs in a request with this one: halved while the one that a server refuses is looked for. */
  readonly batchLimit: number;

  /** What it takes in memory, estimated. */
  readonly bytes: number;
  /** What it adds to a request, but for its ids. */
  readonly wireBytes: number;
  /** Something is left to do for it: a flush waits for it. */
  readonly isPending: boolean;
  /** Mapped, not known to be stored, and in no request: it can still be given up at no loss but its own. */
  readonly isUnsent: boolean;
  /** Its body and texts are on disk only. */
  readonly isUnloaded: boolean;
  /** Nothing is left to do for it and nothing but an explicit update can follow, whatever becomes of this process. */
  readonly isDone: boolean;
  /** The nearest ancestor that was not dropped: the one to name as parent, once it is delivered. */
  readonly effectiveParent: LogEntry | undefined;
}

/** Logs of one request that the server may have or not. */
export interface UnsureLogs {
  readonly entries: readonly LogEntry[];
  /** It probably has none of them. */
  readonly isUnlikely: boolean;
}
