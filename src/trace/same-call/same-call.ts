/**
 * One call of a model, one model log, its tokens once.
 *
 * Several spans can tell of one call: a framework's around the client library's, two instrumentations of one client, an
 * aggregate around the calls of a loop. Seen alone each of them is a call. Among the others:
 * - an LLM span with LLM spans below it is a wrapper, if they carry the call: an agent where tools ran below it, else generic;
 * - it is a call of its own if it has a response id, or usage, that nothing below it has, or if the same instrumentation
 *   tells of other questions and answers below it: agents that hand over to others nest so;
 * - of two spans of the same call, the one with the messages keeps it;
 * - a wrapper's counts are an aggregate, and stand under `metadata.usage`.
 *
 * Pure, and linear in the number of spans but for their sorting and the merging of sets, smaller into larger.
 */
import type { Reading } from '../../conventions/convention.ts';
import {
  agreeOnModel,
  answerOf,
  type CallSpan,
  hasUsage,
  isOtherCall,
  type Settled,
  tellsMore,
  withoutOwnUsage,
  withUsageOf,
} from './call-span.ts';
import { findDoubles } from './double-calls.ts';

/** A span with more calls below it is a wrapper, whatever they say. */
const MAX_COMPARED = 64;

/** What is known of the calls below a span. */
interface Below {
  calls: CallSpan[];
  ids: Set<string>;
  /** Each call's counts, as text. */
  usages: Set<string>;
  promptTokens: number;
  outputTokens: number;
  hasTools: boolean;
}

/**
 * What differs from what the spans say alone. `spans` are the logs of one trace, or of a part of it with all that is below
 * each of them; their order does not matter.
 */
export function settleCalls<Span extends CallSpan>(spans: readonly Span[]): Map<CallSpan, Settled> {
  const settled = new Map<CallSpan, Settled>();
  const below = new Map<CallSpan, Below>();
  const calls = new Set<CallSpan>();
  for (const span of childrenFirst([...spans].sort(byTime))) {
    const under = below.get(span);
    below.delete(span);
    const passedOn = judge(span, under, settled, calls);
    const { parent } = span;
    if (passedOn && parent) below.set(parent, merge(below.get(parent), passedOn));
  }
  for (const { kept, double } of findDoubles([...calls])) {
    keep(kept, double, settled);
    demote(double, false, settled);
  }
  return settled;
}

/** Where several pairs could be made, the same ones are, in whatever order the spans come. */
function byTime(first: CallSpan, second: CallSpan): number {
  return first.startMillis - second.startMillis || (first.spanId < second.spanId ? -1 : 1);
}

/** Decides on one span, with all below it decided on, and gives what its parent has below it then. */
function judge(
  span: CallSpan,
  under: Below | undefined,
  settled: Map<CallSpan, Settled>,
  calls: Set<CallSpan>,
): Below | undefined {
  const { kind, reading } = span;
  if (kind === 'tool') return { ...(under ?? nothing()), hasTools: true };
  if (kind === 'model') {
    if (!under || under.calls.length === 0) {
      calls.add(span);
      return withCall(under, span);
    }
    const isOther = under.calls.length <= MAX_COMPARED && under.calls.every((call) => isOtherCall(span, call));
    const inner = under.calls.length === 1 && !isOther ? under.calls[0] : undefined;
    if (inner && isSameCall(reading, inner.reading)) {
      if (!tellsMore(reading, inner.reading)) {
        keep(inner, span, settled);
        demote(span, under.hasTools, settled);
        return under;
      }
      keep(span, inner, settled);
      demote(inner, false, settled);
      calls.delete(inner);
      calls.add(span);
      return withCall({ ...nothing(), hasTools: under.hasTools }, span);
    }
    if (isOther || hasOwnCall(reading, under)) {
      calls.add(span);
      return withCall(under, span);
    }
    demote(span, under.hasTools, settled);
    return under;
  }
  if (kind === 'generic' && hasUsage(reading)) {
    if (!under || (under.calls.length === 0 && under.usages.size === 0)) return withUsage(under ?? nothing(), reading);
    settled.set(span, { kind, reading: withoutOwnUsage(reading) });
  }
  return under;
}

/** Of one span and the only call below it. What both say must agree; what only one says contradicts nothing. */
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

/** The span is no call after all. */
function demote(span: CallSpan, ranTools: boolean, settled: Map<CallSpan, Settled>): void {
  const { reading } = settled.get(span) ?? span;
  settled.set(span, { kind: ranTools ? 'agent' : 'generic', reading: withoutOwnUsage(reading) });
}

function keep(span: CallSpan, double: CallSpan, settled: Map<CallSpan, Settled>): void {
  const { reading } = settled.get(span) ?? span;
  const whole = withUsageOf(reading, double.reading);
  if (whole !== reading) settled.set(span, { kind: span.kind, reading: whole });
}

function nothing(): Below {
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
  const result = withUsage(under ?? nothing(), span.reading);
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
    calls: joined(first.calls, second.calls),
    ids: union(first.ids, second.ids),
    usages: union(first.usages, second.usages),
    promptTokens: first.promptTokens + second.promptTokens,
    outputTokens: first.outputTokens + second.outputTokens,
    hasTools: first.hasTools || second.hasTools,
  };
}

function joined(first: CallSpan[], second: CallSpan[]): CallSpan[] {
  const [small, large] = first.length < second.length ? [first, second] : [second, first];
  for (const call of small) large.push(call);
  return large;
}

function union(first: Set<string>, second: Set<string>): Set<string> {
  const [small, large] = first.size < second.size ? [first, second] : [second, first];
  for (const item of small) large.add(item);
  return large;
}

/** A parent that is not among the spans is passed through. */
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
