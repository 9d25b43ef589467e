/**
 * Brings evaluations to the logs that they are about.
 *
 * An evaluation is about the span that it stands on, unless it names another one: by a link, or by the provider's id of
 * the answer. If that span's log is not written yet, the evaluation goes into it. If it is, feedback is sent after it.
 * An evaluation of a span that is not a log is counted as dropped.
 */
import {
  evaluationOfEvent,
  hasEvaluationEvents,
  readEvaluations,
  toEvaluationEvent,
} from '../conventions/content/evaluations.ts';
import type { Evaluation } from '../conventions/convention.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { Drops } from '../delivery/drops.ts';
import type { EntryState, LogEntry } from '../delivery/ledger/log-entry.ts';
import { type SpanEvent, withEvents } from '../otel/span-slice.ts';
import { isNode, type Keeper, referenceOf, type SpanNode, type Trace } from '../trace/span-node.ts';
import type { TraceTracker } from '../trace/trace-tracker.ts';
import { referenceIdOf } from '../wire/reference-id.ts';
import type { Redaction } from './redaction.ts';

/** States in which the body of a log is still replaced by a newer one. */
const IN_POST: ReadonlySet<EntryState> = new Set<EntryState>(['new', 'waiting', 'ready']);

const MAX_UNSEEN = 1_000;

export class Evaluations {
  readonly #delivery: Delivery;
  readonly #tracker: TraceTracker;
  readonly #drops: Drops;
  readonly #redaction: Redaction;
  readonly #isLog: (node: SpanNode) => boolean;
  /** Parents that were not seen when an evaluation of them came. */
  readonly #unseen = new Set<SpanNode>();

  constructor(
    delivery: Delivery,
    tracker: TraceTracker,
    drops: Drops,
    redaction: Redaction,
    isLog: (node: SpanNode) => boolean,
  ) {
    this.#delivery = delivery;
    this.#tracker = tracker;
    this.#drops = drops;
    this.#redaction = redaction;
    this.#isLog = isLog;
  }

  /** Takes an evaluation that came as a log event in the context of a span. */
  receive(traceId: string, spanId: string, event: SpanEvent): void {
    const evaluation = evaluationOfEvent(event);
    if (!evaluation) {
      this.#drops.add('feedback_empty', referenceIdOf(traceId, spanId), 'no score, label, explanation or error');
      return;
    }
    if (traceId === '') {
      this.#drops.add('feedback_no_log', 'unknown', 'the event names no span');
      return;
    }
    const trace = this.#tracker.findTrace(traceId);
    const call = trace && this.#findCall(trace, evaluation.callId);
    const node = trace?.nodes.get(spanId);
    if (call) this.#give(traceId, call.spanId, evaluation);
    // Its call may end before it does.
    else if (node && isAwaited(node) && !node.reading) this.#hold(node, event);
    else this.#give(traceId, spanId, evaluation);
  }

  /** Counts the evaluations on an open span that is not a log, since its end will not be seen. */
  giveUp(node: SpanNode): void {
    for (const _evaluation of evaluationsOfOther(node) ?? []) {
      this.#drops.add('feedback_no_log', referenceOf(node), 'the span did not end before shutdown');
    }
  }

  /** Call this at shutdown: sends the evaluations of parents that never came to their stubs, and counts the others. */
  giveUpUnseen(): void {
    for (const node of this.#unseen) {
      const { span, entry, events = [] } = node;
      if (span) continue;
      const evaluations = events.map(evaluationOfEvent).filter((evaluation) => evaluation !== undefined);
      if (entry) this.#send(entry, evaluations);
      else for (const _evaluation of evaluations) this.#dropUnseen(node);
    }
    this.#unseen.clear();
  }

  #dropUnseen(node: SpanNode): void {
    this.#drops.add('feedback_no_log', referenceOf(node), 'the span was not seen');
  }

  /** Keeps the event for a log that is not written yet. The span of an exporter's parent may come later, or never. */
  #hold(node: SpanNode, event: SpanEvent): void {
    this.#tracker.addEvent(node, event);
    if (node.span) return;
    this.#unseen.add(node);
    const [oldest] = this.#unseen;
    if (!oldest || this.#unseen.size <= MAX_UNSEEN) return;
    this.#unseen.delete(oldest);
    if (oldest.span || !oldest.events) return;
    for (const _event of oldest.events) this.#dropUnseen(oldest);
    this.#tracker.dropEvents(oldest);
  }

  /** Takes the evaluations on a due span to where they belong. */
  route(node: SpanNode): void {
    const { span, reading } = node;
    if (!span || (!reading && !node.events && span.events.length === 0)) return;
    // A log that is not read is held again, and comes back here.
    if (!reading && this.#isLog(node)) return;
    const evaluations = reading ? reading.evaluations : evaluationsOfOther(node);
    if (!evaluations) return;
    const own: Evaluation[] = [];
    for (const evaluation of evaluations) {
      const { traceId, spanId } = this.#targetOf(node, evaluation);
      const isOwn = traceId === node.trace.traceId && spanId === node.spanId && !node.keeper;
      if (reading && isOwn) own.push(evaluation);
      else this.#give(traceId, spanId, evaluation);
    }
    if (reading) reading.evaluations = own;
  }

  /** Call this when a log is written, again or for the first time. What its POST does not have is sent after it. */
  write(node: SpanNode, entry: LogEntry, evaluations: readonly Evaluation[] = []): void {
    if (evaluations.length === 0) return;
    const { judged } = node;
    if (!IN_POST.has(entry.state)) {
      this.#send(
        entry,
        evaluations.filter((evaluation) => !judged?.has(JSON.stringify(evaluation))),
      );
    }
    node.judged = new Set(evaluations.map((evaluation) => JSON.stringify(evaluation)));
  }

  #targetOf(node: SpanNode, { target, callId }: Evaluation): { traceId: string; spanId: string } {
    if (target) return target;
    const isOwn = callId === undefined || node.reading?.callId === callId;
    const call = isOwn ? undefined : this.#findCall(node.trace, callId);
    return { traceId: node.trace.traceId, spanId: (call ?? node).spanId };
  }

  #give(traceId: string, spanId: string, evaluation: Evaluation): void {
    const found = this.#tracker.find(traceId, spanId);
    // The log of another process, or one that was forgotten: the server may know it.
    if (!found || found.state === 'remote') {
      this.#send(this.#delivery.assumeDelivered(referenceIdOf(traceId, spanId)), [evaluation]);
      return;
    }
    const node = keeperOf(found);
    if (node.entry) this.#send(node.entry, [evaluation]);
    else if (!isNode(node)) this.#drops.add('feedback_no_log', referenceOf(found), 'the log of its call is not known');
    else if (node.reading) node.reading.evaluations = [...(node.reading.evaluations ?? []), evaluation];
    else if (isAwaited(node)) this.#hold(node, toEvaluationEvent(evaluation));
    else this.#drops.add('feedback_no_log', referenceOf(node), 'the span is not a log');
  }

  /** Finds the log of the model call with this answer, or else any other log that names it. */
  #findCall(trace: Trace, callId: string | undefined): SpanNode | undefined {
    if (callId === undefined) return undefined;
    let found: SpanNode | undefined;
    for (const node of trace.nodes.values()) {
      if (!names(node, callId) || !this.#isLog(node)) continue;
      if (node.kind === 'model') return node;
      found ??= node;
    }
    return found;
  }

  #send(entry: LogEntry, evaluations: readonly Evaluation[]): void {
    if (evaluations.length === 0) return;
    const nowMillis = Date.now();
    // Without a time, the same judgement sent twice would not be known as one.
    const timed = evaluations.map((evaluation) => ({ atMillis: nowMillis, ...evaluation }));
    // The hook may be asynchronous: a flush waits for its answer.
    this.#delivery.expectOverride(entry);
    this.#redaction.redactFeedback(entry.referenceId, timed, (cleared) => this.#delivery.addFeedback(entry, cleared));
  }
}

/** Its log is not written, and may be one. */
function isAwaited({ state, entry, isNoLog }: SpanNode): boolean {
  return state !== 'retired' && !entry && !isNoLog;
}

/** Returns what has the log of the call that this span reports: as a rule the span itself. */
function keeperOf(node: SpanNode): Keeper {
  let keeper: Keeper = node;
  while (isNode(keeper) && keeper.keeper) keeper = keeper.keeper;
  return keeper;
}

function names({ callId, reading, short, span }: SpanNode, wanted: string): boolean {
  if (callId === wanted || reading?.callId === wanted || short?.responseId === wanted) return true;
  if (!span) return false;
  // A span that is not read yet: whatever its vocabulary, the id is one of its attributes.
  const { attributes } = span;
  for (const key in attributes) if (attributes[key] === wanted) return true;
  return false;
}

/** Returns the evaluations on a span that is not a log. */
function evaluationsOfOther({ span, events }: SpanNode): Evaluation[] | undefined {
  if (!span) return undefined;
  return events || hasEvaluationEvents(span) ? readEvaluations(withEvents(span, events)) : undefined;
}
