/** Reads received spans and log events, with the readers of the exporter, into what is linked. Pure. */

import { hasContextSign } from '../../conventions/census.ts';
import {
  EVALUATION_EVENT,
  evaluationOfEvent,
  hasEvaluationEvents,
  readEvaluations,
} from '../../conventions/content/evaluations.ts';
import { readEnvironment, readSession, readTags, readUser } from '../../conventions/context.ts';
import type { Convention, Evaluation, Reading } from '../../conventions/convention.ts';
import { censusOf, classifySpan, readSpan } from '../../conventions/index.ts';
import { MAX_NAME_CHARS } from '../../conventions/values/attributes.ts';
import type { DatapointSpan } from '../../datapoint/to-datapoint.ts';
import { toFeedback } from '../../datapoint/to-feedback.ts';
import { readAncestor } from '../../otel/ancestor-member.ts';
import { isContentRecord } from '../../otel/content-records.ts';
import { parentSpanIdOf, type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import type { Feedback } from '../../wire/v4.ts';
import type { ReceivedEvent, ReceivedSpan } from './decoding/received.ts';
import { namesOf, type Reporters } from './linking/call-keys.ts';
import type { Arrival, ArrivedLog, Judgement } from './linking/skeletons/arrival.ts';
import { hashOf, summarise } from './linking/skeletons/summarise.ts';

/** What a span says, with the judgements that it has; undefined if its ids are not those of a span. */
export type ReadArrival =
  | { readonly traceId: string; readonly arrival: Arrival; readonly judgements: readonly TracedJudgement[] }
  | undefined;

export interface ReadSettings {
  /** `false` keeps structure, tokens and timing only. */
  readonly captureContent: boolean;
  readonly source: string;
  readonly reporters: Reporters;
  /** All if undefined. */
  readonly conventions: readonly Convention[] | undefined;
}

/** A judgement, and the trace of the span that it is about. */
export interface TracedJudgement {
  readonly traceId: string;
  readonly judgement: Judgement;
}

const SAMPLED = 1;
const UNKNOWN_PROJECT = 'unknown_service';

/** Yields between steps, each of which takes long for a span of many megabytes. */
export function* readArrival(
  { slice: span, projectName }: ReceivedSpan,
  settings: ReadSettings,
): Generator<void, ReadArrival> {
  const { traceId, spanId, traceFlags } = span.spanContext();
  if (!isTraceId(traceId) || !isSpanId(spanId)) return undefined;
  const { signs } = censusOf(span, settings.conventions);
  const isSampled = (traceFlags & SAMPLED) !== 0;
  const classified = isSampled ? classifySpan(span, settings.conventions, signs) : undefined;
  if (classified) yield;
  const reading = classified && readSpan(span, settings.conventions, classified.recognitions);
  if (reading) yield;
  const evaluations = reading ? reading.evaluations : hasEvaluationEvents(span) ? readEvaluations(span) : undefined;
  const project = projectOf(span, projectName);
  const log = classified && reading && (yield* readLog(span, classified.kind, reading, project, settings));
  const namesContext = hasContextSign(signs);
  const parentId = parentSpanIdOf(span);
  const arrival: Arrival = {
    spanId,
    parentId: parentId !== undefined && isSpanId(parentId) ? parentId : undefined,
    isRemoteParent: span.parentSpanContext?.isRemote === true,
    upstreamId: readAncestor(span.spanContext().traceState),
    startMillis: startMillisOf(span),
    session: namesContext ? readSession(span) : undefined,
    user: namesContext ? readUser(span) : undefined,
    tags: namesContext && settings.captureContent ? readTags(span) : undefined,
    log,
  };
  const judgements = (evaluations ?? []).map((evaluation) => judge(traceId, spanId, evaluation, settings));
  return { traceId, arrival, judgements };
}

function* readLog(
  span: SpanSlice,
  kind: ArrivedLog['kind'],
  { evaluations: _evaluations, ...reading }: Reading,
  project: string,
  { captureContent, source, reporters }: ReadSettings,
): Generator<void, ArrivedLog> {
  const settings = { project, environment: readEnvironment(span), source, captureContent };
  const summary = yield* summarise(span, kind, reading);
  yield;
  const names = kind === 'model' ? namesOf(span, reading, summary.callId, reporters) : undefined;
  return { span: withoutContent(span), kind, reading, summary, settings, names };
}

/** Attributes and events are let go when they are read: V8 copies what lives until the log is written. */
function withoutContent(span: SpanSlice): DatapointSpan {
  const { name, startTime, endTime, duration, ended = true } = span;
  const context = span.spanContext();
  return { name, startTime, endTime, duration, ended, instrumentationScope: scopeOf(span), spanContext: () => context };
}

export type ReadEvent =
  | { readonly kind: 'judgement'; readonly traced: TracedJudgement }
  /** A judgement of a call that names nothing but the provider's id of the answer. */
  | { readonly kind: 'judgement of a call'; readonly callId: string; readonly feedback: readonly Feedback[] }
  | { readonly kind: 'content'; readonly traceId: string; readonly spanId: string; readonly name: string }
  | { readonly kind: 'fault'; readonly message: string };

/** Returns what a log record says of a span; undefined if it is not about a call of a model. */
export function readEvent(
  { traceId, spanId, eventName, attributes, body, time }: ReceivedEvent,
  settings: ReadSettings,
): ReadEvent | undefined {
  const name = eventName || (attributes['event.name'] ?? attributes['event_name']);
  if (typeof name !== 'string' || !isContentRecord(name, body)) return undefined;
  if (!traceId || !spanId || !isTraceId(traceId) || !isSpanId(spanId)) {
    const judged =
      name === EVALUATION_EVENT ? evaluationOfEvent({ name, attributes: { ...attributes, body }, time }) : undefined;
    const callId = hashOf(judged?.callId);
    if (judged && callId !== undefined) {
      return { kind: 'judgement of a call', callId, feedback: toFeedback([judged], settings.captureContent) };
    }
    return { kind: 'fault', message: `a log record '${name.slice(0, 100)}' names no span` };
  }
  if (name !== EVALUATION_EVENT) return { kind: 'content', traceId, spanId, name };
  const evaluation = evaluationOfEvent({ name, attributes: { ...attributes, body }, time });
  if (!evaluation) return { kind: 'fault', message: 'an evaluation has no score, label, explanation or error' };
  return { kind: 'judgement', traced: judge(traceId, spanId, evaluation, settings) };
}

function judge(
  traceId: string,
  spanId: string,
  evaluation: Evaluation,
  { captureContent }: ReadSettings,
): TracedJudgement {
  const { target, callId } = evaluation;
  const isElsewhere = target !== undefined && isTraceId(target.traceId) && isSpanId(target.spanId);
  return {
    traceId: isElsewhere ? target.traceId : traceId,
    judgement: {
      spanId: isElsewhere ? target.spanId : spanId,
      callId: hashOf(callId),
      feedback: toFeedback([evaluation], captureContent),
    },
  };
}

/** Returns the name from the request, else that of the span's resource. */
function projectOf({ resource }: SpanSlice, projectName: string | undefined): string {
  if (projectName) return projectName.slice(0, MAX_NAME_CHARS);
  const name = resource?.attributes['service.name'];
  if (typeof name !== 'string' || name === '' || name.startsWith(UNKNOWN_PROJECT)) return UNKNOWN_PROJECT;
  return name.slice(0, MAX_NAME_CHARS);
}

function startMillisOf({ startTime }: SpanSlice): number {
  const millis = Array.isArray(startTime) ? startTime[0] * 1e3 + startTime[1] / 1e6 : Number.NaN;
  return Number.isFinite(millis) && millis >= 0 ? millis : 0;
}

function isTraceId(id: unknown): boolean {
  return typeof id === 'string' && /^(?!0{32})[0-9a-f]{32}$/.test(id);
}

function isSpanId(id: unknown): boolean {
  return typeof id === 'string' && /^(?!0{16})[0-9a-f]{16}$/.test(id);
}
