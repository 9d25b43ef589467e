/** Session, user and tags that all logs of a trace share, as far as they are known. */
import type { Skeleton, WrittenContext } from '../skeletons/skeleton.ts';
import type { Tree } from '../skeletons/tree.ts';

type Field = 'session' | 'user' | 'tags';

/**
 * What a root names outranks what is named below it. Of several roots the last one counts, of other spans the first, in
 * the order of their starts, as in an app that sees the spans start. A trace in which nothing names a session is one.
 */
export function findContext(traceId: string, tree: Tree): WrittenContext & { readonly session: string } {
  return {
    session: find('session', tree) ?? traceId,
    user: find('user', tree),
    tags: find('tags', tree),
  };
}

function find<Name extends Field>(field: Name, tree: Tree): Skeleton[Name] {
  if (!tree.named.isDisputed(field)) return tree.named.agreedOn(field);
  let root: Skeleton | undefined;
  let other: Skeleton | undefined;
  for (const node of tree.nodes) {
    if (node[field] === undefined) continue;
    if (tree.above(node)) other = !other || startsBefore(node, other) ? node : other;
    else root = !root || startsBefore(root, node) ? node : root;
  }
  return (root ?? other)?.[field] as Skeleton[Name];
}

function startsBefore(first: Skeleton, second: Skeleton): boolean {
  return first.startMillis === second.startMillis
    ? first.spanId < second.spanId
    : first.startMillis < second.startMillis;
}

export function hasSameTags({ tags: first }: WrittenContext, { tags: second }: WrittenContext): boolean {
  if (first === second) return true;
  return first?.length === second?.length && first?.every((tag, index) => tag === second?.[index]) === true;
}
