/** What a model call is known by when it is compared with calls of other traces: no content, a hundred bytes. */
import type { Reading } from '../../conventions/convention.ts';
import type { JsonPieces, ShortReading } from '../../conventions/short-way.ts';
import { millisOf } from '../../otel/hr-time.ts';
import { type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import { messageText } from '../../wire/message-text.ts';
import type { ChatMessage } from '../../wire/v4.ts';
import { agreeOnModel, answerOf, hasUsage, scoreFor, scoreOf } from './call-span.ts';
import { fingerprint } from './fingerprint.ts';

export interface CallFacts {
  readonly callId: string | undefined;
  readonly model: string | undefined;
  /** Scope of its instrumentation. */
  readonly scope: string;
  /** Unix milliseconds. */
  readonly startMillis: number;
  /** Unix milliseconds. */
  readonly endMillis: number;
  /** Fingerprint of the last message to the model. */
  readonly question: string | undefined;
  /** Fingerprint of the model's answer. */
  readonly answer: string | undefined;
  readonly outputTokens: number | undefined;
  readonly hasUsage: boolean;
  readonly hasAnswer: boolean;
  readonly hasError: boolean;
  /** How much the span says: see `scoreOf`. */
  readonly score: number;
}

/** The clocks of two spans of one call may differ by this much. */
export const TOLERANCE_MILLIS = 5;

/** Returns undefined if the span has no times. Without `withContent`, the call is known by its id only, which is cheap. */
export function callFactsOf(span: SpanSlice, reading: Reading, withContent: boolean): CallFacts | undefined {
  const startMillis = millisOf(span.startTime);
  const endMillis = millisOf(span.endTime);
  if (!startMillis || !endMillis) return undefined;
  const { callId, model, messages, output, outputMessage, outputTokens, error } = reading;
  return {
    callId,
    model,
    scope: scopeOf(span).name,
    startMillis,
    endMillis,
    question: withContent ? fingerprintOf(messages?.at(-1)) : undefined,
    answer: withContent
      ? fingerprintOf(outputMessage ?? (output ? { role: 'assistant', content: output } : undefined))
      : undefined,
    outputTokens,
    hasUsage: hasUsage(reading),
    hasAnswer: answerOf(reading) !== undefined,
    hasError: error !== undefined,
    score: scoreOf(reading),
  };
}

/** The same for a span that was read the short way. Undefined also if it has no id. */
export function shortFactsOf(span: SpanSlice, reading: ShortReading): CallFacts | undefined {
  const { responseId: callId, model, messages, outputMessage, promptTokens, outputTokens } = reading;
  const startMillis = millisOf(span.startTime);
  const endMillis = millisOf(span.endTime);
  if (callId === undefined || !startMillis || !endMillis) return undefined;
  const hasAnswer = outputMessage !== undefined && hasTextOrCalls(outputMessage);
  const reportsUsage = promptTokens !== undefined || outputTokens !== undefined;
  return {
    callId,
    model,
    scope: scopeOf(span).name,
    startMillis,
    endMillis,
    question: undefined,
    answer: undefined,
    outputTokens,
    hasUsage: reportsUsage,
    hasAnswer,
    hasError: false,
    score: scoreFor(messages !== undefined, reportsUsage, hasAnswer),
  };
}

function hasTextOrCalls(message: JsonPieces): boolean {
  for (let at = 1; at < message.length; at += 2) if (message[at] !== '') return true;
  return message.some((piece, at) => at % 2 === 0 && piece.includes('"tool_calls":['));
}

/** Returns undefined for a message without text and without calls of tools. */
export function fingerprintOf(message: ChatMessage | undefined): string | undefined {
  if (!message) return undefined;
  const calls = message.tool_calls?.map((call) => `${call.function.name}(${call.function.arguments})`) ?? [];
  const text = [messageText(message) ?? '', ...calls].join('\n');
  return text ? fingerprint(text) : undefined;
}

/**
 * Whether the spans of two instrumentations surely report the same call. Their times agree, and they have the same
 * response id; if not both have one, the same model, question, and answer. Usage stands in for an answer that was not
 * captured.
 */
export function isSameCallElsewhere(first: CallFacts, second: CallFacts): boolean {
  if (first.scope === second.scope) return false;
  if (first.callId !== undefined && second.callId !== undefined) {
    return first.callId === second.callId && overlap(first, second);
  }
  if (first.question === undefined || first.question !== second.question) return false;
  if (!isWithin(first, second) && !isWithin(second, first)) return false;
  if (first.model === undefined || second.model === undefined || !agreeOnModel(first, second)) return false;
  const haveUsage = first.hasUsage && second.hasUsage;
  if (haveUsage && first.outputTokens !== second.outputTokens) return false;
  if (first.answer !== undefined && second.answer !== undefined) return first.answer === second.answer;
  return haveUsage;
}

function overlap(first: CallFacts, second: CallFacts): boolean {
  return (
    first.startMillis <= second.endMillis + TOLERANCE_MILLIS && second.startMillis <= first.endMillis + TOLERANCE_MILLIS
  );
}

function isWithin(outer: CallFacts, inner: CallFacts): boolean {
  return (
    outer.startMillis <= inner.startMillis + TOLERANCE_MILLIS && outer.endMillis + TOLERANCE_MILLIS >= inner.endMillis
  );
}
