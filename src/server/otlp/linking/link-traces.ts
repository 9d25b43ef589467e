/** Links what one request has of several traces, as work for the store. */
import type { Ingest, IngestFault, IngestWork } from '../../store/ingest.ts';
import type { Arrivals } from './arrival.ts';
import { linkTrace } from './link-trace.ts';
import type { TreeMemo } from './tree-memo.ts';

export interface TraceArrivals extends Arrivals {
  readonly traceId: string;
}

export interface LinkingWork {
  readonly work: IngestWork;
  /** What could not be used, as the last call of `work` found. */
  faults(): readonly IngestFault[];
}

export function linkTraces(traces: readonly TraceArrivals[], trees: TreeMemo): LinkingWork {
  let faults: readonly IngestFault[] = [];
  const work: IngestWork = (memory, stored) => {
    const changes = traces.map((trace) => ({
      traceId: trace.traceId,
      change: linkTrace(trace.traceId, memory.get(trace.traceId) ?? [], trace, stored, trees),
    }));
    const reads = changes.flatMap(({ change }) => ('reads' in change ? change.reads : []));
    if (reads.length > 0) return { reads };
    const ingest = {
      creates: [] as Ingest['creates'][number][],
      revisions: [] as Ingest['revisions'][number][],
      feedback: [] as Ingest['feedback'][number][],
      parts: new Map<string, Ingest['parts'] extends ReadonlyMap<string, infer Part> ? Part : never>(),
      places: new Map<string, string | null>(),
      kept: new Map<string, string | undefined>(),
    };
    const found: IngestFault[] = [];
    for (const { traceId, change } of changes) {
      if ('reads' in change) continue;
      ingest.creates.push(...change.creates);
      ingest.revisions.push(...change.revisions);
      ingest.feedback.push(...change.feedback);
      if (change.part) ingest.parts.set(traceId, change.part);
      for (const [referenceId, place] of change.places) ingest.places.set(referenceId, place);
      for (const [referenceId, content] of change.kept) ingest.kept.set(referenceId, content);
      found.push(...change.faults);
    }
    faults = found;
    return ingest;
  };
  return { work, faults: () => faults };
}
