import type { Revision } from '../../store/ingest.ts';
import { hasSameTags, isSameContext } from './deciding/context.ts';
import type { WrittenContext } from './skeletons/skeleton.ts';
import { referenceOfName } from './skeletons/span-name.ts';
import type { Tree } from './skeletons/tree.ts';

/** What changes of the logs of one trace. Changes of one log become one. */
export class Revisions {
  readonly #traceId: string;
  readonly #byReference = new Map<string, Revision>();

  constructor(traceId: string) {
    this.#traceId = traceId;
  }

  /** A log is deleted after all that may name it has been changed. */
  inOrder(): Revision[] {
    return [...this.#byReference.values()].sort(
      (first, second) => Number(first.mergedInto !== undefined) - Number(second.mergedInto !== undefined),
    );
  }

  add(spanId: string, change: Omit<Revision, 'referenceId'>): void {
    const referenceId = referenceOfName(this.#traceId, spanId);
    this.#byReference.set(referenceId, { ...this.#byReference.get(referenceId), ...change, referenceId });
  }

  /** Of all logs that were written in another context than they have now. */
  addContext(tree: Tree, now: WrittenContext, isNew: (spanId: string) => boolean): void {
    const { context: before } = tree;
    const { session, user, tags } = now;
    if (before.session === undefined || isSameContext(before, now)) return;
    const moves = before.session !== session && { sessionReferenceId: session };
    const areTagsSame = hasSameTags(before, now);
    for (const node of tree.nodes) {
      if (!node.written || node.written.keeperId !== undefined || isNew(node.spanId)) continue;
      const metadata = {
        ...(before.user !== user && node.user === undefined && { user: user ?? null }),
        ...(!areTagsSame && { tags: tags ?? null }),
      };
      const hasEntries = Object.keys(metadata).length > 0;
      // What names its own user is not changed by another user of the trace.
      if (moves || hasEntries) this.add(node.spanId, { ...moves, ...(hasEntries && { metadata }) });
    }
  }
}
