/** Which calls of a trace have to be compared with those of other traces again. */
import { findParentId } from './outcomes.ts';
import { isLogOfCall, type Outcome, type Skeleton } from './skeleton.ts';
import type { Tree } from './tree.ts';

export interface LinkedNews {
  /** The spans that were looked at. */
  readonly affected: Iterable<Pick<Skeleton, 'spanId'>>;
  readonly changed: ReadonlyMap<string, Outcome>;
  /** Spans that have said nothing new: what was to be done for them may have failed the last time. */
  readonly repeated: ReadonlySet<string>;
  /** Spans that were compared just now. */
  readonly joined: ReadonlySet<string>;
}

/** Call this when the outcomes are in the tree. Returns span ids; true for calls that say more, or may. */
export function findUnsettled(
  tree: Tree,
  { affected, changed, repeated, joined }: LinkedNews,
): ReadonlyMap<string, boolean> {
  const unsettled = new Map<string, boolean>();
  for (const { spanId } of repeated.size > 0 ? tree.nodes : affected) {
    const node = tree.get(spanId);
    if (!node?.elsewhere || joined.has(spanId)) continue;
    const saysMore = changed.has(spanId) || repeated.has(spanId);
    if (saysMore || isJoinedAsAnother(tree, node)) unsettled.set(spanId, saysMore);
  }
  return unsettled;
}

/** Whether what counted when the call was joined is not so any more. */
function isJoinedAsAnother(tree: Tree, node: Skeleton): boolean {
  const isBelowLog = findParentId(tree, node) !== undefined;
  return !isLogOfCall(node.written) || isBelowLog !== node.elsewhere?.isBelowLog;
}
