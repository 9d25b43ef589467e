/** Turns what a dead process has left into entries again. Pure. */
import type { LateFields } from '../../wire/late-fields.ts';
import { elsewhereEntry, recoveredEntry } from '../ledger/earlier-logs.ts';
import type { LogEntry } from '../ledger/log-entry.ts';
import type { FoundLog } from './take-over-rows.ts';

export const PROCESS_EXITED = 'process exited before the span ended';

/**
 * Links parents and children by their references; returns parents first. A parent that is not among the logs was
 * acknowledged, or was not on disk yet when the process ended: a probe asks for it, and if it is not there, its
 * children move up. A parent that another process logs is not asked for. A span that was open is closed with an error,
 * and with the duration up to its process's last write.
 */
export function recoverEntries(logs: readonly FoundLog[]): LogEntry[] {
  const byReference = new Map(logs.map((log) => [log.referenceId, log]));
  const entries = new Map<string, LogEntry>();
  const families = new Map<string, LogEntry[]>();
  for (const log of logs) {
    const path: FoundLog[] = [];
    // The path goes up to an ancestor that has an entry. A circle, which only a damaged file has, ends it too.
    for (let step: FoundLog | undefined = log; step && !entries.has(step.referenceId) && !path.includes(step); ) {
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
  { parentReferenceId, isParentElsewhere, isDelivered }: FoundLog,
  byReference: ReadonlyMap<string, FoundLog>,
  entries: Map<string, LogEntry>,
): LogEntry | undefined {
  if (parentReferenceId === undefined) return undefined;
  const known = entries.get(parentReferenceId);
  if (known || isDelivered || byReference.has(parentReferenceId)) return known;
  return isParentElsewhere ? elsewhereEntry(parentReferenceId) : addEntryWithoutRow(parentReferenceId, entries);
}

function toEntry(log: FoundLog, parent: LogEntry | undefined, family: LogEntry[]): LogEntry {
  const { referenceId, startedMillis, isDelivered, acknowledged, feedback, bytes: storedBytes } = log;
  const late = log.isFinal ? log.late : closed(log);
  const stored = { isDelivered, late, acknowledged, feedback, storedBytes };
  return recoveredEntry({ referenceId, parent, family, startedMillis, ...stored });
}

/** Adds an entry for a parent that has no row. */
function addEntryWithoutRow(referenceId: string, entries: Map<string, LogEntry>): LogEntry {
  const entry = recoveredEntry({
    referenceId,
    parent: undefined,
    family: [],
    startedMillis: 0,
    isDelivered: false,
    late: {},
    acknowledged: undefined,
    storedBytes: 0,
  });
  entries.set(referenceId, entry);
  return entry;
}

function closed({ late, startedMillis, aliveMillis }: FoundLog): LateFields {
  const duration = Math.max(0, aliveMillis - startedMillis) / 1000;
  return { ...late, error: late.error ?? PROCESS_EXITED, duration: late.duration ?? duration };
}

/** Splits logs into parts of at least `minLength`. A trace stays in one part: its logs are linked with each other. */
export function partsByTrace(logs: readonly FoundLog[], minLength: number): FoundLog[][] {
  const traces = new Map<string, FoundLog[]>();
  for (const log of logs) {
    const traceId = traceIdOf(log.referenceId);
    const trace = traces.get(traceId);
    if (trace) trace.push(log);
    else traces.set(traceId, [log]);
  }
  const parts: FoundLog[][] = [];
  let part: FoundLog[] = [];
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
