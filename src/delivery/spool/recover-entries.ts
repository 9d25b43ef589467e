/** Makes entries again of what a process left that is no more. Pure. */
import { type Late, LogEntry } from '../log-entry.ts';
import type { OrphanedLog } from './orphan-rows.ts';

export const PROCESS_EXITED = 'process exited before the span ended';

/**
 * Parents and children find each other by their references. A parent that is not among the logs was acknowledged, or
 * was not on disk yet when the process ended: the server is asked, too, and a child of none moves up.
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
    for (const step of path.reverse()) {
      const parent = parentOf(step, byReference, entries);
      const traceId = traceIdOf(step.referenceId);
      const family = families.get(traceId) ?? [];
      families.set(traceId, family);
      entries.set(step.referenceId, toEntry(step, parent, family));
    }
  }
  return [...entries.values()];
}

function parentOf(
  { parentReferenceId, isDelivered }: OrphanedLog,
  byReference: ReadonlyMap<string, OrphanedLog>,
  entries: Map<string, LogEntry>,
): LogEntry | undefined {
  if (parentReferenceId === undefined) return undefined;
  const known = entries.get(parentReferenceId);
  if (known || isDelivered || byReference.has(parentReferenceId)) return known;
  return absent(parentReferenceId, entries);
}

function toEntry(log: OrphanedLog, parent: LogEntry | undefined, family: LogEntry[]): LogEntry {
  const entry = new LogEntry(log.referenceId, parent, family);
  entry.state = log.isDelivered ? 'delivered' : 'unsure';
  entry.desire(log.isFinal ? log.late : closed(log));
  if (log.acknowledged) entry.acknowledge(log.acknowledged);
  entry.storedBytes = log.isDelivered ? undefined : log.bytes;
  entry.startedMillis = log.startedMillis;
  entry.isFinal = true;
  return entry;
}

/** A log without a row. */
function absent(referenceId: string, entries: Map<string, LogEntry>): LogEntry {
  const entry = new LogEntry(referenceId, undefined, []);
  entry.state = 'unsure';
  entry.storedBytes = 0;
  entry.isFinal = true;
  entries.set(referenceId, entry);
  return entry;
}

function closed({ late, startedMillis, aliveMillis }: OrphanedLog): Late {
  const duration = Math.max(0, aliveMillis - startedMillis) / 1000;
  return { ...late, error: late.error ?? PROCESS_EXITED, duration: late.duration ?? duration };
}

/** Logs of one trace stay together: they find their parents among each other. */
export function partsByTrace(logs: readonly OrphanedLog[], minLength: number): OrphanedLog[][] {
  const traces = new Map<string, OrphanedLog[]>();
  for (const log of logs) {
    const traceId = traceIdOf(log.referenceId);
    const trace = traces.get(traceId);
    if (trace) trace.push(log);
    else traces.set(traceId, [log]);
  }
  const parts: OrphanedLog[][] = [];
  let part: OrphanedLog[] = [];
  for (const trace of traces.values()) {
    if (part.length === 0) parts.push(part);
    for (const log of trace) part.push(log);
    if (part.length >= minLength) part = [];
  }
  return parts;
}

function traceIdOf(referenceId: string): string {
  return referenceId.split('-', 1)[0] as string;
}
