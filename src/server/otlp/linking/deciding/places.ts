/** In which order logs are written and removed, and where logs hang that name spans which are no logs. */
import { referenceIdOf } from '../../../../wire/reference-id.ts';
import type { Outcome } from '../skeletons/skeleton.ts';
import { isOfAnotherTrace } from '../skeletons/span-name.ts';
import type { Tree } from '../skeletons/tree.ts';
import { ParentIds } from './parent-ids.ts';

/** A log that is stored before those below it is linked to them as they are written; later, each would be changed. */
export function* parentsFirst(outcomes: ReadonlyMap<string, Outcome>): Generator<readonly [string, Outcome]> {
  const seen = new Set<string>();
  for (const [spanId] of outcomes) {
    const path: string[] = [];
    for (let step: string | undefined = spanId; step !== undefined && !seen.has(step); ) {
      const outcome = outcomes.get(step);
      if (!outcome) break;
      seen.add(step);
      path.push(step);
      step = outcome.parentId;
    }
    for (const id of path.reverse()) yield [id, outcomes.get(id) as Outcome];
  }
}

/**
 * Logs that came by the v4 API may be below spans that are no logs, or whose log is another one now. Returns the
 * references of these spans, among the given ones or all, with that of the log to hang under; null for none.
 *
 * What a span here names in `tracestate` is left out: it is a log, and if it is none, all cuts of the trace must agree.
 */
export function findPlaces(
  traceId: string,
  tree: Tree,
  spanIds: Iterable<string> | undefined,
): Map<string, string | null> {
  const places = new Map<string, string | null>();
  const parents = new ParentIds(tree);
  for (const spanId of spanIds ?? Array.from(tree.nodes, (node) => node.spanId)) {
    const node = tree.get(spanId);
    if (!node?.isSeen || tree.isUpstream(spanId) || (node.written && node.written.keeperId === undefined)) continue;
    const keeperId = node.written?.keeperId;
    const isHere = keeperId !== undefined && !isOfAnotherTrace(keeperId);
    const placeId = isHere ? keeperId : parents.of(node);
    places.set(referenceIdOf(traceId, spanId), placeId === undefined ? null : referenceIdOf(traceId, placeId));
  }
  return places;
}

/** Returns the span, named as in `span-name.ts`, whose log has the call of this one: its keeper may have a keeper itself. */
export function findLog(tree: Tree, spanId: string, outcomes: ReadonlyMap<string, Outcome>): string {
  let name = spanId;
  for (;;) {
    const keeperId = (outcomes.get(name) ?? tree.get(name)?.written)?.keeperId;
    if (keeperId === undefined) return name;
    name = keeperId;
  }
}
