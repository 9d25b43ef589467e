/**
 * The contract of a spool: a copy of the unacknowledged logs that outlives the process. The ledger notes each change in
 * it and leaves the bodies to it that memory has no room for. What dead processes have left comes back as entries,
 * through `SpoolOwner`.
 *
 * A spool never throws: if its medium fails, delivery continues in memory. Then `isStored` returns false, and `load`
 * may find nothing.
 */
import type { SpoolUsage } from '../../telemetry/self-metrics.ts';
import type { LateFields } from '../../wire/late-fields.ts';
import type { DropReason } from '../drops.ts';
import type { LogEntry } from './log-entry.ts';

export interface Spool {
  /**
   * Call this when a log that was offered has changed in a way that a restart has to know of. Its newest state is
   * written soon; a log that `isDone` is removed.
   */
  note(entry: LogEntry): void;
  /** Returns the content of a log that the owner has unloaded; undefined if it is lost. */
  load(referenceId: string): StoredContent | undefined;
  /** Call this before logs are sent: those of open spans are written now, or nobody would close them after a crash. */
  secure(entries: readonly LogEntry[]): void;
  /** Writes a draft of a log that is not offered yet. */
  draft(log: SpooledLog): void;
  /** Removes a draft: the span turned out not to be a log. */
  forget(referenceId: string): void;
  /** Returns true if the newest state of the log is written. */
  isStored(referenceId: string): boolean;
  /** Returns what is stored now; undefined if the medium fails. */
  usage(): SpoolUsage | undefined;
  /** Resolves when the owner has the logs that dead processes had left by now. */
  recovered(): Promise<void>;
  /** Writes all notes now. */
  flush(): void;
  /** Writes all notes, which stay for the next start. After that nothing is noted or recovered. */
  close(): void;
}

export interface StoredContent {
  readonly body: string;
  readonly late: LateFields;
}

/** A log as it is stored. */
export interface SpooledLog {
  readonly referenceId: string;
  readonly parentReferenceId: string | undefined;
  /** Another process logs the parent, so that a restart does not ask for it. */
  readonly isParentElsewhere?: boolean | undefined;
  /** The datapoint without its ids and late fields; undefined if only updates are left to send. */
  readonly body: string | undefined;
  readonly late: LateFields;
  readonly acknowledged: LateFields | undefined;
  readonly isDelivered: boolean;
  /** Feedback that waits for the log's delivery; undefined if there is none. */
  readonly feedback?: readonly string[] | undefined;
  /** The span has ended. */
  readonly isFinal: boolean;
  /** Start of the span, Unix milliseconds. */
  readonly startedMillis: number;
}

/** What a spool needs from the owner of the logs. */
export interface SpoolOwner {
  /** Returns true if memory is short: bodies that are stored need not be in memory too. */
  isPressed(): boolean;
  /** Removes a body that is stored from memory. Returns false if the log needs it, since it is being sent. */
  unload(entry: LogEntry): boolean;
  /** Makes room when the spool is full. Returns false if there is nothing to give up. */
  dropOldestTrace(reason: DropReason): boolean;
  /** Takes logs that dead processes have left, parents first. */
  recover(entries: readonly LogEntry[]): void;
}
