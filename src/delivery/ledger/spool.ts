/**
 * A copy of what is not acknowledged that outlives the process. The ledger notes each change in it, and leaves to it the
 * bodies that memory cannot hold. What dead processes have left comes back as entries, through `SpoolOwner`.
 *
 * A spool never throws: where its medium fails, the delivery goes on in memory. Then `isStored` is `false`, and `load`
 * may find nothing.
 */
import type { LateFields } from '../../wire/late-fields.ts';
import type { DropReason } from '../drops.ts';
import type { LogEntry } from './log-entry.ts';

export interface Spool {
  /**
   * Something has changed about a log that was offered, so that a restart would have to know of it. Its newest state is
   * written before long; what `isDone` is removed.
   */
  note(entry: LogEntry): void;
  /** What the owner unloaded, as it is stored; `undefined` if it is lost. */
  load(referenceId: string): StoredContent | undefined;
  /** The logs are about to be sent: those of open spans are written now, or after a crash nobody would close them. */
  secure(entries: readonly LogEntry[]): void;
  /** A log that is known already, though it is held back from the delivery. */
  draft(log: SpooledLog): void;
  /** What was drafted turned out not to be a log. */
  forget(referenceId: string): void;
  /** The newest state of the log is written. */
  isStored(referenceId: string): boolean;
  /** Resolves when what dead processes had left by now is known to the owner. */
  recovered(): Promise<void>;
  /** Writes all that is noted, now. */
  flush(): void;
  /** Writes all that is noted, which stays there for the next start. Nothing is noted or recovered any more. */
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
  /** The datapoint without its ids and late fields; `undefined` where only updates are left to send. */
  readonly body: string | undefined;
  readonly late: LateFields;
  readonly acknowledged: LateFields | undefined;
  readonly isDelivered: boolean;
  /** The span has ended. */
  readonly isFinal: boolean;
  /** Start of the span, Unix milliseconds. */
  readonly startedMillis: number;
}

/** What a spool asks of whoever owns the logs. */
export interface SpoolOwner {
  /** Memory is short: what is stored need not be there too. */
  isPressed(): boolean;
  /** Lets go of a body that is stored. `false` for a log that is needed as it is, since it is being sent. */
  unload(entry: LogEntry): boolean;
  /** The spool has reached its bound. `false` if there is nothing to give up. */
  dropOldestTrace(reason: DropReason): boolean;
  /** Logs that dead processes have left, parents first. */
  recover(entries: readonly LogEntry[]): void;
}
