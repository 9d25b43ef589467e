/**
 * Judgements that stand on a span: by evaluators, rules or people.
 *
 * They come as events `gen_ai.evaluation.result`, on the span or in log records that were joined to it, as attributes
 * of the same names, and as OpenInference's lists `annotations.<n>.annotation.*` and `evaluations.<n>.evaluation.*`. They
 * mean the same whatever vocabulary the span speaks, so they are read apart from the vocabularies.
 */
import { millisOf } from '../../otel/hr-time.ts';
import type { Attributes, SpanEvent, SpanSlice } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import type { Evaluation } from '../convention.ts';
import { nameOf, numberOf, omitUndefined, stringOf } from '../values/attributes.ts';
import { groupByIndex } from '../values/indexed-groups.ts';

export const EVALUATION_EVENT = 'gen_ai.evaluation.result';

const NAME = 'gen_ai.evaluation.name';
/** Without a name it is not known what was judged, but the judgement is kept. */
const UNNAMED = 'evaluation';
const LISTS = ['annotations.', 'evaluations.'] as const;

/** Returns all judgements on the span; undefined if there are none. */
export function readEvaluations(span: SpanSlice): Evaluation[] | undefined {
  const found: Evaluation[] = [];
  const add = (evaluation: Evaluation | undefined) => evaluation && found.push(evaluation);
  // Error and user beside these attributes are those of the span.
  if (span.attributes[NAME] !== undefined) add(unlessSilent(resultIn(span.attributes)));
  if (hasLists(span.attributes)) {
    const [annotations = [], evaluations = []] = groupByIndex(span.attributes, LISTS);
    const judged = linkedSpan(span);
    for (const { fields } of annotations) add(entryOf(fields, 'annotation.'));
    for (const { fields } of evaluations) add(withTarget(entryOf(fields, 'evaluation.'), judged));
  }
  for (const event of span.events) if (event.name === EVALUATION_EVENT) add(evaluationOfEvent(event));
  return found.length > 0 ? found : undefined;
}

/** Whether the span has events that may judge another span. It is asked about every span of the app. */
export function hasEvaluationEvents({ events }: Pick<SpanSlice, 'events'>): boolean {
  for (let at = 0; at < events.length; at++) if (events[at]?.name === EVALUATION_EVENT) return true;
  return false;
}

/** Returns the judgement of one event; undefined if it says nothing. */
export function evaluationOfEvent({ attributes = {}, time }: SpanEvent): Evaluation | undefined {
  const { body } = attributes;
  const fields = isObject(body) ? { ...body, ...attributes } : attributes;
  return unlessSilent({
    ...resultIn(fields),
    error: nameOf(fields['error.type']),
    user: nameOf(fields['user.id']) ?? nameOf(fields['enduser.id']),
    atMillis: millisOf(time),
    callId: nameOf(fields['gen_ai.response.id']),
  });
}

/** Turns a judgement into an event again, so that it can be joined to the span that it is about. */
export function toEvaluationEvent(evaluation: Evaluation): SpanEvent {
  const { name, score, label, explanation, error, user, atMillis } = evaluation;
  return {
    name: EVALUATION_EVENT,
    attributes: omitUndefined<Record<string, unknown>>({
      [NAME]: name,
      'gen_ai.evaluation.score.value': score,
      'gen_ai.evaluation.score.label': label,
      'gen_ai.evaluation.explanation': explanation,
      'error.type': error,
      'user.id': user,
    }),
    ...(atMillis !== undefined && { time: [Math.floor(atMillis / 1e3), (atMillis % 1e3) * 1e6] }),
  };
}

function resultIn(fields: Attributes): Maybe<Evaluation> & { name: string } {
  return {
    name: nameOf(fields[NAME]) ?? UNNAMED,
    score: numberOf(fields['gen_ai.evaluation.score.value']),
    label: labelOf(fields['gen_ai.evaluation.score.label']),
    explanation: stringOf(fields['gen_ai.evaluation.explanation']),
  };
}

function entryOf(fields: Attributes, prefix: string): Evaluation | undefined {
  return unlessSilent({
    name: nameOf(fields[`${prefix}name`]) ?? UNNAMED,
    score: numberOf(fields[`${prefix}score`]),
    label: labelOf(fields[`${prefix}label`]),
    explanation: stringOf(fields[`${prefix}explanation`]),
    user: nameOf(fields[`${prefix}identifier`]),
  });
}

type Maybe<T> = { readonly [K in keyof T]: T[K] | undefined };

function unlessSilent(evaluation: Partial<Maybe<Evaluation>>): Evaluation | undefined {
  const { score, label, explanation, error } = evaluation;
  const isSilent = score === undefined && label === undefined && explanation === undefined && error === undefined;
  return isSilent ? undefined : (omitUndefined<Evaluation>(evaluation as Evaluation) as Evaluation);
}

/** Labels are texts; an evaluator that answers yes or no may write a boolean or a number. */
function labelOf(value: unknown): string | undefined {
  return typeof value === 'boolean' || typeof value === 'number' ? `${value}` : stringOf(value);
}

const A = 0x61;
const E = 0x65;

function hasLists(attributes: Attributes): boolean {
  for (const key in attributes) {
    const first = key.charCodeAt(0);
    if ((first === A || first === E) && LISTS.some((prefix) => key.startsWith(prefix))) return true;
  }
  return false;
}

/** An evaluator's span links to the span that it judged. With several links it is not known which one is meant. */
function linkedSpan({ links }: SpanSlice): Evaluation['target'] {
  const [link, ...others] = links ?? [];
  const { traceId, spanId } = link?.context ?? {};
  return others.length === 0 && traceId && spanId ? { traceId, spanId } : undefined;
}

function withTarget(evaluation: Evaluation | undefined, target: Evaluation['target']): Evaluation | undefined {
  return evaluation && target ? { ...evaluation, target } : evaluation;
}
