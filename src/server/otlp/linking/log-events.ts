/**
 * Log events with content of a span. They are kept, those of a span that has not come too, and its log is made with all of
 * them.
 */
import type { SpanEvent } from '../../../otel/span-slice.ts';
import { updatesOf } from './client-updates.ts';
import { readingOf } from './compose.ts';
import { byTime, KeptList, MAX_EVENT_CHARACTERS } from './kept-content.ts';
import type { ArrivedEvent } from './skeletons/arrival.ts';
import type { Skeleton } from './skeletons/skeleton.ts';
import { summariseContent } from './skeletons/summarise.ts';
import type { Tree } from './skeletons/tree.ts';
import type { Sources } from './sources.ts';

export interface LogEventsHost {
  readonly tree: Tree;
  readonly sources: Sources;
  /** Adds a span that has not come. */
  await(spanId: string): Skeleton;
  /** Called with a span of which an event has come again. */
  repeat(spanId: string): void;
  fault(spanId: string, message: string): void;
}

export class LogEvents {
  /** Spans whose logs have to be made with their events now. */
  readonly spanIds = new Set<string>();
  readonly #host: LogEventsHost;
  /** Of spans that some have come of, those before included. */
  readonly #lists = new Map<string, KeptList<SpanEvent>>();
  readonly #withNew = new Set<string>();

  constructor(host: LogEventsHost) {
    this.#host = host;
  }

  add({ spanId, event }: ArrivedEvent): void {
    const { tree, sources, repeat, fault } = this.#host;
    const node = tree.get(spanId) ?? this.#host.await(spanId);
    // Events of spans that are not logs say nothing that is shown.
    if (node.isSeen && !node.own) return;
    const known = this.#lists.get(spanId);
    const kept = known ? undefined : sources.readKept(node);
    const list = known ?? (kept && new KeptList(kept.events ?? []));
    if (!list) return;
    this.#lists.set(spanId, list);
    const outcome = list.add(event);
    if (outcome === 'known') repeat(spanId);
    else if (outcome === 'added') this.#withNew.add(spanId);
    else fault(spanId, `more than ${MAX_EVENT_CHARACTERS} characters of log events`);
  }

  /** Call this when all are added. */
  keep(): void {
    const { tree, sources } = this.#host;
    for (const spanId of this.#withNew) {
      const node = tree.get(spanId) as Skeleton;
      sources.keep(node, { events: this.#lists.get(spanId)?.items.sort(byTime) });
      if (node.isSeen) this.spanIds.add(spanId);
    }
  }

  /** The content in events counts when calls are compared. Yields after each span, and within those of long texts. */
  *read(): Generator<void, void> {
    for (const spanId of this.spanIds) {
      yield* this.#read(spanId);
      yield;
    }
  }

  *#read(spanId: string): Generator<void, void> {
    const { tree, sources } = this.#host;
    const node = tree.get(spanId) as Skeleton;
    const own = node.own && sources.findOwnOfLog(node);
    if (!node.own || !own) return;
    const { callId, model, hasError } = node.own;
    const reading = readingOf(own);
    const mayBeSum = node.own.mayBeSum && reading.finishReason === undefined;
    const says = yield* summariseContent(reading);
    // What an update has replaced is known by its hash only.
    const isUpdated = node.said?.output !== undefined && updatesOf(own.datapoint, node.said).output !== undefined;
    const answer = isUpdated ? node.own.answer : says.answer;
    tree.change(spanId, { own: { ...node.own, ...says, callId, model, hasError, answer, mayBeSum } });
  }
}
