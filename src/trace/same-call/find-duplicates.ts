/**
 * Finds pairs of spans in which two unrelated instrumentations report one call. LangChain's callbacks are never the
 * active span, so the span of the client library is beside theirs and not below it.
 *
 * A pair comes from different instrumentations, one span lies within the time of the other, and both have the same
 * response id. If not both have an id, they have the same model and answer, or the same question if one has no answer.
 */
import type { Reading } from '../../conventions/convention.ts';
import { agreeOnModel, answerOf, type CallSpan, questionOf, saysMore } from './call-span.ts';

export interface DuplicatePair {
  readonly kept: CallSpan;
  readonly duplicate: CallSpan;
}

/** The clocks of two spans of one call may differ by this much. */
export const TOLERANCE_MILLIS = 2;
/** At most this many simultaneous calls with the same answer are compared. Bounds the work if all answers are equal. */
const MAX_AT_ONCE = 16;

const KEYS: readonly ((reading: Reading) => string | undefined)[] = [({ callId }) => callId, answerOf, questionOf];

/** Yields after each call. */
export function* findDuplicates(calls: readonly CallSpan[]): Generator<void, DuplicatePair[]> {
  const found: DuplicatePair[] = [];
  if (!calls.some(({ scope }) => scope !== calls[0]?.scope)) return found;
  let rest = calls.filter(({ endMillis }) => endMillis !== undefined);
  for (const keyOf of KEYS) {
    const paired = new Set<CallSpan>();
    for (const group of groupBy(rest, keyOf).values()) yield* pairUp(group, found, paired);
    rest = rest.filter((call) => !paired.has(call));
  }
  return found;
}

function groupBy(
  calls: readonly CallSpan[],
  keyOf: (reading: Reading) => string | undefined,
): ReadonlyMap<string, CallSpan[]> {
  const groups = new Map<string, CallSpan[]>();
  for (const call of calls) {
    const key = keyOf(call.reading);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group) group.push(call);
    else groups.set(key, [call]);
  }
  return groups;
}

function* pairUp(group: CallSpan[], found: DuplicatePair[], paired: Set<CallSpan>): Generator<void> {
  if (group.length < 2) return;
  let open: CallSpan[] = [];
  for (const call of group.sort((a, b) => a.startMillis - b.startMillis)) {
    yield;
    open = open.filter((other) => endOf(other) + TOLERANCE_MILLIS >= call.startMillis).slice(-MAX_AT_ONCE);
    const at = open.findIndex((other) => isSameCall(other, call));
    if (at < 0) {
      open.push(call);
      continue;
    }
    const [other] = open.splice(at, 1) as [CallSpan];
    const [outer, inner] = durationMillisOf(other) >= durationMillisOf(call) ? [other, call] : [call, other];
    const isOuterKept =
      saysMore(outer.reading, inner.reading) || (!saysMore(inner.reading, outer.reading) && isDeeper(outer, inner));
    found.push(isOuterKept ? { kept: outer, duplicate: inner } : { kept: inner, duplicate: outer });
    paired.add(outer).add(inner);
  }
}

/** Whether the first has a place in the tree of an agent or chain, and the second has none. */
function isDeeper(first: CallSpan, second: CallSpan): boolean {
  return first.parent !== undefined && second.parent === undefined;
}

function isSameCall(first: CallSpan, second: CallSpan): boolean {
  if (first.scope === second.scope || isAbove(first, second) || isAbove(second, first)) return false;
  const [a, b] = [first.reading, second.reading];
  if (a.callId !== undefined && b.callId !== undefined && a.callId !== b.callId) return false;
  if (contradict(answerOf(a), answerOf(b)) || contradict(questionOf(a), questionOf(b))) return false;
  return agreeOnModel(a, b) && (isWithin(first, second) || isWithin(second, first));
}

function contradict(first: string | undefined, second: string | undefined): boolean {
  return first !== undefined && second !== undefined && first !== second;
}

/** Nested spans were compared before, in `same-call.ts`. */
function isAbove(ancestor: CallSpan, span: CallSpan): boolean {
  let step = span.parent;
  for (let depth = 0; step && depth < 64; depth++, step = step.parent) if (step === ancestor) return true;
  return false;
}

function isWithin(outer: CallSpan, inner: CallSpan): boolean {
  return outer.startMillis <= inner.startMillis + TOLERANCE_MILLIS && endOf(outer) + TOLERANCE_MILLIS >= endOf(inner);
}

function durationMillisOf(call: CallSpan): number {
  return endOf(call) - call.startMillis;
}

function endOf({ endMillis = Number.POSITIVE_INFINITY }: CallSpan): number {
  return endMillis;
}
