/** Which calls of a trace have to be compared with those of other traces again. */

import { isLogOfCall, type Outcome, type Skeleton } from '../skeletons/skeleton.ts';
import type { Tree } from '../skeletons/tree.ts';
import { ParentIds } from './parent-ids.ts';

export interface LinkedNews {
  /** The spans that were looked at. */
  readonly affected: Iterable<Pick<Skeleton, 'spanId'>>;
  readonly changed: ReadonlyMap<string, Outcome>;
  /** Spans that have said nothing new: what was to be done for them may have failed the last time. */
  readonly repeated: ReadonlySet<string>;
  /** Spans that were compared just now. */
  readonly joined: ReadonlySet<string>;
}

export interface Unsettled {
  /** Calls that were joined with others, by span id; true for those that say more, or may. */
  readonly joined: ReadonlyMap<string, boolean>;
  /** Calls that were not. */
  readonly alone: readonly Skeleton[];
}

/** Call this when the outcomes are in the tree. */
export function findUnsettled(tree: Tree, { affected, changed, repeated, joined }: LinkedNews): Unsettled {
  const unsettled = new Map<string, boolean>();
  const alone: Skeleton[] = [];
  const below = findBelow(tree, repeated);
  const parents = new ParentIds(tree);
  for (const { spanId } of repeated.size > 0 ? tree.nodes : affected) {
    const node = tree.get(spanId);
    if (!node || joined.has(spanId)) continue;
    if (node.elsewhere) {
      const saysMore = changed.has(spanId) || repeated.has(spanId);
      if (saysMore || isJoinedAsAnother(parents, node)) unsettled.set(spanId, saysMore);
    } else if (node.names && (countsAnew(tree.before(spanId), node) || below.has(spanId))) {
      alone.push(node);
    }
  }
  return { joined: unsettled, alone };
}

/** Whether what counted when the call was joined is not so any more. */
function isJoinedAsAnother(parents: ParentIds, node: Skeleton): boolean {
  const isBelowLog = parents.of(node) !== undefined;
  return !isLogOfCall(node.written) || isBelowLog !== node.elsewhere?.isBelowLog;
}

/**
 * Whether what counts is another than when the call was left alone: it may have a better claim than the calls that
 * others were joined with. A span that has come just now is compared anyway.
 */
function countsAnew(before: Skeleton | undefined, node: Skeleton): boolean {
  if (!before?.written || !isLogOfCall(node.written)) return false;
  return (
    before.own !== node.own ||
    !isLogOfCall(before.written) ||
    (before.written.parentId === undefined) !== (node.written?.parentId === undefined)
  );
}

/** Returns the spans below these, and none of these. Each is looked at once, however many of them are above it. */
function findBelow(tree: Tree, spanIds: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set<string>();
  const path = Array.from(spanIds, (spanId) => tree.get(spanId)).filter((node) => node?.isSeen === true);
  for (let step = path.pop(); step; step = path.pop()) {
    for (const child of tree.below(step)) {
      if (found.has(child.spanId) || spanIds.has(child.spanId)) continue;
      found.add(child.spanId);
      path.push(child);
    }
  }
  return found;
}
