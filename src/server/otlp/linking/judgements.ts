/**
 * Judgements of calls. Each goes to the log of the call that it names by the provider's id of the answer, or else to that of
 * the span. A span that has not come is waited for. A call that has not come is waited for, too; so long the span's log has
 * the judgement.
 */
import { referenceIdOf } from '../../../wire/reference-id.ts';
import type { FeedbackForLog } from '../../store/ingest.ts';
import { type KeptContent, KeptList, MAX_EVENT_CHARACTERS } from './kept-content.ts';
import type { Delivery, Judgement } from './skeletons/arrival.ts';
import type { Skeleton } from './skeletons/skeleton.ts';
import { isOfAnotherTrace } from './skeletons/span-name.ts';
import type { Tree } from './skeletons/tree.ts';
import type { Sources } from './sources.ts';

export interface JudgementsHost {
  readonly traceId: string;
  readonly tree: Tree;
  readonly sources: Sources;
  /** Adds a span that has not come. */
  await(spanId: string): Skeleton;
  fault(spanId: string, message: string): void;
}

export class Judgements {
  readonly #host: JudgementsHost;
  readonly #due: Judgement[] = [];
  /** By the items of each, which are those that the sources keep. */
  readonly #lists = new WeakMap<object, KeptList<Omit<Judgement, 'spanId'>>>();

  constructor(host: JudgementsHost) {
    this.#host = host;
  }

  add(judgement: Judgement): void {
    const { tree } = this.#host;
    const { spanId, callId } = judgement;
    const node = tree.get(spanId) ?? this.#host.await(spanId);
    const isHere = node.isSeen || (callId !== undefined && tree.findCall(callId) !== undefined);
    if (isHere) this.#due.push(judgement);
    else this.#keep(node, 'judgements', judgement);
  }

  /** The span comes that these wait for. */
  welcome(spanId: string, kept: KeptContent): void {
    for (const judgement of kept.judgements ?? []) this.#due.push({ ...judgement, spanId });
  }

  /** Call this when the logs of the trace are what they will be. */
  finish(deliveries: readonly Delivery[]): FeedbackForLog[] {
    return [...this.#due.flatMap((each) => this.#deliver(each)), ...deliveries.flatMap((each) => this.#move(each))];
  }

  #deliver(judgement: Judgement): FeedbackForLog[] {
    const { tree } = this.#host;
    const { spanId, callId, feedback } = judgement;
    const named = tree.get(spanId);
    const isNamed = callId === undefined || named?.own?.callId === callId;
    const call = isNamed ? named : tree.findCall(callId);
    if (!isNamed && !call && named) this.#keep(named, 'awaiting', judgement);
    const referenceId = this.#logOf(call ?? named);
    if (referenceId !== undefined) return feedback.map((each) => ({ referenceId, feedback: each }));
    if (callId === undefined) this.#host.fault(spanId, 'an evaluation is about a span that is not a log');
    return [];
  }

  /** The call has come that these wait for. */
  #move({ spanId, callId, referenceId }: Delivery): FeedbackForLog[] {
    const { tree, sources } = this.#host;
    const node = tree.get(spanId);
    const kept = node && sources.readKept(node);
    if (!node || !kept) return [];
    const { awaiting = [], judgements = [] } = kept;
    const waits = (each: { callId: string | undefined }) => each.callId === callId;
    if (![...awaiting, ...judgements].some(waits)) return [];
    const left = (of: typeof awaiting) => (of.every(waits) ? undefined : of.filter((each) => !waits(each)));
    sources.keep(node, { awaiting: left(awaiting), judgements: left(judgements) });
    const from = this.#logOf(node);
    return [
      ...awaiting
        .filter(waits)
        .flatMap(({ feedback }) =>
          feedback.map((each) => ({ referenceId, feedback: each, ...(from !== undefined && { takenFrom: from }) })),
        ),
      ...judgements.filter(waits).flatMap(({ feedback }) => feedback.map((each) => ({ referenceId, feedback: each }))),
    ];
  }

  #keep(node: Skeleton, list: 'judgements' | 'awaiting', { spanId, callId, feedback }: Judgement): void {
    const { sources, fault } = this.#host;
    const kept = sources.readKept(node);
    if (!kept) return;
    const items = kept[list] ?? [];
    const known = this.#lists.get(items) ?? new KeptList(items);
    this.#lists.set(known.items, known);
    const outcome = known.add({ callId, feedback });
    if (outcome === 'too much') fault(spanId, `more than ${MAX_EVENT_CHARACTERS} characters of judgements`);
    if (outcome === 'added') sources.keep(node, { [list]: known.items });
  }

  /** Returns the reference id of the log that has the span's call; undefined if there is none. */
  #logOf(node: Skeleton | undefined): string | undefined {
    const { traceId, tree } = this.#host;
    let step = node;
    for (let keeper = step?.written?.keeperId; keeper !== undefined; keeper = step?.written?.keeperId) {
      if (isOfAnotherTrace(keeper)) return keeper;
      step = tree.get(keeper);
    }
    return step?.own && referenceIdOf(traceId, step.spanId);
  }
}
