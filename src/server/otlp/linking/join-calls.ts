/**
 * One call that spans of several traces report: two instrumentations of a service, or the services on both sides of a
 * gateway. One of the spans has the log. That is the one that says more; of those that say the same, one that is below a
 * log, then the one that starts first. What its log lacks is filled in from the others, which have none.
 *
 * Which spans are compared is found through the store (`call-keys.ts`); what is decided depends on them alone.
 */
import { scoreFor } from '../../../trace/same-call/call-span.ts';
import { traceIdOf } from '../../../wire/reference-id.ts';
import type { IngestWork, StoredLog } from '../../store/ingest.ts';
import { keysOfCall, type OwnKey } from './call-keys.ts';
import { ParentIds } from './deciding/parent-ids.ts';
import { type Call, groupCalls } from './group-calls.ts';
import { parseKept } from './kept-content.ts';
import { linkTrace } from './link-trace.ts';
import { type ChangeOfTrace, together } from './link-traces.ts';
import type { Delivery } from './skeletons/arrival.ts';
import { type Elsewhere, isLogOfCall, type Skeleton } from './skeletons/skeleton.ts';
import { referenceOfName } from './skeletons/span-name.ts';
import type { Tree } from './skeletons/tree.ts';
import type { TreeMemo } from './skeletons/tree-memo.ts';

export interface Candidate {
  readonly reporter?: string;
  readonly question?: string;
  /** It is not as it was when it was last joined with others: each of them may fit another call better. */
  readonly isUnsettled?: boolean;
  /** It says more than when it was last joined with others. */
  readonly saysMore?: boolean;
}

export interface Candidates {
  /** Calls by reference id, with what is known of them besides their skeletons. */
  readonly calls: ReadonlyMap<string, Candidate>;
  /** Judgements that name a call, by the reference id of their spans: hashes of the answers' ids. */
  readonly judgements: ReadonlyMap<string, ReadonlySet<string>>;
}

export interface JoiningWork {
  readonly traceIds: readonly string[];
  readonly work: IngestWork;
  /** Reference ids of calls that some of these were joined with before, and that are not among them. Nothing is done then. */
  missing(): ReadonlySet<string>;
  /**
   * By what others find the calls of each group that one has left, or come to from another, or may: the others may fit
   * better now.
   */
  regrouped(): readonly OwnKey[];
}

export function joinCalls(candidates: Candidates, trees: TreeMemo): JoiningWork {
  const named = [...candidates.calls.keys(), ...candidates.judgements.keys()];
  const traceIds = [...new Set(named.map((referenceId) => traceIdOf(referenceId) as string))].sort();
  let missing: ReadonlySet<string> = new Set();
  let regrouped: readonly OwnKey[] = [];
  const work: IngestWork = function* (memory, stored) {
    const found = new Map<string, Tree>();
    for (const traceId of traceIds) found.set(traceId, yield* trees.take(traceId, memory.get(traceId) ?? []));
    const joining = new Joining(candidates, found, stored);
    for (const [traceId, tree] of found) trees.put(traceId, memory.get(traceId) ?? [], undefined, tree);
    [missing, regrouped] = [joining.missing, joining.regrouped];
    if (missing.size > 0) return together([]);
    if (joining.reads.size > 0) return { reads: [...joining.reads] };
    const changes: ChangeOfTrace[] = [];
    for (const [traceId, { elsewhere, deliveries }] of joining.changes) {
      const arrivals = { spans: [], events: [], judgements: [], elsewhere, deliveries };
      const change = yield* linkTrace(traceId, memory.get(traceId) ?? [], arrivals, stored, trees);
      changes.push({ traceId, change });
    }
    return together(changes);
  };
  return { traceIds, work, missing: () => missing, regrouped: () => regrouped };
}

interface Change {
  readonly elsewhere: Map<string, Elsewhere | undefined>;
  readonly deliveries: Delivery[];
}

class Joining {
  readonly missing = new Set<string>();
  /** Reference ids of logs that have to be read first. */
  readonly reads = new Set<string>();
  readonly regrouped: OwnKey[] = [];
  /** By trace. */
  readonly changes = new Map<string, Change>();
  readonly #trees: ReadonlyMap<string, Tree>;
  /** By trace. */
  readonly #parents: ReadonlyMap<string, ParentIds>;
  readonly #stored: ReadonlyMap<string, StoredLog>;
  /** For each candidate that is a log of a model: which has its log. */
  readonly #keepers = new Map<string, string>();

  constructor(
    { calls, judgements }: Candidates,
    trees: ReadonlyMap<string, Tree>,
    stored: ReadonlyMap<string, StoredLog>,
  ) {
    this.#trees = trees;
    this.#parents = new Map(Array.from(trees, ([traceId, tree]) => [traceId, new ParentIds(tree)]));
    this.#stored = stored;
    for (const referenceId of calls.keys()) {
      const { keeper, others = [] } = this.#find(referenceId)?.elsewhere ?? {};
      for (const other of keeper === undefined ? others : [keeper]) if (!calls.has(other)) this.missing.add(other);
    }
    if (this.missing.size > 0) return;
    this.#join(calls);
    if (this.reads.size > 0) return;
    for (const [referenceId, callIds] of judgements) {
      for (const callId of callIds) this.#deliver(referenceId, callId, calls.keys());
    }
  }

  #find(referenceId: string): Skeleton | undefined {
    return this.#trees.get(traceIdOf(referenceId) as string)?.get(referenceId.slice(33));
  }

  #join(candidates: Candidates['calls']): void {
    const calls: Call[] = [];
    const gone: string[] = [];
    for (const [referenceId, names] of candidates) {
      const node = this.#find(referenceId);
      if (!node || this.#hasForgotten(referenceId, node)) continue;
      const call = this.#callOf(referenceId, node, names);
      if (call) calls.push(call);
      else if (node.elsewhere) gone.push(referenceId);
    }
    const groups = this.#groupStored(calls);
    if (this.reads.size > 0) return;
    this.#findRegrouped(groups, gone, candidates);
    for (const referenceId of gone) this.#set(referenceId, undefined);
    for (const group of groups) this.#joinGroup(group, candidates);
  }

  #findRegrouped(groups: readonly Call[][], gone: readonly string[], candidates: Candidates['calls']): void {
    const keeperBefore = ({ referenceId, node }: Pick<Call, 'referenceId' | 'node'>) =>
      node.elsewhere && (node.elsewhere.keeper ?? referenceId);
    /** Reference ids of the calls that have the logs of such groups, or had. */
    const keepers = new Set<string>();
    for (const referenceId of gone) keepers.add(this.#find(referenceId)?.elsewhere?.keeper ?? referenceId);
    for (const group of groups) {
      const keeper = (group[0] as Call).referenceId;
      for (const call of group) {
        const before = keeperBefore(call);
        const isMoved = before !== undefined && before !== keeper;
        if (isMoved || candidates.get(call.referenceId)?.isUnsettled) keepers.add(before ?? keeper).add(keeper);
      }
    }
    if (keepers.size === 0) return;
    for (const group of groups) {
      const isChanged = keepers.has((group[0] as Call).referenceId);
      for (const call of group) {
        if (isChanged || keepers.has(keeperBefore(call) ?? '')) this.regrouped.push(...keysOf(call));
      }
    }
  }

  #joinGroup([first, ...others]: readonly Call[], candidates: Candidates['calls']): void {
    const keeper = first as Call;
    const references = others.map(({ referenceId }) => referenceId);
    this.#keepers.set(keeper.referenceId, keeper.referenceId);
    const joined = { keeper: undefined, others: references, ...keeper.says };
    const saysMore = [keeper, ...others].some(({ referenceId }) => candidates.get(referenceId)?.saysMore);
    this.#set(keeper.referenceId, others.length > 0 ? joined : undefined, saysMore);
    for (const { referenceId, says } of others) {
      this.#keepers.set(referenceId, keeper.referenceId);
      this.#set(referenceId, { keeper: keeper.referenceId, others: [], ...says });
    }
  }

  /**
   * Whether a span that it was joined with is not remembered any more: whether they are the same call cannot be said again,
   * and it stays as it was.
   */
  #hasForgotten(referenceId: string, { elsewhere }: Skeleton): boolean {
    if (!elsewhere) return false;
    const keeper = this.#find(elsewhere.keeper ?? referenceId);
    return !keeper || (keeper.elsewhere?.others ?? []).some((other) => !this.#find(other));
  }

  /**
   * Returns the calls in groups, each with one first that has a log or what to make it of. A client may have deleted those
   * of others, which stay deleted: nothing is merged into them. Groups of which nothing is left are passed over.
   */
  #groupStored(calls: readonly Call[]): Call[][] {
    const withOthers = groupCalls(calls, () => true).filter(({ length }) => length > 1);
    const stored = new Map(withOthers.flat().map((call) => [call, this.#isStored(call)]));
    const groups = groupCalls(calls, (call) => stored.get(call) ?? true);
    return groups.filter(([keeper]) => stored.get(keeper as Call) ?? true);
  }

  #isStored({ referenceId, node }: Call): boolean {
    const found = this.#stored.get(referenceId);
    if (!found) this.reads.add(referenceId);
    return (
      found?.log !== undefined || (node.written?.keeperId !== undefined && parseKept(found?.kept).own !== undefined)
    );
  }

  /** Returns undefined if the span is not the log of a call in its own trace. */
  #callOf(
    referenceId: string,
    node: Skeleton,
    { reporter = node.elsewhere?.reporter, question = node.elsewhere?.question }: Candidate,
  ): Call | undefined {
    const { own, written, startMillis } = node;
    if (!own || reporter === undefined || !isLogOfCall(written)) return undefined;
    if (own.kind !== 'model' || own.endMillis === undefined) return undefined;
    const { callId, model, endMillis, answer, promptTokens, outputTokens, hasMessages, hasError } = own;
    const hasUsage = promptTokens !== undefined || outputTokens !== undefined;
    const hasAnswer = answer !== undefined;
    const traceId = traceIdOf(referenceId) as string;
    const isBelowLog = this.#parents.get(traceId)?.of(node) !== undefined;
    return {
      ...{ referenceId, traceId, node, says: { reporter, question, isBelowLog } },
      facts: {
        ...{ callId, model, scope: reporter, startMillis: Math.floor(startMillis), endMillis, question, answer },
        ...{ outputTokens, hasUsage, hasAnswer, hasError, score: scoreFor(hasMessages, hasUsage, hasAnswer) },
      },
    };
  }

  /** With `isMade`, the log is made of all spans of the call again. */
  #set(referenceId: string, elsewhere: Elsewhere | undefined, isMade = false): void {
    const known = this.#find(referenceId)?.elsewhere;
    const isSame = elsewhere === undefined ? known === undefined : !isMade && isEqual(known, elsewhere);
    if (!isSame) this.#changeOf(referenceId).elsewhere.set(referenceId.slice(33), elsewhere);
  }

  #deliver(judgement: string, callId: string, calls: Iterable<string>): void {
    for (const referenceId of calls) {
      const node = this.#find(referenceId);
      if (node?.own?.callId !== callId) continue;
      const delivery = { spanId: judgement.slice(33), callId, referenceId: this.#logOf(referenceId, node) };
      this.#changeOf(judgement).deliveries.push(delivery);
      return;
    }
  }

  #logOf(referenceId: string, node: Skeleton): string {
    const traceId = traceIdOf(referenceId) as string;
    let name = node.spanId;
    for (let step: Skeleton | undefined = node; step; step = this.#trees.get(traceId)?.get(name)) {
      const keeper = this.#keepers.get(referenceOfName(traceId, step.spanId));
      if (keeper !== undefined) return keeper;
      const above = step.written?.keeperId;
      if (above === undefined) break;
      name = above;
    }
    return referenceOfName(traceId, name);
  }

  #changeOf(referenceId: string): Change {
    const traceId = traceIdOf(referenceId) as string;
    const known = this.changes.get(traceId);
    if (known) return known;
    const change: Change = { elsewhere: new Map(), deliveries: [] };
    this.changes.set(traceId, change);
    return change;
  }
}

function keysOf({ referenceId, facts: { scope: reporter, callId, startMillis, endMillis }, says }: Call): OwnKey[] {
  return keysOfCall({ referenceId, reporter, callId, question: says.question, startMillis, endMillis });
}

function isEqual(first: Elsewhere | undefined, second: Elsewhere): boolean {
  return JSON.stringify(first) === JSON.stringify(second);
}
