/** The spans of one trace that are remembered, as a tree. */
import type { Arrival } from './arrival.ts';
import type { Skeleton, WrittenContext } from './skeleton.ts';
import { decodePart } from './trace-part.ts';

/** In a trace that has more, spans that are not logs are forgotten first, then the oldest logs. */
export const MAX_SKELETONS = 10_000;
/** So many are left then, so that it is seldom done. */
const KEPT_SKELETONS = 9_000;

const NOTHING_WRITTEN: WrittenContext = { session: undefined, user: undefined, tags: undefined };

export class Tree {
  readonly nodes = new Map<string, Skeleton>();
  /** What was last written to the logs of the trace. */
  context = NOTHING_WRITTEN;

  /** Parts that are damaged, or of another version, count as forgotten. */
  constructor(parts: readonly Uint8Array[]) {
    for (const bytes of parts) {
      try {
        const { context, skeletons } = decodePart(bytes);
        this.context = context;
        for (const skeleton of skeletons) this.nodes.set(skeleton.spanId, skeleton);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }
  }

  /** Adds a span that has come. Returns undefined if it had come before. */
  add({ spanId, parentId, isRemoteParent, startMillis, session, user, tags, log }: Arrival): Skeleton | undefined {
    const known = this.nodes.get(spanId);
    if (known?.isSeen) return undefined;
    const skeleton: Skeleton = {
      spanId,
      parentId: parentId === spanId ? undefined : parentId,
      isRemoteParent,
      isSeen: true,
      startMillis,
      session,
      user,
      tags,
      own: log?.summary,
      written: undefined,
      isKept: known?.isKept ?? false,
    };
    this.nodes.set(spanId, skeleton);
    return skeleton;
  }

  /** Adds a span that has not come, and that something waits for. */
  await(spanId: string): Skeleton {
    const skeleton: Skeleton = {
      spanId,
      parentId: undefined,
      isRemoteParent: false,
      isSeen: false,
      startMillis: 0,
      session: undefined,
      user: undefined,
      tags: undefined,
      own: undefined,
      written: undefined,
      isKept: true,
    };
    this.nodes.set(spanId, skeleton);
    return skeleton;
  }

  /** The span's parent, if it has come. */
  above({ parentId }: Skeleton): Skeleton | undefined {
    const parent = parentId === undefined ? undefined : this.nodes.get(parentId);
    return parent?.isSeen ? parent : undefined;
  }

  /**
   * Ids may form a circle, which is complete when its last span comes. Then the span of it with the lowest id becomes a
   * root, in whatever order they came. Returns it.
   */
  cutCircle(last: Skeleton): Skeleton | undefined {
    let lowest = last;
    for (let step = this.above(last); step !== last; step = this.above(step)) {
      if (!step) return undefined;
      if (step.spanId < lowest.spanId) lowest = step;
    }
    lowest.parentId = undefined;
    return lowest;
  }

  /** Whether the span is at the top of its trace, as far as is known. */
  isRoot(skeleton: Skeleton): boolean {
    return this.above(skeleton) === undefined;
  }

  /** Forgets spans if there are too many. Returns whether it did. */
  forgetSurplus(): boolean {
    if (this.nodes.size <= MAX_SKELETONS) return false;
    for (const mayForget of [({ own }: Skeleton) => !own, () => true]) {
      for (const [spanId, skeleton] of this.nodes) {
        if (this.nodes.size <= KEPT_SKELETONS) return true;
        if (mayForget(skeleton)) this.nodes.delete(spanId);
      }
    }
    return true;
  }
}
