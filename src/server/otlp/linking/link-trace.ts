/**
 * Links what has come of one trace with what is remembered of it, and says what to write. Pure.
 *
 * However the spans of a trace are cut into requests, in whatever order these come and how often: after the last one the
 * logs are those of one request with all spans. Each request decides again, for all spans that are known, what becomes
 * of them (`outcomes.ts`), and revises the logs that had become something else.
 */
import { toDatapoint } from '../../../datapoint/to-datapoint.ts';
import type { LogRequest } from '../../../wire/v4.ts';
import type { IngestFault, IngestReads, NewPart, StoredLog } from '../../store/ingest.ts';
import { keysOfSkeleton } from './call-keys.ts';
import { saidBeside, saidIn, saysMuch, updatesOf } from './client-updates.ts';
import { compose, OWN_CONTENT } from './compose.ts';
import { decideContext, isSameContext, type TraceContext } from './deciding/context.ts';
import { findLog, findPlaces, parentsFirst } from './deciding/places.ts';
import { findUnsettled } from './deciding/unsettled.ts';
import { findMoved } from './deciding/upstreams.ts';
import { Judgements } from './judgements.ts';
import { LogEvents } from './log-events.ts';
import { decideOutcomes } from './outcomes.ts';
import { Revisions } from './revisions.ts';
import type { Arrivals, ArrivedLog, Delivery } from './skeletons/arrival.ts';
import { shouldBeOne } from './skeletons/part-counts.ts';
import { hasOthers, isSameRecipe, type LogNode, type Outcome, type Said, type Skeleton } from './skeletons/skeleton.ts';
import { referenceOfName } from './skeletons/span-name.ts';
import { encodePart } from './skeletons/trace-part.ts';
import type { Tree } from './skeletons/tree.ts';
import type { TreeMemo } from './skeletons/tree-memo.ts';
import { Sources } from './sources.ts';
import type { TraceChange } from './trace-change.ts';

/** Most take some microseconds, far less than to yield through all that this is a step of takes for each. */
const SPANS_OF_STEP = 16;

/** Yields after small steps. */
export function* linkTrace(
  traceId: string,
  parts: readonly Uint8Array[],
  arrivals: Arrivals,
  stored: ReadonlyMap<string, StoredLog>,
  trees: TreeMemo,
): Generator<void, TraceChange | IngestReads> {
  const tree = yield* trees.take(traceId, parts);
  yield;
  const linking = new Linking(traceId, tree, stored);
  yield* linking.add(arrivals);
  const change = linking.missing.size === 0 ? yield* linking.finish(parts) : undefined;
  if (!change || linking.missing.size > 0) {
    tree.undo();
    trees.put(traceId, parts, undefined, tree);
    return { reads: [...linking.missing] };
  }
  trees.put(traceId, parts, change.part, tree);
  return change;
}

class Linking {
  readonly #traceId: string;
  readonly #tree: Tree;
  readonly #sources: Sources;
  readonly #logs = new Map<string, ArrivedLog>();
  readonly #arrived = new Set<string>();
  readonly #events: LogEvents;
  readonly #judgements: Judgements;
  readonly #creates: LogRequest[] = [];
  readonly #revisions: Revisions;
  readonly #faults: IngestFault[] = [];
  /** Spans that have come again, or whose log events have, and say nothing new. */
  readonly #repeated = new Set<string>();
  /** Spans that had come before, and now say more. */
  readonly #renewed = new Set<string>();
  /** Logs whose content is new though they are made of the same spans. */
  readonly #again = new Set<string>();
  /** Spans of whose reports in other traces more is known now. */
  readonly #joined = new Set<string>();
  /** Spans that circles were cut at, and logs that hang elsewhere by circles that were closed or opened. */
  readonly #moved = new Set<string>();
  #context: TraceContext;
  #hasStrangers = false;
  #deliveries: readonly Delivery[] = [];

  constructor(traceId: string, tree: Tree, stored: ReadonlyMap<string, StoredLog>) {
    this.#traceId = traceId;
    this.#revisions = new Revisions(traceId);
    this.#tree = tree;
    this.#sources = new Sources(traceId, tree, stored, this.#logs);
    this.#context = { session: traceId, user: undefined, tags: undefined };
    const host = {
      ...{ tree, sources: this.#sources },
      await: (spanId: string) => this.#await(spanId),
      fault: (spanId: string, message: string) => this.#fault(spanId, message),
    };
    this.#events = new LogEvents({ ...host, repeat: (spanId) => this.#repeated.add(spanId) });
    this.#judgements = new Judgements({ ...host, traceId });
  }

  /** Reference ids of logs that have to be read first. */
  get missing(): ReadonlySet<string> {
    return this.#sources.missing;
  }

  *add(arrivals: Arrivals): Generator<void, void> {
    const { spans, events, judgements, hasStrangers = false, elsewhere, deliveries = [] } = arrivals;
    this.#hasStrangers = hasStrangers;
    this.#deliveries = deliveries;
    let count = 0;
    for (const arrival of spans) {
      const node = this.#tree.add(arrival);
      if (!node) this.#repeated.add(arrival.spanId);
      if (!node) continue;
      if (node.written) this.#renew(node);
      else this.#arrived.add(node.spanId);
      if (arrival.log) this.#logs.set(node.spanId, arrival.log);
      if (node.isKept) this.#welcome(node);
      count += 1;
      if (node.isKept || count % SPANS_OF_STEP === 0) yield;
    }
    for (const spanId of this.#tree.cutCircles(spans.map(({ spanId }) => spanId))) this.#moved.add(spanId);
    if (spans.length > 0) for (const spanId of yield* findMoved(this.#tree)) this.#moved.add(spanId);
    this.#context = yield* decideContext(this.#traceId, this.#tree, arrivals);
    for (const event of events) {
      this.#events.add(event);
      yield;
    }
    this.#events.keep();
    for (const judgement of judgements) {
      this.#judgements.add(judgement);
      yield;
    }
    yield* this.#events.read();
    for (const [spanId, known] of elsewhere ?? []) {
      if (!this.#tree.get(spanId)?.own) continue;
      this.#tree.change(spanId, { elsewhere: known });
      this.#joined.add(spanId);
    }
  }

  *finish(parts: readonly Uint8Array[]): Generator<void, TraceChange> {
    const { spanIds: withEvents } = this.#events;
    const news = new Set([...this.#arrived, ...withEvents, ...this.#renewed, ...this.#joined, ...this.#moved]);
    const { changed: outcomes, affected } = yield* decideOutcomes(this.#tree, news, withEvents);
    this.#composeAgain(outcomes);
    let count = 0;
    for (const [spanId, outcome] of parentsFirst(outcomes)) {
      const node = this.#tree.get(spanId) as LogNode;
      this.#apply(node, outcome, outcomes);
      count += 1;
      // What is made of others, or again, has to be read first.
      if (outcome.recipe || node.written || saysMuch(this.#creates.at(-1)) || count % SPANS_OF_STEP === 0) yield;
    }
    this.#revisions.addContext(this.#tree, this.#context, (spanId) => this.#arrived.has(spanId));
    yield;
    const feedback = this.#judgements.finish(this.#deliveries);
    const [repeated, joined] = [this.#repeated, this.#joined];
    const unsettled = findUnsettled(this.#tree, { affected, changed: outcomes, repeated, joined });
    const changed = this.#hasStrangers ? undefined : [...this.#arrived, ...outcomes.keys()];
    const places = findPlaces(this.#traceId, this.#tree, changed);
    // A log that closed a circle as it was written is linked once that is cut.
    if (this.#moved.size > 0) for (const { reference_id: id } of this.#creates) if (id) places.set(id, id);
    yield;
    const kept = this.#sources.writeKept();
    yield;
    const part = yield* this.#writePart(parts);
    const revisions = this.#revisions.inOrder();
    return {
      ...{ creates: this.#creates, revisions, feedback, places, part, kept, faults: this.#faults },
      lookedAt: affected.length,
      unsettled: new Map(Array.from(unsettled.joined, ([id, saysMore]) => [this.#referenceOf(id), saysMore])),
      alone: unsettled.alone.flatMap((node) => keysOfSkeleton(this.#traceId, node)),
    };
  }

  /** What the span has said before counts no more. */
  #renew(node: Skeleton): void {
    this.#renewed.add(node.spanId);
    const kept = this.#sources.readKept(node);
    if (kept?.own) this.#sources.keep(node, { own: undefined });
    if (kept?.events) this.#events.spanIds.add(node.spanId);
  }

  /** A span comes that events or judgements wait for. */
  #welcome(node: Skeleton): void {
    const kept = this.#sources.readKept(node);
    if (!kept) return;
    if (kept.events && node.own) this.#events.spanIds.add(node.spanId);
    this.#judgements.welcome(node.spanId, kept);
    this.#sources.keep(node, { judgements: undefined, ...(!node.own && { events: undefined }) });
  }

  #await(spanId: string): Skeleton {
    const node = this.#tree.await(spanId);
    this.#sources.startKeeping(spanId);
    return node;
  }

  /** Logs are composed again if one of the spans that they are made of says more now, by itself or by events. */
  #composeAgain(outcomes: Map<string, Outcome>): void {
    const changed = new Set([...this.#events.spanIds, ...this.#renewed, ...this.#joined]);
    if (changed.size === 0) return;
    for (const node of this.#tree.nodes) {
      const outcome = outcomes.get(node.spanId) ?? node.written;
      if (!outcome || !node.own) continue;
      const { recipe } = outcome;
      const sources = [node.spanId, recipe?.usageOf, recipe?.errorOf, ...(recipe?.fillers ?? [])];
      if (!sources.some((source) => source !== undefined && changed.has(source))) continue;
      this.#again.add(node.spanId);
      outcomes.set(node.spanId, outcome);
    }
  }

  #apply(node: LogNode, outcome: Outcome, outcomes: ReadonlyMap<string, Outcome>): void {
    const { written, spanId } = node;
    const wasLog = written !== undefined && written.keeperId === undefined;
    const isLog = outcome.keeperId === undefined;
    // What the span says by itself is kept where no log says it.
    this.#sources.keepOwn(node, !isLog || hasOthers(outcome), isLog);
    let { said } = node;
    if (!isLog) {
      said = undefined;
      if (wasLog) this.#revisions.add(spanId, { mergedInto: this.#referenceOf(findLog(this.#tree, spanId, outcomes)) });
    } else if (!wasLog) {
      const log = this.#compose(node, outcome);
      if (log) this.#creates.push(log);
      said = log && saidIn(log, this.#logs.get(spanId));
    } else {
      const parentReferenceId = outcome.parentId === undefined ? null : this.#referenceOf(outcome.parentId);
      if (written.parentId !== outcome.parentId) this.#revisions.add(spanId, { parentReferenceId });
      const isSame =
        written.kind === outcome.kind && isSameRecipe(written.recipe, outcome.recipe) && !this.#again.has(spanId);
      const content = isSame ? undefined : this.#compose(node, outcome);
      if (content) said = this.#reviseContent(node, content);
    }
    this.#tree.change(spanId, { written: outcome, said });
  }

  /** What clients have updated stays. Returns what was written of the spans. */
  #reviseContent({ spanId, said }: LogNode, content: LogRequest): Said {
    const stored = this.#sources.findStored(spanId);
    const updates = updatesOf(stored, said);
    const { output, error } = stored ?? {};
    this.#revisions.add(spanId, { content: { ...content, ...updates }, readAs: { output, error } });
    const { duration } = content;
    if (this.#renewed.has(spanId) && typeof duration === 'number') this.#revisions.add(spanId, { duration });
    return saidBeside(updates, saidIn(content), said);
  }

  #compose(node: LogNode, outcome: Outcome): LogRequest | undefined {
    const { spanId } = node;
    const context = { ...this.#context, user: node.user ?? this.#context.user };
    const identity = {
      referenceId: this.#referenceOf(spanId),
      sessionReferenceId: this.#context.session,
      parentReferenceId: outcome.parentId === undefined ? undefined : this.#referenceOf(outcome.parentId),
    };
    const arrived = this.#logs.get(spanId);
    if (!outcome.recipe && arrived) {
      return toDatapoint(arrived.span, outcome.kind, arrived.reading, identity, arrived.settings, context);
    }
    const own = this.#sources.findOwnOfLog(node);
    if (!own) return undefined;
    return compose({
      ...{ traceId: this.#traceId, spanId, kind: outcome.kind, own, identity, context },
      recipe: outcome.recipe ?? OWN_CONTENT,
      find: (id) => this.#sources.findOwn(id),
    });
  }

  *#writePart(parts: readonly Uint8Array[]): Generator<void, NewPart | undefined> {
    const { context, changed } = this.#tree;
    const moves = context.session !== undefined && !isSameContext(context, this.#context);
    if (changed.length === 0 && !moves) return undefined;
    const replacesOthers = this.#tree.forgetSurplus() || shouldBeOne(parts);
    const skeletons = replacesOthers ? this.#tree.nodes : changed;
    const bytes = yield* encodePart({ context: this.#context, skeletons });
    if (this.missing.size === 0) this.#tree.commit(this.#context);
    return { bytes, replacesOthers };
  }

  #fault(spanId: string, message: string): void {
    this.#faults.push({ referenceId: this.#referenceOf(spanId), message });
  }

  /** Of a span of this trace, or of another one. */
  #referenceOf(spanId: string): string {
    return referenceOfName(this.#traceId, spanId);
  }
}
