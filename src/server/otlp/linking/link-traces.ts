/** Links what one request has of several traces, as work for the store. */
import type { CallKey, Ingest, IngestFault, IngestReads, IngestWork } from '../../store/ingest.ts';
import { keysOf, type OwnKey } from './call-keys.ts';
import { linkTrace } from './link-trace.ts';
import type { Arrivals } from './skeletons/arrival.ts';
import type { TreeMemo } from './skeletons/tree-memo.ts';
import type { TraceChange } from './trace-change.ts';

export interface TraceArrivals extends Arrivals {
  readonly traceId: string;
}

/** What the last call of the work has found. */
export interface Findings {
  /** What could not be used. */
  readonly faults: readonly IngestFault[];
  /** In the trace of most: of how many logs it was decided again what becomes of them, new ones included. */
  readonly lookedAt: number;
  /** By what spans of other traces find what has come, and calls that were left alone and have to be compared again. */
  readonly calls: readonly OwnKey[];
  /** Calls that have to be compared with those of other traces again, by reference id; true for those that say more. */
  readonly unsettled: ReadonlyMap<string, boolean>;
}

export interface LinkingWork {
  readonly work: IngestWork;
  findings(): Findings;
}

export function linkTraces(traces: readonly TraceArrivals[], trees: TreeMemo): LinkingWork {
  const calls = traces.flatMap(({ traceId, spans, judgements }) => keysOf(traceId, spans, judgements));
  let findings: Findings = { faults: [], lookedAt: 0, calls, unsettled: new Map() };
  const work: IngestWork = function* (memory, stored) {
    const changes: ChangeOfTrace[] = [];
    for (const trace of traces) {
      const { traceId } = trace;
      changes.push({ traceId, change: yield* linkTrace(traceId, memory.get(traceId) ?? [], trace, stored, trees) });
    }
    const unsettled = changes.flatMap(({ change }) => ('reads' in change ? [] : [...change.unsettled]));
    const faults = changes.flatMap(({ change }) => ('reads' in change ? [] : change.faults));
    const alone = changes.flatMap(({ change }) => ('reads' in change ? [] : change.alone));
    const lookedAt = Math.max(0, ...changes.map(({ change }) => ('reads' in change ? 0 : change.lookedAt)));
    findings = {
      ...{ faults, lookedAt, calls: alone.length > 0 ? [...calls, ...alone] : calls },
      unsettled: new Map(unsettled),
    };
    return together(changes, calls);
  };
  return { work, findings: () => findings };
}

export interface ChangeOfTrace {
  readonly traceId: string;
  readonly change: TraceChange | IngestReads;
}

/** Returns what to write; or what has to be read first, of any of the traces. */
export function together(changes: readonly ChangeOfTrace[], calls: readonly CallKey[] = []): Ingest | IngestReads {
  const reads = changes.flatMap(({ change }) => ('reads' in change ? change.reads : []));
  if (reads.length > 0) return { reads };
  const ingest = {
    creates: [] as Ingest['creates'][number][],
    revisions: [] as Ingest['revisions'][number][],
    feedback: [] as Ingest['feedback'][number][],
    parts: new Map<string, Ingest['parts'] extends ReadonlyMap<string, infer Part> ? Part : never>(),
    places: new Map<string, string | null>(),
    calls,
    kept: new Map<string, string | undefined>(),
  };
  for (const { traceId, change } of changes) {
    if ('reads' in change) continue;
    ingest.creates.push(...change.creates);
    ingest.revisions.push(...change.revisions);
    ingest.feedback.push(...change.feedback);
    if (change.part) ingest.parts.set(traceId, change.part);
    for (const [referenceId, place] of change.places) ingest.places.set(referenceId, place);
    for (const [referenceId, content] of change.kept) ingest.kept.set(referenceId, content);
  }
  return ingest;
}
