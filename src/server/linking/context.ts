/** Session, user and tags that all logs of a trace share, as far as they are known. */
import type { Skeleton, WrittenContext } from './skeleton.ts';
import type { Tree } from './tree.ts';

/**
 * What a root names outranks what is named below it. Of several roots the last one counts, of other spans the first, in
 * the order of their starts, as in an app that sees the spans start. A trace in which nothing names a session is one.
 */
export function findContext(traceId: string, tree: Tree): WrittenContext & { readonly session: string } {
  const naming: Skeleton[] = [];
  for (const node of tree.nodes.values()) {
    if (node.session !== undefined || node.user !== undefined || node.tags !== undefined) naming.push(node);
  }
  naming.sort((a, b) => a.startMillis - b.startMillis || (a.spanId < b.spanId ? -1 : 1));
  const roots = naming.filter((node) => tree.isRoot(node));
  const named = <Field extends 'session' | 'user' | 'tags'>(field: Field): Skeleton[Field] | undefined =>
    (roots.findLast((node) => node[field] !== undefined) ?? naming.find((node) => node[field] !== undefined))?.[field];
  return { session: named('session') ?? traceId, user: named('user'), tags: named('tags') };
}

export function hasSameTags({ tags: first }: WrittenContext, { tags: second }: WrittenContext): boolean {
  if (first === second) return true;
  return first?.length === second?.length && first?.every((tag, index) => tag === second?.[index]) === true;
}
