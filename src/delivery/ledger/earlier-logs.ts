/** Entries for logs that an earlier or another process has sent, or that this process has forgotten. */
import type { LateFields } from '../../wire/late-fields.ts';
import type { LogEntry } from './log-entry.ts';
import { MutableEntry } from './mutable-entry.ts';

/** Returns an entry that counts as stored: only an update can reach it. */
export function assumedEntry(referenceId: string): LogEntry {
  return rememberedEntry(referenceId, undefined, [], 'delivered');
}

/**
 * Returns an entry for the log of another process. It counts as stored, whether or not the server has it yet: the server
 * joins the two when it has both.
 */
export function elsewhereEntry(referenceId: string): LogEntry {
  const entry = new MutableEntry(referenceId, undefined, []);
  entry.state = 'delivered';
  entry.isFinal = true;
  entry.isElsewhere = true;
  return entry;
}

/** Returns an entry for a log that was done, as its trace remembers it: late children and updates may still name it. */
export function rememberedEntry(
  referenceId: string,
  parent: LogEntry | undefined,
  family: LogEntry[],
  state: 'delivered' | 'dropped',
): LogEntry {
  const entry = new MutableEntry(referenceId, parent, family);
  entry.state = state;
  entry.isFinal = true;
  return entry;
}

export interface EarlierLog {
  readonly referenceId: string;
  readonly parent: LogEntry | undefined;
  readonly family: LogEntry[];
  readonly startedMillis: number;
  /** The server has acknowledged the log; if not, a probe asks for it. */
  readonly isDelivered: boolean;
  readonly late: LateFields;
  readonly acknowledged: LateFields | undefined;
  readonly feedback?: readonly string[] | undefined;
  /** Length of its body, which is on disk, in bytes. */
  readonly storedBytes: number;
}

/** Returns an entry for a log that a dead process has left. It has to be passed to `Ledger.recover`. */
export function recoveredEntry(log: EarlierLog): LogEntry {
  const entry = new MutableEntry(log.referenceId, log.parent, log.family);
  entry.state = log.isDelivered ? 'delivered' : 'unsure';
  entry.startedMillis = log.startedMillis;
  entry.isFinal = true;
  entry.desire(log.late);
  if (log.feedback) entry.feedback = log.feedback;
  if (log.acknowledged) entry.acknowledge(log.acknowledged);
  if (!log.isDelivered) entry.storedBytes = log.storedBytes;
  return entry;
}
