/** Under which log each span hangs. */

import type { Skeleton } from '../skeletons/skeleton.ts';
import type { Tree } from '../skeletons/tree.ts';
import type { Standing } from './first-calls.ts';
import { FromAbove } from './from-above.ts';
import { Upstreams } from './upstreams.ts';

/** Made for one look at a tree, which must not change meanwhile. */
export class ParentIds {
  readonly #tree: Tree;
  readonly #upstreams: Upstreams;
  /** The nearest log at or above a span, or what is named above its root. */
  readonly #logs: FromAbove<string | undefined>;

  /** @param standings what spans are now, where that is not what was written last. */
  constructor(tree: Tree, standings: ReadonlyMap<Skeleton, Standing> = new Map()) {
    this.#tree = tree;
    this.#upstreams = new Upstreams(tree);
    this.#logs = new FromAbove<string | undefined>(tree, (node, above) => {
      const standing = standings.get(node) ?? node.written;
      if (standing && standing.keeperId === undefined) return node.spanId;
      return above ? above.value : this.#upstreams.above(node);
    });
  }

  /**
   * Returns the nearest ancestor that is a log. Above the first span whose parent has not come, that is the log which
   * `tracestate` names, or else that parent, which may be a log: one of another process may never come here.
   */
  of(node: Skeleton): string | undefined {
    const above = this.#tree.above(node);
    return above ? this.#logs.at(above) : this.#upstreams.above(node);
  }
}
