/** A log of a trace as `same-call.ts` compares it with others, and its correction if it duplicates one of them. */

import type { LogKind, Reading, SpanKind } from '../../conventions/convention.ts';
import { millisOf } from '../../otel/hr-time.ts';
import { type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import type { ToolFacts } from '../span-node.ts';
import { toolFactsOf } from './tool-facts.ts';

export interface CallSpan {
  readonly spanId: string;
  /** The nearest ancestor that is a log. */
  readonly parent: CallSpan | undefined;
  readonly kind: LogKind;
  readonly reading: Reading;
  /** Name of the instrumentation scope. */
  readonly scope: string;
  /** Unix milliseconds; 0 if the span's start is not a time. */
  readonly startMillis: number;
  /** Unix milliseconds; undefined while the span is open. */
  readonly endMillis: number | undefined;
  /** Of a tool: what it is compared by. */
  readonly tool?: ToolFacts | undefined;
  /** See `mayBeSum`. */
  readonly mayBeSum?: boolean;
}

export function callSpanOf(span: SpanSlice, kind: LogKind, reading: Reading, parent: CallSpan | undefined): CallSpan {
  const endMillis = span.ended === false ? undefined : millisOf(span.endTime);
  return {
    spanId: span.spanContext().spanId,
    parent,
    kind,
    reading,
    scope: scopeOf(span).name,
    startMillis: millisOf(span.startTime) ?? 0,
    endMillis,
    tool: kind === 'tool' ? toolFactsOf(span, reading) : undefined,
    mayBeSum: mayBeSum(span, kind, reading),
  };
}

/**
 * Whether the counts of a span that was taken for a call may be those of the calls below it: it names a model and counts,
 * but neither an operation nor anything of an answer. Only the plain conventions leave the operation out.
 */
export function mayBeSum({ attributes }: SpanSlice, kind: LogKind, { finishReason, metadata }: Reading): boolean {
  if (kind !== 'model' || metadata?.['convention'] !== 'gen-ai') return false;
  const operation = attributes['gen_ai.operation.name'];
  const namesOperation = operation !== undefined && operation !== '';
  return !namesOperation && finishReason === undefined && metadata['response_model'] === undefined;
}

/** What a log becomes if it is not what its span alone says. `plumbing`: another log reports the same call. */
export interface Correction {
  readonly kind: SpanKind;
  readonly reading: Reading;
  /** Of plumbing, the span whose log has the call. */
  readonly keeper?: CallSpan;
  /** Of a log: from how many spans what it lacked was filled in. */
  readonly filledFrom?: number;
}

export function hasUsage({ promptTokens, outputTokens }: Reading): boolean {
  return promptTokens !== undefined || outputTokens !== undefined;
}

/** Whether the first of two spans of one call says more about it. Messages count most, then usage, then the answer. */
export function saysMore(first: Reading, second: Reading): boolean {
  return scoreOf(first) > scoreOf(second);
}

/** How much a span says about a call, from 0 to 7. */
export function scoreOf(reading: Reading): number {
  return scoreFor(reading.messages !== undefined, hasUsage(reading), answerOf(reading) !== undefined);
}

export function scoreFor(hasMessages: boolean, hasUsage: boolean, hasAnswer: boolean): number {
  return (hasMessages ? 4 : 0) + (hasUsage ? 2 : 0) + (hasAnswer ? 1 : 0);
}

/** Returns the model's answer as a text to compare. */
export function answerOf({ output, outputMessage }: Reading): string | undefined {
  const calls = outputMessage?.tool_calls?.map((call) => `${call.function.name}(${call.function.arguments})`) ?? [];
  return output || calls.length > 0 ? [output ?? '', ...calls].join('\n') : undefined;
}

/** Returns the last message to the model as a text to compare. */
export function questionOf({ messages }: Reading): string | undefined {
  const last = messages?.at(-1);
  return last && JSON.stringify([last.role, last.content ?? last.tool_calls]);
}

/**
 * Whether both spans come from one instrumentation, which reports another question and another answer on the inner one.
 */
export function isOtherCall(outer: CallSpan, inner: CallSpan): boolean {
  if (outer.scope !== inner.scope) return false;
  const [answer, question] = [answerOf(outer.reading), questionOf(outer.reading)];
  const [innerAnswer, innerQuestion] = [answerOf(inner.reading), questionOf(inner.reading)];
  if (answer === undefined || question === undefined || innerAnswer === undefined) return false;
  return innerQuestion !== undefined && answer !== innerAnswer && question !== innerQuestion;
}

/** Suffix of a model name for the version that answered: `-2024-08-06`, `-0613`, `-latest`. */
const VERSION = /^[-@:](\d{4}|latest)/;

/** `gpt-4o` and `gpt-4o-2024-08-06` are one model, `gpt-4` is another. An unknown model agrees with any. */
export function agreeOnModel(first: Reading, second: Reading): boolean {
  const [a, b] = [first.model, second.model];
  if (a === undefined || b === undefined || a === b) return true;
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return long.startsWith(short) && VERSION.test(long.slice(short.length));
}
