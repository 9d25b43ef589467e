/**
 * The spans of one trace that are remembered, as a tree. It is changed while a request is linked; `undo` takes that back
 * if the request cannot be linked yet.
 */
import type { Arrival } from './arrival.ts';
import { NamedContexts } from './named-contexts.ts';
import type { Skeleton, WrittenContext } from './skeleton.ts';
import { saysMoreThan } from './summarise.ts';
import { decodePart } from './trace-part.ts';

/** In a trace that has more, spans that are not logs and name nothing are forgotten first, then the oldest others. */
export const MAX_SKELETONS = 10_000;
/** So many are left then, so that it is seldom done. */
const KEPT_SKELETONS = 9_000;

/** Each takes some microseconds, and some dozen times as long if it has very many tags. */
const SKELETONS_OF_STEP = 64;

const NOTHING_WRITTEN: WrittenContext = { session: undefined, user: undefined, tags: undefined };

export class Tree {
  /** Skeletons are replaced and never changed in place. */
  readonly #nodes = new Map<string, Skeleton>();
  /** By parent, whether that has come or not. */
  readonly #children = new Map<string, string[]>();
  /** Calls of models by the hashes that may make two of them the same call. */
  readonly #calls = new Map<string, string[]>();
  /** The instrumentations that have reported calls of models. */
  readonly #scopes = new Set<string>();
  /** How many spans name each span as the log above them in another process. */
  readonly #upstreams = new Map<string, number>();
  /** What the spans name of the context of the trace. */
  readonly named = new NamedContexts();
  /** What each changed span was before; undefined if it was not known. */
  readonly #before = new Map<string, Skeleton | undefined>();
  /** What was last written to the logs of the trace. */
  context = NOTHING_WRITTEN;

  /** Parts that are damaged, or of another version, count as forgotten. Yields after small steps. */
  static *read(parts: readonly Uint8Array[]): Generator<void, Tree> {
    const tree = new Tree();
    for (const bytes of parts) {
      try {
        const { context, skeletons } = yield* decodePart(bytes);
        tree.context = context;
        let count = 0;
        for (const skeleton of skeletons) {
          tree.#put(skeleton);
          count += 1;
          if (count % SKELETONS_OF_STEP === 0) yield;
        }
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }
    return tree;
  }

  get size(): number {
    return this.#nodes.size;
  }

  get nodes(): Iterable<Skeleton> {
    return this.#nodes.values();
  }

  get(spanId: string): Skeleton | undefined {
    return this.#nodes.get(spanId);
  }

  /** What has changed since the tree was made, or `commit` was called. */
  get changed(): Skeleton[] {
    return [...this.#before.keys()].flatMap((spanId) => this.#nodes.get(spanId) ?? []);
  }

  /** Returns what a span was before it was changed; undefined if it was not known, or has not changed. */
  before(spanId: string): Skeleton | undefined {
    return this.#before.get(spanId);
  }

  /** Call this when all changes are in a part of the trace. */
  commit(context: WrittenContext): void {
    this.#before.clear();
    this.context = context;
  }

  /** Takes all changes back. */
  undo(): void {
    for (const [spanId, before] of this.#before) {
      this.#count(this.#nodes.get(spanId), before);
      if (before) this.#nodes.set(spanId, before);
      else this.#nodes.delete(spanId);
    }
    this.#before.clear();
  }

  change(spanId: string, change: Partial<Skeleton>): void {
    this.#set({ ...(this.#nodes.get(spanId) as Skeleton), ...change });
  }

  /** Adds a span that has come. Returns undefined if it had come before, and had said as much. */
  add(arrival: Arrival): Skeleton | undefined {
    const { spanId, parentId, isRemoteParent, upstreamId, startMillis, session, user, tags, log } = arrival;
    const known = this.#nodes.get(spanId);
    if (known?.isSeen && !saysMoreThan({ own: log?.summary, session, user, tags }, known)) return undefined;
    return this.#set({
      spanId,
      parentId: parentId === spanId ? undefined : parentId,
      isRemoteParent,
      upstreamId,
      isSeen: true,
      startMillis,
      session,
      user,
      tags,
      own: log?.summary,
      names: log?.names,
      elsewhere: known?.elsewhere,
      written: known?.written,
      said: known?.said,
      isKept: known?.isKept ?? false,
    });
  }

  /** Adds a span that has not come, and that something waits for. */
  await(spanId: string): Skeleton {
    return this.#set({
      spanId,
      parentId: undefined,
      isRemoteParent: false,
      upstreamId: undefined,
      isSeen: false,
      startMillis: 0,
      session: undefined,
      user: undefined,
      tags: undefined,
      own: undefined,
      names: undefined,
      elsewhere: undefined,
      written: undefined,
      said: undefined,
      isKept: true,
    });
  }

  /** The span's parent, if it has come. */
  above({ parentId }: Pick<Skeleton, 'parentId'>): Skeleton | undefined {
    const parent = parentId === undefined ? undefined : this.#nodes.get(parentId);
    return parent?.isSeen ? parent : undefined;
  }

  /** The spans that have this one as parent. */
  *below({ spanId }: Skeleton): Generator<Skeleton> {
    for (const childId of this.#children.get(spanId) ?? []) {
      const child = this.#nodes.get(childId);
      if (child?.parentId === spanId) yield child;
    }
  }

  /** Whether any span names a log above it in another process. */
  get hasUpstreams(): boolean {
    return this.#upstreams.size > 0;
  }

  /** Whether a span names this one as the log above it. */
  isUpstream(spanId: string): boolean {
    return this.#upstreams.has(spanId);
  }

  /** Whether several instrumentations have reported calls of models. */
  get hasSeveralScopes(): boolean {
    return this.#scopes.size > 1;
  }

  /** The calls of models whose id of the answer, answer or question has, or had, this hash. Each is there once. */
  callsWith(hash: string): Skeleton[] {
    return [...new Set(this.#calls.get(hash))].flatMap((spanId) => {
      const call = this.#nodes.get(spanId);
      return call?.own ? [call] : [];
    });
  }

  /** Returns the span with this response id, that of a model first. */
  findCall(callId: string): Skeleton | undefined {
    let found: Skeleton | undefined;
    for (const node of this.nodes) {
      if (node.own?.callId !== callId) continue;
      if (node.own.kind === 'model') return node;
      found ??= node;
    }
    return found;
  }

  /**
   * Ids may form a circle, which is complete when its last span comes, one of these. Then the span of it with the lowest id
   * becomes a root, in whatever order they came. Returns these.
   */
  cutCircles(spanIds: Iterable<string>): string[] {
    const cut: string[] = [];
    /** Each span on the way up, by the span that the way began at: one is gone only once. */
    const seen = new Map<string, string>();
    for (const first of new Set(spanIds)) {
      // Nothing hangs below it that it could hang below.
      if (!this.#children.has(first)) continue;
      let step = this.#nodes.get(first);
      for (; step && !seen.has(step.spanId); step = this.above(step)) seen.set(step.spanId, first);
      if (step && seen.get(step.spanId) === first) cut.push(this.#cutCircle(step));
    }
    return cut;
  }

  #cutCircle(last: Skeleton): string {
    let lowest = last;
    for (let step = this.above(last); step && step.spanId !== last.spanId; step = this.above(step)) {
      if (step.spanId < lowest.spanId) lowest = step;
    }
    this.change(lowest.spanId, { parentId: undefined });
    return lowest.spanId;
  }

  /** Forgets spans if there are too many. Returns whether it did. */
  forgetSurplus(): boolean {
    if (this.#nodes.size <= MAX_SKELETONS) return false;
    for (const mayForget of [saysNothing, () => true]) {
      for (const [spanId, skeleton] of this.#nodes) {
        if (this.#nodes.size <= KEPT_SKELETONS) return true;
        if (!mayForget(skeleton)) continue;
        if (!this.#before.has(spanId)) this.#before.set(spanId, skeleton);
        this.#count(skeleton, undefined);
        this.#nodes.delete(spanId);
      }
    }
    return true;
  }

  #set(node: Skeleton): Skeleton {
    const { spanId } = node;
    if (!this.#before.has(spanId)) this.#before.set(spanId, this.#nodes.get(spanId));
    this.#put(node);
    return node;
  }

  /** Entries of the indexes that are not true any more are passed over by who reads them. */
  #put(node: Skeleton): void {
    const { spanId, parentId, own } = node;
    const known = this.#nodes.get(spanId);
    this.#count(known, node);
    this.#nodes.set(spanId, node);
    if (parentId !== undefined && known?.parentId !== parentId) addTo(this.#children, parentId, spanId);
    if (own?.kind !== 'model') return;
    this.#scopes.add(own.scope);
    for (const field of ['callId', 'answer', 'question'] as const) {
      const hash = own[field];
      if (hash !== undefined && known?.own?.[field] !== hash) addTo(this.#calls, hash, spanId);
    }
  }

  /** What a request asks of all spans is counted as they change: it would else look at each of them. */
  #count(before: Skeleton | undefined, now: Skeleton | undefined): void {
    this.named.replace(before, now);
    const [left, added] = [before?.upstreamId, now?.upstreamId];
    if (left === added) return;
    if (added !== undefined) this.#upstreams.set(added, (this.#upstreams.get(added) ?? 0) + 1);
    if (left === undefined) return;
    const count = (this.#upstreams.get(left) as number) - 1;
    if (count === 0) this.#upstreams.delete(left);
    else this.#upstreams.set(left, count);
  }
}

function saysNothing({ own, session, user, tags }: Skeleton): boolean {
  return !own && session === undefined && user === undefined && tags === undefined;
}

function addTo(lists: Map<string, string[]>, key: string, item: string): void {
  const list = lists.get(key);
  if (list) list.push(item);
  else lists.set(key, [item]);
}
