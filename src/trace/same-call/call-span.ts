/** A log of a trace as `same-call.ts` judges it: what it was read as, and what it turns out to be among the others. */

import type { LogKind, Reading } from '../../conventions/convention.ts';
import { millisOf } from '../../otel/hr-time.ts';
import { type SpanSlice, scopeOf } from '../../otel/span-slice.ts';

export interface CallSpan {
  readonly spanId: string;
  /** Nearest ancestor that is a log. */
  readonly parent: CallSpan | undefined;
  readonly kind: LogKind;
  readonly reading: Reading;
  /** Name of the instrumentation. */
  readonly scope: string;
  /** Unix milliseconds; 0 where the span's clock gave no time. */
  readonly startMillis: number;
  /** `undefined` while the span is open. */
  readonly endMillis: number | undefined;
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
  };
}

/** What a log is, if that differs from what its span alone says. */
export interface Settled {
  readonly kind: LogKind;
  readonly reading: Reading;
}

/** Counts and costs that are one call's own, and an aggregate on anything around it. */
const COUNTED = ['total_tokens', 'cache_read_tokens', 'cache_write_tokens', 'reasoning_tokens', 'total_cost'] as const;

export function hasUsage({ promptTokens, outputTokens }: Reading): boolean {
  return promptTokens !== undefined || outputTokens !== undefined;
}

/** The reading of a log that is not the call itself: its counts stand under `usage`, where nobody adds them up. */
export function withoutOwnUsage(reading: Reading): Reading {
  const { promptTokens, outputTokens, promptCost, outputCost, metadata = {}, ...rest } = reading;
  const kept = { ...metadata };
  const usage: Record<string, unknown> = {};
  const counts = {
    prompt_tokens: promptTokens,
    output_tokens: outputTokens,
    prompt_cost: promptCost,
    output_cost: outputCost,
  };
  for (const [key, value] of Object.entries(counts)) if (value !== undefined) usage[key] = value;
  for (const key of COUNTED) {
    if (kept[key] !== undefined) usage[key] = kept[key];
    delete kept[key];
  }
  const isEmpty = Object.keys(usage).length === 0;
  return { ...rest, metadata: isEmpty ? kept : { ...kept, usage: kept['usage'] ?? usage } };
}

/** The call that stays, with what only its double knows of it. */
export function withUsageOf(reading: Reading, double: Reading): Reading {
  if (hasUsage(reading) || !hasUsage(double)) return reading;
  const { promptTokens, outputTokens, promptCost, outputCost, metadata = {} } = double;
  const details = COUNTED.flatMap((key) => (metadata[key] === undefined ? [] : [[key, metadata[key]] as const]));
  const usage: Reading = {};
  if (promptTokens !== undefined) usage.promptTokens = promptTokens;
  if (outputTokens !== undefined) usage.outputTokens = outputTokens;
  if (promptCost !== undefined) usage.promptCost = promptCost;
  if (outputCost !== undefined) usage.outputCost = outputCost;
  return { ...reading, ...usage, metadata: { ...reading.metadata, ...Object.fromEntries(details) } };
}

/** Of two spans of one call, the one that tells more keeps it: its messages first of all. */
export function tellsMore(first: Reading, second: Reading): boolean {
  return worth(first) > worth(second);
}

function worth(reading: Reading): number {
  return (
    (reading.messages !== undefined ? 4 : 0) + (hasUsage(reading) ? 2 : 0) + (answerOf(reading) !== undefined ? 1 : 0)
  );
}

/** What the model said, as a text to compare. */
export function answerOf({ output, outputMessage }: Reading): string | undefined {
  const calls = outputMessage?.tool_calls?.map((call) => `${call.function.name}(${call.function.arguments})`) ?? [];
  return output || calls.length > 0 ? [output ?? '', ...calls].join('\n') : undefined;
}

/** What the model was asked last, as a text to compare. */
export function questionOf({ messages }: Reading): string | undefined {
  const last = messages?.at(-1);
  return last && JSON.stringify([last.role, last.content ?? last.tool_calls]);
}

/** Whether one instrumentation, which writes the same words for the same thing, asked and got something else there. */
export function isOtherCall(outer: CallSpan, inner: CallSpan): boolean {
  if (outer.scope !== inner.scope) return false;
  const [answer, question] = [answerOf(outer.reading), questionOf(outer.reading)];
  const [innerAnswer, innerQuestion] = [answerOf(inner.reading), questionOf(inner.reading)];
  if (answer === undefined || question === undefined || innerAnswer === undefined) return false;
  return innerQuestion !== undefined && answer !== innerAnswer && question !== innerQuestion;
}

/** What a provider adds to the name of a model for the version that answered: `-2024-08-06`, `-0613`, `-latest`. */
const VERSION = /^[-@:](\d{4}|latest)/;

/** `gpt-4o` and `gpt-4o-2024-08-06` are one model; `gpt-4` is none of them. An unknown one contradicts nothing. */
export function agreeOnModel(first: Reading, second: Reading): boolean {
  const [a, b] = [first.model, second.model];
  if (a === undefined || b === undefined || a === b) return true;
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return long.startsWith(short) && VERSION.test(long.slice(short.length));
}
