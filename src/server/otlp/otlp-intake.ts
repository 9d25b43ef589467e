/**
 * Takes spans and log events from any sender and in any order, and writes the logs that the exporter would send for
 * them. It needs no HTTP, and keeps nothing that the store does not have: `TreeMemo` only spares reading it again.
 */
import type { Convention } from '../../conventions/convention.ts';
import { checkOptions, type OptionCheck } from '../../errors.ts';
import type { SpanEvent } from '../../otel/span-slice.ts';
import type { Store } from '../store/store.ts';
import { Batches } from './batches.ts';
import type { LogPlacing, OtlpIntake, ReceivedEvent, ReceivedSpan } from './decoding/received.ts';
import { anyTimeKey, JUDGE, Reporters } from './linking/call-keys.ts';
import { linkTraces } from './linking/link-traces.ts';
import { TreeMemo } from './linking/skeletons/tree-memo.ts';
import { writeLongContent } from './long-content.ts';
import { type ReadArrival, type ReadEvent, type ReadSettings, readArrival, readEvent } from './read-arrivals.ts';
import { belowCallers, tracesOfCallers, tracesOfStrangers } from './strangers.ts';

export interface OtlpIntakeOptions {
  /** `false` stores structure, tokens and timing only. Default: `true`. */
  readonly captureContent?: boolean;
  /** `source` of the logs. Default: `opentelemetry`. */
  readonly source?: string;
  /** The vocabularies to read, most specific first. Default: all. */
  readonly conventions?: readonly Convention[];
  /** How long a trace is remembered after its last span, so that later ones find their place. Default: 2. */
  readonly traceMemoryDays?: number;
  /** Called with failures that no request is answered with. */
  readonly onError?: (error: unknown) => void;
}

export interface ClosableIntake extends OtlpIntake, LogPlacing {
  /** Stops the forgetting of old traces. Requests that are under way go on. Idempotent. */
  close(): void;
}

const DAY_MILLIS = 24 * 3_600_000;
const FORGET_EACH_MILLIS = 3_600_000;
/** A server that has just started has other things to do. */
const FORGET_FIRST_MILLIS = 60_000;
const SLICE_MILLIS = 4;
const NOTHING = { spans: [], events: [], judgements: [] };

const CHECKS: Readonly<Record<keyof OtlpIntakeOptions, OptionCheck>> = {
  captureContent: ['true or false', (value) => typeof value === 'boolean'],
  source: ['a non-empty string', (value) => typeof value === 'string' && value !== ''],
  conventions: ['a list of conventions', Array.isArray],
  traceMemoryDays: ['a number of days above 0', (value) => typeof value === 'number' && value > 0],
  onError: ['a function', (value) => typeof value === 'function'],
};

/** @throws {HumanloopError} on an unknown or wrong option. */
export function createOtlpIntake(
  store: Pick<Store, 'ingest' | 'findCalls' | 'findTraces' | 'forgetTraces'>,
  options: OtlpIntakeOptions = {},
): ClosableIntake {
  checkOptions(options, CHECKS);
  const { captureContent = true, source = 'opentelemetry', conventions, traceMemoryDays = 2, onError } = options;
  const trees = new TreeMemo();
  /** Whether spans come by OTLP at all. If not, what other processes did is not known here, and nothing can be below it. */
  let isUsed = false;
  const settings: ReadSettings = { captureContent, source, conventions, reporters: new Reporters() };

  const forget = (): void => {
    store.forgetTraces(Date.now() - traceMemoryDays * DAY_MILLIS).catch((error: unknown) => onError?.(error));
  };
  const timer = setInterval(forget, FORGET_EACH_MILLIS);
  timer.unref();
  const first = setTimeout(forget, FORGET_FIRST_MILLIS);
  first.unref();

  return {
    takeSpans: async (spans) => {
      isUsed = true;
      const batches = new Batches(store, trees);
      await inSlices(spans, (span) => takeSpan(span, batches, settings));
      return batches.write();
    },

    takeEvents: async (events) => {
      const batches = new Batches(store, trees);
      const unplaced: JudgementOfCall[] = [];
      await inSlices(events, function* (event) {
        yield takeEvent(event, batches, settings, unplaced);
      });
      if (unplaced.length > 0) await placeJudgements(unplaced, store, batches);
      return batches.write();
    },

    nameParents: async (requests) => {
      const named = tracesOfCallers(requests);
      if (named.length === 0) return requests;
      const known = isUsed ? undefined : new Set(await store.findTraces(named));
      if (known?.size === 0) return requests;
      isUsed = true;
      return belowCallers(requests, known);
    },

    placeLogs: async (requests) => {
      const traceIds = [...(await store.findTraces(tracesOfStrangers(requests)))].sort();
      if (traceIds.length === 0) return;
      const traces = traceIds.map((traceId) => ({ traceId, ...NOTHING, hasStrangers: true }));
      await store.ingest(traceIds, linkTraces(traces, trees).work);
    },

    close: () => {
      clearInterval(timer);
      clearTimeout(first);
    },
  };
}

/** Yields between steps, and a promise where the next one has to wait for it. */
type Steps = Generator<unknown>;

function* takeSpan(span: ReceivedSpan, batches: Batches, settings: ReadSettings): Steps {
  let read: ReadArrival;
  try {
    read = yield* readArrival(span, settings);
  } catch (error) {
    batches.reject(`a span cannot be read (${error instanceof Error ? error.message : error})`);
    return;
  }
  if (!read) return batches.reject('a span has no trace id of 32 hexadecimal digits, or no span id of 16');
  const { log } = read.arrival;
  if (log && settings.captureContent) yield writeLongContent(log.reading);
  batches.of(read.traceId).spans.push(read.arrival);
  for (const { traceId, judgement } of read.judgements) batches.of(traceId).judgements.push(judgement);
}

type JudgementOfCall = Extract<ReadEvent, { kind: 'judgement of a call' }>;

/** Judgements that name no span are of a call that is known by the id of its answer, or of none. */
async function placeJudgements(
  judgements: readonly JudgementOfCall[],
  store: Pick<Store, 'findCalls'>,
  batches: Batches,
): Promise<void> {
  const found = await store.findCalls(judgements.map(({ callId }) => anyTimeKey(callId)));
  const calls = new Map(found.filter(({ reporter }) => reporter !== JUDGE).map((call) => [call.key, call.referenceId]));
  for (const { callId, feedback } of judgements) {
    const referenceId = calls.get(callId);
    if (referenceId === undefined)
      batches.reject('an evaluation names no span, and no call with its response id is known');
    else batches.of(referenceId.slice(0, 32)).judgements.push({ spanId: referenceId.slice(33), callId, feedback });
  }
}

function takeEvent(event: ReceivedEvent, batches: Batches, settings: ReadSettings, unplaced: JudgementOfCall[]): void {
  const read = readEvent(event, settings);
  if (!read) return batches.passOver();
  if (read.kind === 'fault') return batches.reject(read.message);
  if (read.kind === 'judgement of a call') {
    unplaced.push(read);
    return;
  }
  if (read.kind === 'judgement') {
    batches.of(read.traced.traceId).judgements.push(read.traced.judgement);
    return;
  }
  // It has nothing but content.
  if (!settings.captureContent) return batches.passOver();
  const { attributes, body, time } = event;
  const joined: SpanEvent = {
    name: read.name,
    attributes: body === undefined ? attributes : { ...attributes, body },
    time,
  };
  batches.of(read.traceId).events.push({ spanId: read.spanId, event: joined });
}

/** Works on each item, step by step, and lets other work of the process run in between. */
async function inSlices<Item>(items: readonly Item[], work: (item: Item) => Steps): Promise<void> {
  let untilMillis = performance.now() + SLICE_MILLIS;
  for (const item of items) {
    const steps = work(item);
    for (let isDone = false; !isDone; ) {
      const step = steps.next();
      isDone = step.done ?? false;
      if (step.value instanceof Promise) await step.value;
      if (performance.now() < untilMillis) continue;
      await new Promise((resolve) => setImmediate(resolve));
      untilMillis = performance.now() + SLICE_MILLIS;
    }
  }
}
