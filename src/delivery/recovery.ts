/** Makes entries again of what a process left that is no more. Pure. */
import { LogEntry } from './log-entry.ts';
import type { OrphanedLog } from './spool-file.ts';

export const PROCESS_EXITED = 'process exited before the span ended';

/**
 * Parents and children find each other by their references. A parent that is not among the logs was acknowledged.
 * A span that was open is closed: with an error, and with the duration to its process's last sign of life.
 */
export function recoverEntries(logs: readonly OrphanedLog[]): LogEntry[] {
  const byReference = new Map(logs.map((log) => [log.referenceId, log]));
  const entries = new Map<string, LogEntry>();
  const families = new Map<string, LogEntry[]>();
  for (const log of logs) {
    const path: OrphanedLog[] = [];
    // From the log up to an ancestor that is an entry already. A circle, which only a broken file has, ends it too.
    for (let step: OrphanedLog | undefined = log; step && !entries.has(step.referenceId) && !path.includes(step); ) {
      path.push(step);
      step = byReference.get(step.parentReferenceId ?? '');
    }
    for (const step of path.reverse()) entries.set(step.referenceId, toEntry(step, entries, families));
  }
  return [...entries.values()];
}

function toEntry(log: OrphanedLog, entries: Map<string, LogEntry>, families: Map<string, LogEntry[]>): LogEntry {
  const traceId = log.referenceId.split('-')[0] as string;
  const family = families.get(traceId) ?? [];
  families.set(traceId, family);
  const parent =
    log.parentReferenceId === undefined
      ? undefined
      : (entries.get(log.parentReferenceId) ?? acknowledged(log.parentReferenceId));
  const entry = new LogEntry(log.referenceId, parent, family);
  entry.state = log.isDelivered ? 'delivered' : 'unsure';
  entry.desired = log.isFinal ? log.late : closed(log);
  entry.acknowledged = log.acknowledged;
  entry.storedBytes = log.isDelivered ? undefined : log.bytes;
  entry.startedMillis = log.startedMillis;
  entry.isFinal = true;
  return entry;
}

function acknowledged(referenceId: string): LogEntry {
  const parent = new LogEntry(referenceId, undefined, []);
  parent.state = 'delivered';
  return parent;
}

function closed({ late, startedMillis, aliveMillis }: OrphanedLog): LogEntry['desired'] {
  const duration = Math.max(0, aliveMillis - startedMillis) / 1000;
  return { ...late, error: late.error ?? PROCESS_EXITED, duration: late.duration ?? duration };
}
