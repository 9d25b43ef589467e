/** Logs whose state was decided before this process began, or before it forgot them. */
import type { LateFields } from '../../wire/late-fields.ts';
import type { LogEntry } from './log-entry.ts';
import { MutableEntry } from './mutable-entry.ts';

/** A log that this process has not sent, or has forgotten: it is taken to be stored, and only an update can reach it. */
export function assumedEntry(referenceId: string): LogEntry {
  return rememberedEntry(referenceId, undefined, [], 'delivered');
}

/** A log that was done, as it was filed with its trace: late children and updates may still name it. */
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
  /** Whether it was acknowledged as a log; else the server is asked whether it has it. */
  readonly isDelivered: boolean;
  readonly late: LateFields;
  readonly acknowledged: LateFields | undefined;
  /** Length of its body, which is on disk. */
  readonly storedBytes: number;
}

/** A log that a dead process has left. It has to be given to `Ledger.recover`. */
export function recoveredEntry(log: EarlierLog): LogEntry {
  const entry = new MutableEntry(log.referenceId, log.parent, log.family);
  entry.state = log.isDelivered ? 'delivered' : 'unsure';
  entry.startedMillis = log.startedMillis;
  entry.isFinal = true;
  entry.desire(log.late);
  if (log.acknowledged) entry.acknowledge(log.acknowledged);
  if (!log.isDelivered) entry.storedBytes = log.storedBytes;
  return entry;
}
