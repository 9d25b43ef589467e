/**
 * What a span has from those above it: its root, or the nearest log. Thousands may hang one below the other and each ask
 * for it, so it is found once for each span on the way, and the work grows with the spans and not with their depths.
 */
import type { Skeleton } from '../skeletons/skeleton.ts';
import type { Tree } from '../skeletons/tree.ts';

export class FromAbove<Value> {
  readonly #tree: Tree;
  readonly #find: (node: Skeleton, above: { readonly value: Value } | undefined) => Value;
  readonly #known = new Map<Skeleton, { readonly value: Value }>();

  /**
   * The tree must not change as long as this is used.
   *
   * @param find returns what a span has, from what its parent has; undefined if its parent has not come.
   */
  constructor(tree: Tree, find: (node: Skeleton, above: { readonly value: Value } | undefined) => Value) {
    this.#tree = tree;
    this.#find = find;
  }

  at(node: Skeleton): Value {
    const path: Skeleton[] = [];
    let step: Skeleton | undefined = node;
    for (; step && !this.#known.has(step); step = this.#tree.above(step)) path.push(step);
    let above = step && this.#known.get(step);
    for (let below = path.pop(); below; below = path.pop()) {
      above = { value: this.#find(below, above) };
      this.#known.set(below, above);
    }
    return (above as { readonly value: Value }).value;
  }
}
