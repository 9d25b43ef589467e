/**
 * Makes one call of a model one model log, with its tokens counted once.
 *
 * Several spans can report one call: a framework's span around the client library's, two instrumentations of one
 * client, a sum around the calls of a loop. Each alone looks like a call. Compared with the others:
 * - an LLM span with the call in LLM spans below it is a wrapper: an agent if tools ran below it, else generic;
 * - it is a call of its own if it has a response id or usage that nothing below it has, or if the same instrumentation
 *   reports other questions and answers below it, as for agents that hand over to others;
 * - of two spans of the same call, the one with the messages stays the call. What it lacks is filled in from the other,
 *   which becomes plumbing, unless it has other logs below it, says something of its own (`bringsOwn`), or is the step
 *   that the same instrumentation has put around the call;
 * - of the spans of one tool call, one below the other, the outermost stays the log;
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
} from './call-span.ts';
import { findDuplicates } from './find-duplicates.ts';
import { bringsOwn, filledWith, withoutOwnUsage, withUsageOf } from './merge-readings.ts';
import { isSameTool } from './tool-facts.ts';

/** A span with more calls below it is a wrapper without further comparison. */
const MAX_COMPARED = 64;
/** What further spans of one call say is in no log. Bounds the work if very many lie one below the other. */
const MAX_FILLED_FROM = 64;

/** The calls below a span. */
interface Below {
  calls: CallSpan[];
  ids: Set<string>;
  /** The token counts of each call, as text. */
  usages: Set<string>;
  promptTokens: number;
  outputTokens: number;
  hasTools: boolean;
  /** Logs that are not plumbing. */
  logCount: number;
}

/**
 * Returns the logs whose kind or reading differs from what their span alone says. `spans` are the logs of one trace, or
 * some of them with all that is below each; their order does not matter.
 */
export function resolveDuplicates(spans: readonly CallSpan[]): Map<CallSpan, Correction> {
  const steps = resolveInSteps(spans);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** The same; yields after each span. */
export function* resolveInSteps(spans: readonly CallSpan[]): Generator<void, Map<CallSpan, Correction>> {
  const corrections = new Map<CallSpan, Correction>();
  const below = new Map<CallSpan, Below>();
  const calls = new Set<CallSpan>();
  /** Calls with other logs below them. */
  const parents = new Set<CallSpan>();
  const order = childrenFirst([...spans].sort(byTime));
  for (const span of order) {
    const under = below.get(span);
    below.delete(span);
    if (under && under.logCount > 0) parents.add(span);
    const passedOn = judge(span, under, corrections, calls);
    const { parent } = span;
    if (parent) below.set(parent, merge(below.get(parent), passedOn));
    yield;
  }
  for (const { kept, duplicate } of yield* findDuplicates([...calls])) {
    mergeInto(kept, duplicate, parents.has(duplicate), corrections);
    yield;
  }
  yield* mergeTools(order, corrections);
  return corrections;
}

/** Of spans of one tool call, below each other, keeps the outermost, with what it lacks filled in. */
function* mergeTools(childrenFirst: readonly CallSpan[], corrections: Map<CallSpan, Correction>): Generator<void> {
  const requests = new Map<CallSpan, CallSpan[]>();
  for (const span of childrenFirst) {
    const attempts = requests.get(span)?.sort((a, b) => endOf(b) - endOf(a)) ?? [];
    for (const [index, attempt] of attempts.entries()) {
      const { reading } = corrections.get(attempt) ?? attempt;
      // Only the last attempt decides whether the tool failed.
      const { error: _error, ...rest } = reading;
      const filled = filledWith((corrections.get(span) ?? span).reading, index === 0 ? reading : rest);
      corrections.set(span, { kind: span.kind, reading: filled });
      corrections.set(attempt, { kind: 'plumbing', reading, keeper: span });
    }
    yield;
    const { parent } = span;
    if (!span.tool || !parent?.tool || !isSameTool(parent.tool, span.tool)) continue;
    const list = requests.get(parent);
    if (list) list.push(span);
    else requests.set(parent, [span]);
  }
}

function endOf({ endMillis = Number.POSITIVE_INFINITY }: CallSpan): number {
  return endMillis;
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
): Below {
  const passedOn = passOn(span, under ?? emptyBelow(), corrections, calls);
  if (corrections.get(span)?.kind !== 'plumbing') passedOn.logCount++;
  return passedOn;
}

function passOn(span: CallSpan, under: Below, corrections: Map<CallSpan, Correction>, calls: Set<CallSpan>): Below {
  const { kind, reading } = span;
  if (kind === 'tool') {
    under.hasTools = true;
    return under;
  }
  if (kind === 'model') {
    if (under.calls.length === 0) {
      calls.add(span);
      return withCall(under, span);
    }
    const isOther = under.calls.length <= MAX_COMPARED && under.calls.every((call) => isOtherCall(span, call));
    const inner = under.calls.length === 1 && !isOther ? under.calls[0] : undefined;
    if (inner && isSameCall(reading, inner.reading)) {
      if (!saysMore(reading, inner.reading)) {
        if (under.hasTools) {
          keepCall(inner, span, corrections);
          demote(span, true, corrections);
        } else {
          mergeInto(inner, span, under.logCount > 1, corrections);
        }
        return under;
      }
      mergeInto(span, inner, false, corrections);
      calls.delete(inner);
      calls.add(span);
      const logCount = under.logCount - (corrections.get(inner)?.kind === 'plumbing' ? 1 : 0);
      return withCall({ ...emptyBelow(), hasTools: under.hasTools, logCount }, span);
    }
    if (isOther || hasOwnCall(span, under)) {
      calls.add(span);
      return withCall(under, span);
    }
    demote(span, under.hasTools, corrections);
    return under;
  }
  if (kind === 'generic' && hasUsage(reading)) {
    if (under.calls.length === 0 && under.usages.size === 0) return withUsage(under, reading);
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

function hasOwnCall(span: CallSpan, under: Below): boolean {
  const { reading } = span;
  const { callId, promptTokens, outputTokens } = reading;
  if (callId !== undefined && under.ids.size > 0) return !under.ids.has(callId);
  if (!hasUsage(reading)) return callId !== undefined && under.ids.size === 0 && under.usages.size === 0;
  if (under.usages.has(usageText(reading)) || isSumOfMore(span, under)) return false;
  return promptTokens !== under.promptTokens && outputTokens !== under.outputTokens;
}

/** Whether the span has nothing but counts, and they include those below it: a step may count calls without spans, too. */
function isSumOfMore({ reading, mayBeSum }: CallSpan, under: Below): boolean {
  const { callId, promptTokens = 0, outputTokens = 0 } = reading;
  if (!mayBeSum || callId !== undefined || under.usages.size === 0) return false;
  if (reading.messages !== undefined || answerOf(reading) !== undefined) return false;
  return promptTokens >= under.promptTokens && outputTokens >= under.outputTokens;
}

/** Makes the span a wrapper, which is not a call. */
function demote(span: CallSpan, ranTools: boolean, corrections: Map<CallSpan, Correction>): void {
  const { reading } = corrections.get(span) ?? span;
  corrections.set(span, { kind: ranTools ? 'agent' : 'generic', reading: withoutOwnUsage(reading) });
}

/** Of two spans of the same call, makes one the log of it, and the other plumbing unless it says something of its own. */
function mergeInto(
  kept: CallSpan,
  duplicate: CallSpan,
  hasOtherLogs: boolean,
  corrections: Map<CallSpan, Correction>,
): void {
  const [{ reading }, { reading: other }] = [corrections.get(kept) ?? kept, corrections.get(duplicate) ?? duplicate];
  const isStep = kept.scope === duplicate.scope && kept.parent === duplicate;
  if (hasOtherLogs || isStep || bringsOwn(other, reading)) {
    keepCall(kept, duplicate, corrections);
    demote(duplicate, false, corrections);
    return;
  }
  const sourceCount = filledFrom(kept, corrections) + 1 + filledFrom(duplicate, corrections);
  if (sourceCount <= MAX_FILLED_FROM) {
    corrections.set(kept, { kind: kept.kind, reading: filledWith(reading, other), filledFrom: sourceCount });
  }
  corrections.set(duplicate, { kind: 'plumbing', reading: other, keeper: kept });
}

function filledFrom(span: CallSpan, corrections: ReadonlyMap<CallSpan, Correction>): number {
  return corrections.get(span)?.filledFrom ?? 0;
}

function keepCall(span: CallSpan, duplicate: CallSpan, corrections: Map<CallSpan, Correction>): void {
  const { reading } = corrections.get(span) ?? span;
  const whole = withUsageOf(reading, duplicate.reading);
  if (whole !== reading) corrections.set(span, { ...corrections.get(span), kind: span.kind, reading: whole });
}

const NO_SUMS = { promptTokens: 0, outputTokens: 0, hasTools: false, logCount: 0 };

function emptyBelow(): Below {
  return { calls: [], ids: new Set(), usages: new Set(), ...NO_SUMS };
}

function withCall(under: Below, span: CallSpan): Below {
  const result = withUsage(under, span.reading);
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
    logCount: first.logCount + second.logCount,
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
