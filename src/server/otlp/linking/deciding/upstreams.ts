/**
 * Which log of another process a trace hangs under there: the one that `tracestate` names, where the parent has not come.
 *
 * Whoever sends spans may name any span of the trace, also one that hangs below itself, over several roots. Of the roots in
 * such a circle, what the one with the lowest id names does not count, in whatever order they came.
 */

import type { Skeleton } from '../skeletons/skeleton.ts';
import type { Tree } from '../skeletons/tree.ts';
import { FromAbove } from './from-above.ts';

/** Each is looked at in about a microsecond. */
const SPANS_OF_STEP = 100;

/** Made for one look at a tree, which must not change meanwhile. */
export class Upstreams {
  readonly #tree: Tree;
  readonly #roots: FromAbove<Skeleton>;
  /** The roots that were looked at; true for the lowest of a circle. */
  readonly #isLowest = new Map<Skeleton, boolean>();

  constructor(tree: Tree) {
    this.#tree = tree;
    this.#roots = new FromAbove<Skeleton>(tree, (node, above) => above?.value ?? node);
  }

  /** The first span at or above this one whose parent has not come. */
  rootOf(node: Skeleton): Skeleton {
    return this.#roots.at(node);
  }

  /** Returns what is named above a root: by `tracestate`, or else the parent that has not come. */
  above(root: Skeleton): string | undefined {
    return (this.isMadeUp(root) ? undefined : root.upstreamId) ?? parentHere(root);
  }

  /** Whether what `tracestate` names does not count. */
  isMadeUp(root: Skeleton): boolean {
    if (!this.#isLowest.has(root)) this.#look(root);
    return this.#isLowest.get(root) as boolean;
  }

  #look(root: Skeleton): void {
    const path = new Set<Skeleton>();
    let step: Skeleton | undefined = root;
    for (; step && !this.#isLowest.has(step) && !path.has(step); step = this.#next(step)) path.add(step);
    const lowest = step && path.has(step) ? this.#lowestOf(step) : undefined;
    for (const each of path) this.#isLowest.set(each, each === lowest);
  }

  #lowestOf(first: Skeleton): Skeleton {
    let lowest = first;
    for (let step = this.#next(first); step && step !== first; step = this.#next(step)) {
      if (step.spanId < lowest.spanId) lowest = step;
    }
    return lowest;
  }

  /** The root above what this one names. */
  #next({ upstreamId }: Skeleton): Skeleton | undefined {
    const upstream = upstreamId === undefined ? undefined : this.#tree.get(upstreamId);
    return upstream && this.#roots.at(upstream);
  }
}

/** The parent of a root may be a log that has not come; one of another process may never come here. */
function parentHere({ isRemoteParent, parentId }: Skeleton): string | undefined {
  return isRemoteParent ? undefined : parentId;
}

/**
 * Returns the logs at the top of a root whose circle was closed or opened since they were written, by what has come below
 * other roots. Yields after some spans.
 */
export function* findMoved(tree: Tree): Generator<void, string[]> {
  const moved: string[] = [];
  if (!tree.hasUpstreams || !hasNamingRoot(tree)) return moved;
  const upstreams = new Upstreams(tree);
  let count = 0;
  for (const node of tree.nodes) {
    count += 1;
    if (count % SPANS_OF_STEP === 0) yield;
    const { spanId, written } = node;
    if (!written || written.keeperId !== undefined) continue;
    // Most are below a log, and not at the top.
    if (written.parentId !== undefined && written.parentId === tree.above(node)?.spanId) continue;
    const root = upstreams.rootOf(node);
    if (root.upstreamId === undefined) continue;
    // Only what circles have changed: of a large trace, spans between a log and its root may be forgotten.
    const before = upstreams.isMadeUp(root) ? root.upstreamId : parentHere(root);
    if (written.parentId === before && before !== upstreams.above(root)) moved.push(spanId);
  }
  return moved;
}

function hasNamingRoot(tree: Tree): boolean {
  for (const node of tree.nodes) if (node.upstreamId !== undefined && !tree.above(node)) return true;
  return false;
}
