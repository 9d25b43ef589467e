/**
 * What a call is compared with others by, without its content; and the reading that `same-call.ts` compares, made of it.
 *
 * Such a reading has hashes in the place of texts, so that two of them are the same call exactly if the spans are. It is
 * also marked with its span's id in three places that move with what they stand for when readings are put together: so
 * the corrected reading says whose content, whose counts and whose error the log has.
 */
import { createHash, hash } from 'node:crypto';
import type { LogKind, Reading } from '../../../../conventions/convention.ts';
import { providerOf } from '../../../../datapoint/to-config.ts';
import { millisOf } from '../../../../otel/hr-time.ts';
import { type SpanSlice, scopeOf } from '../../../../otel/span-slice.ts';
import {
  answerOf,
  type CallSpan,
  type Correction,
  mayBeSum,
  questionOf,
  scoreFor,
} from '../../../../trace/same-call/call-span.ts';
import { fingerprint } from '../../../../trace/same-call/fingerprint.ts';
import { hasOwnUsage } from '../../../../trace/same-call/merge-readings.ts';
import { toolFactsOf } from '../../../../trace/same-call/tool-facts.ts';
import type { ToolFacts } from '../../../../trace/span-node.ts';
import type { CallSummary, Recipe, Skeleton } from './skeleton.ts';

/** Longer names of arguments are compared by their hashes. */
const MAX_KEY_CHARS = 64;
/** Of a text that is hashed at once. */
const HASHED_CHARS = 1024 * 1024;
/** Counts move with this key of the metadata. */
const COUNTS_OF = 'cost_source';

/** Yields between the parts of what is hashed. */
export function* summarise(span: SpanSlice, kind: LogKind, reading: Reading): Generator<void, CallSummary> {
  const { name: scope } = scopeOf(span);
  const convention = reading.metadata?.['convention'];
  return {
    kind,
    scope: typeof scope === 'string' ? scope.toWellFormed() : '',
    endMillis: span.ended === false ? undefined : millisOf(span.endTime),
    convention: typeof convention === 'string' ? convention : undefined,
    provider: providerOf(reading) ?? reading.provider,
    tool: kind === 'tool' ? withoutContent(toolFactsOf(span, reading)) : undefined,
    mayBeSum: mayBeSum(span, kind, reading),
    ...(yield* summariseContent(reading)),
  };
}

/** The part of a summary that log events may add to. */
export function* summariseContent(
  reading: Reading,
): Generator<
  void,
  Omit<CallSummary, 'kind' | 'scope' | 'endMillis' | 'convention' | 'provider' | 'tool' | 'mayBeSum'>
> {
  const question = yield* hashQuestion(reading);
  const answer = yield* hashInSteps(answerOf(reading));
  const { callId, model, promptTokens, outputTokens, messages, error } = reading;
  return {
    callId: hashOf(callId),
    model,
    promptTokens,
    outputTokens,
    hasCounts: hasOwnUsage(reading),
    hasMessages: messages !== undefined,
    hasError: error !== undefined,
    question,
    answer,
  };
}

type Report = Pick<Skeleton, 'own' | 'session' | 'user' | 'tags'>;

/**
 * Whether the first of two reports of one span counts: SDKs that report a span while it runs do so again when it has
 * ended. Which one counts does not depend on which comes first.
 */
export function saysMoreThan(first: Report, second: Report): boolean {
  const [ofFirst, ofSecond] = [rankOf(first), rankOf(second)];
  const at = ofFirst.findIndex((value, index) => value !== ofSecond[index]);
  return at >= 0 && ofFirst[at]! > ofSecond[at]!;
}

function rankOf({ own, session = '', user = '', tags = [] }: Report): (number | string)[] {
  const { endMillis = -1, answer = '', question = '' } = own ?? {};
  const score = own ? 2 * scoreFor(own.hasMessages, own.hasCounts, answer !== '') + Number(own.hasError) : -1;
  const named = [session, user, ...tags].filter((text) => text !== '').length;
  return [endMillis, score, named, answer, question, session, user, tags.join()];
}

/** Returns 16 hexadecimal digits. */
export function hashOf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : hash('sha1', text).slice(0, 16);
}

/** Returns the hash of `questionOf`, which writes a long text as JSON at once. */
function* hashQuestion(reading: Reading): Generator<void, string | undefined> {
  const last = reading.messages?.at(-1);
  if (typeof last?.content !== 'string' || last.content.length <= HASHED_CHARS) return hashOf(questionOf(reading));
  const sum = createHash('sha1').update(`[${JSON.stringify(last.role)},"`);
  for (const part of partsOf(last.content)) {
    yield;
    sum.update(JSON.stringify(part).slice(1, -1));
  }
  return sum.update('"]').digest('hex').slice(0, 16);
}

/** Returns the same as `hashOf`. */
function* hashInSteps(text: string | undefined): Generator<void, string | undefined> {
  if (text === undefined || text.length <= HASHED_CHARS) return hashOf(text);
  const sum = createHash('sha1');
  for (const part of partsOf(text)) {
    yield;
    sum.update(part);
  }
  return sum.digest('hex').slice(0, 16);
}

function* partsOf(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + HASHED_CHARS, text.length);
    // The halves of a pair would be two characters that are none.
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end += 1;
    yield text.slice(start, end);
    start = end;
  }
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00;
}

function withoutContent({ arguments: texts, ...facts }: ToolFacts): ToolFacts {
  const hashed = new Map<string, string>();
  for (const [key, text] of texts) {
    hashed.set(key.length > MAX_KEY_CHARS ? fingerprint(key) : key.toWellFormed(), fingerprint(text));
  }
  return { ...facts, scope: facts.scope.toWellFormed(), arguments: hashed };
}

/** Returns the log of a span as `same-call.ts` compares it. `parent` is the nearest ancestor that is a log by itself. */
export function toCallSpan(
  { spanId, startMillis }: Skeleton,
  own: CallSummary,
  parent: CallSpan | undefined,
): CallSpan {
  const { kind, scope, endMillis, callId, model, promptTokens, outputTokens, question, answer, tool, mayBeSum } = own;
  const reading: Reading = {
    metadata: {
      ...(own.convention !== undefined && { convention: own.convention }),
      ...(own.hasCounts && { [COUNTS_OF]: spanId }),
    },
    contentMetadata: { [spanId]: true },
  };
  if (callId !== undefined) reading.callId = callId;
  if (model !== undefined) reading.model = model;
  if (promptTokens !== undefined) reading.promptTokens = promptTokens;
  if (outputTokens !== undefined) reading.outputTokens = outputTokens;
  if (own.hasMessages) reading.messages = question === undefined ? [] : [{ role: 'user', content: question }];
  if (answer !== undefined) reading.output = answer;
  if (own.hasError) reading.error = { type: spanId };
  return { spanId, parent, kind, reading, scope, startMillis: Math.floor(startMillis), endMillis, tool, mayBeSum };
}

/** Returns how the content of a corrected log is put together. */
export function recipeOf(spanId: string, own: CallSummary, { kind, reading }: Correction): Recipe | undefined {
  // What was filled in last stands first.
  const fillers = Object.keys(reading.contentMetadata ?? {})
    .filter((id) => id !== spanId)
    .reverse();
  const usage = reading.metadata?.['usage'] as Record<string, unknown> | undefined;
  const countsOf = (usage ?? reading.metadata)?.[COUNTS_OF] as string | undefined;
  const errorOf = reading.error?.type;
  const isWrapper = usage !== undefined || kind !== own.kind;
  const usageOf = countsOf === spanId ? undefined : countsOf;
  if (fillers.length === 0 && usageOf === undefined && !isWrapper) return undefined;
  return {
    ...{ fillers, usageOf, errorOf, isWrapper },
    ...{ calledBy: undefined, model: undefined, provider: undefined, hasEvents: false },
  };
}
