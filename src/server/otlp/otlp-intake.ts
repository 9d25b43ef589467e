/**
 * Takes spans and log events from any sender and in any order, and writes the logs that the exporter would send for
 * them. It needs no HTTP, and keeps nothing that the store does not have: `TreeMemo` only spares reading it again.
 */
import type { Convention } from '../../conventions/convention.ts';
import { checkOptions, type OptionCheck } from '../../errors.ts';
import type { SpanEvent } from '../../otel/span-slice.ts';
import type { Store } from '../store/store.ts';
import { joinArrivals } from './join-arrivals.ts';
import type { Arrival, ArrivedEvent, Judgement } from './linking/arrival.ts';
import { anyTimeKey, JUDGE, Reporters } from './linking/call-keys.ts';
import { linkTraces, type TraceArrivals } from './linking/link-traces.ts';
import { TreeMemo } from './linking/tree-memo.ts';
import { type ReadEvent, type ReadSettings, readArrival, readEvent } from './read-arrivals.ts';
import type { IntakeResult, LogPlacing, OtlpIntake, ReceivedEvent, ReceivedSpan } from './received.ts';
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
/**
 * Spans of one transaction, more or less. Cuts make no difference to what is stored, so a large request is cut, too: no
 * other write then waits long.
 */
const SPANS_AT_ONCE = 200;
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
      return batches.finish();
    },

    takeEvents: async (events) => {
      const batches = new Batches(store, trees);
      const unplaced: JudgementOfCall[] = [];
      await inSlices(events, (event) => takeEvent(event, batches, settings, unplaced));
      if (unplaced.length > 0) await placeJudgements(unplaced, store, batches);
      return batches.finish();
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

function takeSpan(span: ReceivedSpan, batches: Batches, settings: ReadSettings): void {
  let read: ReturnType<typeof readArrival>;
  try {
    read = readArrival(span, settings);
  } catch (error) {
    batches.reject(`a span cannot be read (${error instanceof Error ? error.message : error})`);
    return;
  }
  if (!read) return batches.reject('a span has no trace id of 32 hexadecimal digits, or no span id of 16');
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
  if (!read) return;
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
  if (!settings.captureContent) return;
  const { attributes, body, time } = event;
  const joined: SpanEvent = {
    name: read.name,
    attributes: body === undefined ? attributes : { ...attributes, body },
    time,
  };
  batches.of(read.traceId).events.push({ spanId: read.spanId, event: joined });
}

interface Batch extends TraceArrivals {
  readonly spans: Arrival[];
  readonly events: ArrivedEvent[];
  readonly judgements: Judgement[];
}

/** Gathers what has come by trace, and writes it in transactions of about the same size. */
class Batches {
  readonly #store: Pick<Store, 'ingest' | 'findCalls'>;
  readonly #trees: TreeMemo;
  #traces = new Map<string, Batch>();
  #size = 0;
  readonly #writes: Promise<void>[] = [];
  #last: Promise<void> = Promise.resolve();
  #rejected = 0;
  #message: string | undefined;

  constructor(store: Pick<Store, 'ingest' | 'findCalls'>, trees: TreeMemo) {
    this.#store = store;
    this.#trees = trees;
  }

  /** Returns what has come of a trace, to add one more thing to it. */
  of(traceId: string): Batch {
    if (this.#size >= SPANS_AT_ONCE) this.#write();
    this.#size++;
    let batch = this.#traces.get(traceId);
    if (!batch) {
      batch = { traceId, spans: [], events: [], judgements: [] };
      this.#traces.set(traceId, batch);
    }
    return batch;
  }

  reject(message: string): void {
    this.#rejected++;
    this.#message ??= message;
  }

  /** Resolves when all is committed. */
  async finish(): Promise<IntakeResult> {
    this.#write();
    const results = await Promise.allSettled(this.#writes);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    if (this.#message === undefined) return { rejected: 0 };
    const others = this.#rejected - 1;
    return { rejected: this.#rejected, message: this.#message + (others > 0 ? `, and ${others} more` : '') };
  }

  #write(): void {
    if (this.#size === 0) return;
    const batches = [...this.#traces.values()];
    this.#traces = new Map();
    this.#size = 0;
    // The writes of others find their place between two of them. After one that fails, the rest is not tried.
    const write = this.#last.then(() => this.#ingest(batches));
    this.#last = write;
    // One that fails before all of the request is read would otherwise end the process: `finish` is not there yet.
    write.catch(() => {});
    this.#writes.push(write);
  }

  async #ingest(batches: readonly Batch[]): Promise<void> {
    const traceIds = batches.map(({ traceId }) => traceId).sort();
    const { work, findings } = linkTraces(batches, this.#trees);
    const unstored = await this.#store.ingest(traceIds, work);
    const { faults, ...found } = findings();
    const unjoined = await joinArrivals(this.#store, this.#trees, found);
    for (const { referenceId, message } of [...faults, ...unstored, ...unjoined])
      this.reject(`${referenceId}: ${message}`);
  }
}

/** Works on each item, and lets other work of the process run in between. */
async function inSlices<Item>(items: readonly Item[], work: (item: Item) => void): Promise<void> {
  let untilMillis = performance.now() + SLICE_MILLIS;
  for (const item of items) {
    work(item);
    if (performance.now() < untilMillis) continue;
    await new Promise((resolve) => setImmediate(resolve));
    untilMillis = performance.now() + SLICE_MILLIS;
  }
}
