/**
 * By what calls of models, and judgements of them, are found from other traces: the provider's id of the answer, which is
 * the call's wherever it is reported; and, within one service, the question.
 */

import type { Reading } from '../../../conventions/convention.ts';
import { MAX_NAME_CHARS } from '../../../conventions/values/attributes.ts';
import { millisOf } from '../../../otel/hr-time.ts';
import { type ResourceSlice, type SpanSlice, scopeOf } from '../../../otel/span-slice.ts';
import { fingerprintOf } from '../../../trace/same-call/call-facts.ts';
import { referenceIdOf } from '../../../wire/reference-id.ts';
import type { CallKey } from '../../store/ingest.ts';
import type { Arrival, Judgement } from './skeletons/arrival.ts';
import type { CallNames, Skeleton } from './skeletons/skeleton.ts';
import { hashOf } from './skeletons/summarise.ts';

/** Whoever reports a judgement, it is none of a call. */
export const JUDGE = '0'.repeat(16);
const ANY_TIME = { startMillis: 0, endMillis: Number.MAX_SAFE_INTEGER };

/** Returns undefined if the span has no times, and can be compared with none. */
export function namesOf(
  span: SpanSlice,
  { model, messages }: Reading,
  callId: string | undefined,
  reporters: Reporters,
): CallNames | undefined {
  if (!millisOf(span.startTime) || !millisOf(span.endTime)) return undefined;
  const service = serviceOf(span.resource);
  const isCompared = reporters.compareContent(service, scopeOf(span).name);
  const question = isCompared && model !== undefined ? fingerprintOf(messages?.at(-1)) : undefined;
  return {
    reporter: reporterOf(span, service),
    callId,
    question: question === undefined ? undefined : hashOf(`${service}\n${question}`),
  };
}

/** Finds calls with this id of the answer, whenever they were. */
export function anyTimeKey(callId: string): CallKey {
  return { key: callId, referenceId: '', reporter: JUDGE, ...ANY_TIME };
}

/** A key by which a call may be found, and whether it is that of its question. */
export interface OwnKey extends CallKey {
  readonly isQuestion: boolean;
}

export function keysOf(traceId: string, spans: readonly Arrival[], judgements: readonly Judgement[]): OwnKey[] {
  const keys: OwnKey[] = [];
  for (const { spanId, startMillis, log } of spans) {
    if (!log?.names || log.summary.endMillis === undefined) continue;
    const times = { startMillis: Math.floor(startMillis), endMillis: log.summary.endMillis };
    keys.push(...keysOfCall({ referenceId: referenceIdOf(traceId, spanId), ...log.names, ...times }));
  }
  for (const { spanId, callId: key } of judgements) {
    if (key !== undefined)
      keys.push({ key, referenceId: referenceIdOf(traceId, spanId), reporter: JUDGE, ...ANY_TIME, isQuestion: false });
  }
  return keys;
}

/** Returns the same for a call that has come before. */
export function keysOfSkeleton(traceId: string, { spanId, startMillis, own, names }: Skeleton): OwnKey[] {
  if (!names || own?.endMillis === undefined) return [];
  return keysOfCall({
    ...{ referenceId: referenceIdOf(traceId, spanId), reporter: names.reporter, callId: own.callId },
    ...{ question: names.question, startMillis: Math.floor(startMillis), endMillis: own.endMillis },
  });
}

export interface NamedCall extends Omit<CallKey, 'key'> {
  readonly callId: string | undefined;
  readonly question: string | undefined;
}

export function keysOfCall({ callId, question, ...named }: NamedCall): OwnKey[] {
  const keys: OwnKey[] = [];
  if (callId !== undefined) keys.push({ key: callId, ...named, isQuestion: false });
  if (question !== undefined) keys.push({ key: question, ...named, isQuestion: true });
  return keys;
}

/** Content is compared for so many calls of a service, also if all come from one instrumentation. */
const FIRST_CALLS = 100;
const MAX_SERVICES = 1_000;

/**
 * The instrumentations that report calls of models, by service. Most services have one, and all calls of it would be kept
 * for nothing: two spans of one instrumentation are never compared with those of other traces.
 */
export class Reporters {
  readonly #services = new Map<string, { readonly scopes: Set<string>; calls: number }>();

  /** Whether calls of the service may be reported twice, as far as is known. */
  compareContent(service: string, scope: string): boolean {
    let known = this.#services.get(service);
    if (!known) {
      if (this.#services.size >= MAX_SERVICES) this.#services.clear();
      known = { scopes: new Set(), calls: 0 };
      this.#services.set(service, known);
    }
    known.calls += 1;
    if (known.scopes.size < 2) known.scopes.add(scope);
    return known.scopes.size > 1 || known.calls <= FIRST_CALLS;
  }
}

/** Spans of a request share their resource. */
const services = new WeakMap<object, string>();

function serviceOf(resource: ResourceSlice | undefined): string {
  if (!resource) return '';
  const known = services.get(resource);
  if (known !== undefined) return known;
  const { attributes } = resource;
  const service = JSON.stringify(
    ['service.namespace', 'service.name', 'service.instance.id'].map((key) => nameIn(attributes[key])),
  );
  services.set(resource, service);
  return service;
}

/** Whole names are remembered and compared. */
function nameIn(value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, MAX_NAME_CHARS);
  return typeof value === 'number' ? value : null;
}

let last = { text: '', hash: '' };

function reporterOf(span: SpanSlice, service: string): string {
  const text = `${service}\n${scopeOf(span).name}`;
  if (text !== last.text) last = { text, hash: hashOf(text) as string };
  return last.hash;
}
