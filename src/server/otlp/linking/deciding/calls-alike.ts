/**
 * Which calls of models may be the same as others of their trace. Very many may have one question at one time, and each
 * of them be like each other: they are looked up as groups, so that the work grows with the calls and not with the pairs.
 */
import { TOLERANCE_MILLIS } from '../../../../trace/same-call/find-duplicates.ts';
import type { Skeleton } from '../skeletons/skeleton.ts';
import type { Tree } from '../skeletons/tree.ts';

/** Calls that share a hash and follow each other without a gap in time. */
interface Group {
  readonly calls: Skeleton[];
  hasUnnamed: boolean;
  hasUnanswered: boolean;
  wasTaken: boolean;
}

/** Made for one look at a tree, which must not change meanwhile. */
export class CallsAlike {
  readonly #tree: Tree;
  /** By hash, then by span. */
  readonly #groups = new Map<string, ReadonlyMap<string, Group>>();

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /**
   * Returns the calls that may be the same as this one or as another that may be, itself included, without those that were
   * returned before: they share the id of the answer, the answer or the question, and some of their time. Two calls of
   * which both say something surer than that are told apart by it (`find-duplicates.ts`). None if all are of one
   * instrumentation: then no two of them are compared.
   */
  *take({ spanId, own }: Skeleton): Generator<Skeleton> {
    if (own?.kind !== 'model' || !this.#tree.hasSeveralScopes) return;
    const byId = this.#groupOf(own.callId, spanId);
    const byAnswer = this.#groupOf(own.answer, spanId);
    const byQuestion = this.#groupOf(own.question, spanId);
    yield* takeAll(byId);
    if (byAnswer?.hasUnnamed) yield* takeAll(byAnswer);
    if (byQuestion?.hasUnnamed && byQuestion.hasUnanswered) yield* takeAll(byQuestion);
  }

  #groupOf(hash: string | undefined, spanId: string): Group | undefined {
    if (hash === undefined) return undefined;
    let groups = this.#groups.get(hash);
    if (!groups) {
      groups = groupByTime(this.#tree.callsWith(hash));
      this.#groups.set(hash, groups);
    }
    return groups.get(spanId);
  }
}

function takeAll(group: Group | undefined): readonly Skeleton[] {
  if (!group || group.wasTaken) return [];
  group.wasTaken = true;
  return group.calls;
}

function groupByTime(calls: Skeleton[]): ReadonlyMap<string, Group> {
  const groups = new Map<string, Group>();
  let group: Group | undefined;
  let lastEndMillis = Number.NEGATIVE_INFINITY;
  for (const call of calls.sort((a, b) => a.startMillis - b.startMillis)) {
    const { callId, answer, endMillis = Number.POSITIVE_INFINITY } = call.own ?? {};
    if (!group || Math.floor(call.startMillis) > lastEndMillis + TOLERANCE_MILLIS) {
      group = { calls: [], hasUnnamed: false, hasUnanswered: false, wasTaken: false };
    }
    group.calls.push(call);
    group.hasUnnamed ||= callId === undefined;
    group.hasUnanswered ||= answer === undefined;
    groups.set(call.spanId, group);
    lastEndMillis = Math.max(lastEndMillis, endMillis);
  }
  return groups;
}
