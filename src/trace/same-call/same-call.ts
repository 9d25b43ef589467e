/**
 * Makes one call of a model one model log, with its tokens counted once.
 *
 * Several spans can report one call: a framework's span around the client library's, two instrumentations of one
 * client, a sum around the calls of a loop. Each alone looks like a call. Compared with the others:
 * - an LLM span with the call in LLM spans below it is a wrapper: an agent if tools ran below it, else generic;
 * - it is a call of its own if it has a response id or usage that nothing below it has, or if the same instrumentation
 *   reports other questions and answers below it, as for agents that hand over to others;
 * - of two spans of the same call, the one with the messages stays the call;
 * - the counts of a wrapper are sums and go to `metadata.usage`.
 *
 * It is pure, and linear in the number of spans except for sorting them and merging sets, smaller into larger.
 */
import type { Reading } from '../../conventions/convention.ts';
import {
  agreeOnModel,
  answerOf,
  type CallSpan,
  type Correction,
  hasUsage,
  isOtherCall,
  saysMore,
  withoutOwnUsage,
  withUsageOf,
} from './call-span.ts';
import { findDuplicates } from './find-duplicates.ts';

/** A span with more calls below it is a wrapper without further comparison. */
const MAX_COMPARED = 64;

/** The calls below a span. */
interface Below {
  calls: CallSpan[];
  ids: Set<string>;
  /** The token counts of each call, as text. */
  usages: Set<string>;
  promptTokens: number;
  outputTokens: number;
  hasTools: boolean;
}

/**
 * Returns the logs whose kind or reading differs from what their span alone says. `spans` are the logs of one trace, or
 * some of them with all that is below each; their order does not matter.
 */
export function resolveDuplicates<Span extends CallSpan>(spans: readonly Span[]): Map<CallSpan, Correction> {
  const corrections = new Map<CallSpan, Correction>();
  const below = new Map<CallSpan, Below>();
  const calls = new Set<CallSpan>();
  for (const span of childrenFirst([...spans].sort(byTime))) {
    const under = below.get(span);
    below.delete(span);
    const passedOn = judge(span, under, corrections, calls);
    const { parent } = span;
    if (passedOn && parent) below.set(parent, merge(below.get(parent), passedOn));
  }
  for (const { kept, duplicate } of findDuplicates([...calls])) {
    keepCall(kept, duplicate, corrections);
    demote(duplicate, false, corrections);
  }
  return corrections;
}

/** Makes pairing deterministic: the order of the input does not matter. */
function byTime(first: CallSpan, second: CallSpan): number {
  return first.startMillis - second.startMillis || (first.spanId < second.spanId ? -1 : 1);
}

/** Decides about one span after all spans below it, and returns the calls that its parent then has below it. */
function judge(
  span: CallSpan,
  under: Below | undefined,
  corrections: Map<CallSpan, Correction>,
  calls: Set<CallSpan>,
): Below | undefined {
  const { kind, reading } = span;
  if (kind === 'tool') return { ...(under ?? emptyBelow()), hasTools: true };
  if (kind === 'model') {
    if (!under || under.calls.length === 0) {
      calls.add(span);
      return withCall(under, span);
    }
    const isOther = under.calls.length <= MAX_COMPARED && under.calls.every((call) => isOtherCall(span, call));
    const inner = under.calls.length === 1 && !isOther ? under.calls[0] : undefined;
    if (inner && isSameCall(reading, inner.reading)) {
      if (!saysMore(reading, inner.reading)) {
        keepCall(inner, span, corrections);
        demote(span, under.hasTools, corrections);
        return under;
      }
      keepCall(span, inner, corrections);
      demote(inner, false, corrections);
      calls.delete(inner);
      calls.add(span);
      return withCall({ ...emptyBelow(), hasTools: under.hasTools }, span);
    }
    if (isOther || hasOwnCall(reading, under)) {
      calls.add(span);
      return withCall(under, span);
    }
    demote(span, under.hasTools, corrections);
    return under;
  }
  if (kind === 'generic' && hasUsage(reading)) {
    if (!under || (under.calls.length === 0 && under.usages.size === 0))
      return withUsage(under ?? emptyBelow(), reading);
    corrections.set(span, { kind, reading: withoutOwnUsage(reading) });
  }
  return under;
}

/** Compares a span with the only call below it. What both say must agree; what only one says is ignored. */
function isSameCall(outer: Reading, inner: Reading): boolean {
  if (!agreeOnModel(outer, inner)) return false;
  if (outer.callId !== undefined && inner.callId !== undefined) return outer.callId === inner.callId;
  if (hasUsage(outer) && hasUsage(inner)) {
    // Instrumentations differ on whether cached input counts, never on the output.
    return outer.outputTokens === inner.outputTokens;
  }
  const [asked, given] = [answerOf(outer), answerOf(inner)];
  return asked === undefined || given === undefined || asked === given;
}

function hasOwnCall(reading: Reading, under: Below): boolean {
  const { callId, promptTokens, outputTokens } = reading;
  if (callId !== undefined && under.ids.size > 0) return !under.ids.has(callId);
  if (!hasUsage(reading)) return callId !== undefined && under.ids.size === 0 && under.usages.size === 0;
  if (under.usages.has(usageText(reading))) return false;
  return promptTokens !== under.promptTokens && outputTokens !== under.outputTokens;
}

/** Makes the span a wrapper, which is not a call. */
function demote(span: CallSpan, ranTools: boolean, corrections: Map<CallSpan, Correction>): void {
  const { reading } = corrections.get(span) ?? span;
  corrections.set(span, { kind: ranTools ? 'agent' : 'generic', reading: withoutOwnUsage(reading) });
}

function keepCall(span: CallSpan, duplicate: CallSpan, corrections: Map<CallSpan, Correction>): void {
  const { reading } = corrections.get(span) ?? span;
  const whole = withUsageOf(reading, duplicate.reading);
  if (whole !== reading) corrections.set(span, { kind: span.kind, reading: whole });
}

function emptyBelow(): Below {
  return {
    calls: [],
    ids: new Set(),
    usages: new Set(),
    promptTokens: 0,
    outputTokens: 0,
    hasTools: false,
  };
}

function withCall(under: Below | undefined, span: CallSpan): Below {
  const result = withUsage(under ?? emptyBelow(), span.reading);
  result.calls.push(span);
  if (span.reading.callId !== undefined) result.ids.add(span.reading.callId);
  return result;
}

function withUsage(under: Below, reading: Reading): Below {
  if (!hasUsage(reading)) return under;
  under.usages.add(usageText(reading));
  under.promptTokens += reading.promptTokens ?? 0;
  under.outputTokens += reading.outputTokens ?? 0;
  return under;
}

function usageText({ promptTokens, outputTokens }: Reading): string {
  return `${promptTokens}/${outputTokens}`;
}

function merge(first: Below | undefined, second: Below): Below {
  if (!first) return second;
  return {
    calls: concat(first.calls, second.calls),
    ids: union(first.ids, second.ids),
    usages: union(first.usages, second.usages),
    promptTokens: first.promptTokens + second.promptTokens,
    outputTokens: first.outputTokens + second.outputTokens,
    hasTools: first.hasTools || second.hasTools,
  };
}

function concat(first: CallSpan[], second: CallSpan[]): CallSpan[] {
  const [small, large] = first.length < second.length ? [first, second] : [second, first];
  for (const call of small) large.push(call);
  return large;
}

function union(first: Set<string>, second: Set<string>): Set<string> {
  const [small, large] = first.size < second.size ? [first, second] : [second, first];
  for (const item of small) large.add(item);
  return large;
}

/** Sorts children before parents. Includes ancestors that are not among the spans. */
function childrenFirst(spans: readonly CallSpan[]): CallSpan[] {
  const seen = new Set<CallSpan>();
  const order: CallSpan[] = [];
  for (const span of spans) {
    const path: CallSpan[] = [];
    for (let step: CallSpan | undefined = span; step && !seen.has(step); step = step.parent) {
      seen.add(step);
      path.push(step);
    }
    order.push(...path.reverse());
  }
  return order.reverse();
}
