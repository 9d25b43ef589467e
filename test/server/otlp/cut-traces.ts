/** Traces that are cut into requests, which come in any order and again; and what is compared of the logs in the end. */
import fc from 'fast-check';
import type { SpanSlice } from '../../../src/otel/span-slice.ts';
import type { LogRequest, LogResponse } from '../../../src/wire/v4.ts';
import { plannedTrace, spansOf } from './planned-trace.ts';

const TRACES = ['a'.repeat(32), 'b'.repeat(32)];

export const scenario = fc.record({
  traces: fc.array(plannedTrace(), { minLength: 1, maxLength: TRACES.length }),
  /** Decides in which order the spans come. */
  ranks: fc.array(fc.nat(99), { minLength: 24, maxLength: 24 }),
  /** By how much a child comes before its parent. */
  childrenFirst: fc.constantFrom(0, 100, 1_000),
  /** Sizes of the requests, over and over. */
  cuts: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 }),
  /** Requests that come again, later. */
  repeats: fc.array(fc.nat(30), { maxLength: 3 }),
  /** Spans that are also reported while they run, each in one of the requests; with or without what says that it is a log. */
  unfinished: fc.array(fc.tuple(fc.nat(30), fc.nat(30), fc.boolean()), { maxLength: 3 }),
  /** A server is killed at these requests. */
  kills: fc.array(fc.nat(10), { maxLength: 2 }),
});

export type Scenario = typeof scenario extends fc.Arbitrary<infer Value> ? Value : never;

export function spansOfAll({ traces }: Pick<Scenario, 'traces'>): SpanSlice[] {
  return traces.flatMap((planned, index) => spansOf(TRACES[index] as string, planned));
}

export function requestsOf(
  { ranks, childrenFirst, cuts, repeats, unfinished }: Scenario,
  spans: readonly SpanSlice[],
): SpanSlice[][] {
  const places = spans.map((span, index) => ({ span, rank: (ranks[index] as number) - childrenFirst * index }));
  const left = places.sort((a, b) => a.rank - b.rank).map(({ span }) => span);
  const requests: SpanSlice[][] = [];
  while (left.length > 0) requests.push(left.splice(0, cuts[requests.length % cuts.length]));
  for (const [index, place, isLog] of unfinished) {
    const span = unfinishedOf(spans[index % spans.length] as SpanSlice, isLog);
    const request = requests[place % requests.length] as SpanSlice[];
    if (place % 2 === 0) request.push(span);
    else request.unshift(span);
  }
  for (const repeat of repeats) requests.push(requests[repeat % requests.length] as SpanSlice[]);
  return requests;
}

const NO_TIME: [number, number] = [Number.NaN, Number.NaN];
const KNOWN_LATE = /messages|usage|response|result|output|cost/;

/** What an SDK reports of a span that runs. */
function unfinishedOf(span: SpanSlice, isLog: boolean): SpanSlice {
  const known = Object.entries(span.attributes).filter(([key]) => isLog && !KNOWN_LATE.test(key));
  return {
    ...span,
    ...{ endTime: NO_TIME, duration: NO_TIME, status: { code: 0 }, events: [] },
    attributes: Object.fromEntries(known),
  };
}

const FIELDS = [
  ...['session_reference_id', 'project', 'config', 'inputs', 'messages', 'output', 'output_message', 'error'],
  ...['prompt_tokens', 'output_tokens', 'prompt_cost', 'output_cost', 'metadata', 'source', 'environment'],
  ...['created_at', 'duration'],
] as const;

/** Returns what is compared. A parent that is no log is none. */
export function comparable(logs: ReadonlyMap<string, LogRequest | LogResponse>, withoutDates = false): unknown {
  const all = [...logs].map(([reference, log]) => {
    const parent = log.parent_reference_id ?? undefined;
    const fields = FIELDS.map((field) => [field, (log as Record<string, unknown>)[field] ?? undefined] as const);
    const said = Object.fromEntries(fields.filter(([field]) => !withoutDates || field !== 'created_at'));
    const { id: _id, status: _status, ...config } = said['config'] as Record<string, unknown>;
    return [reference, { ...said, config, parent: parent && logs.has(parent) ? parent : undefined }];
  });
  return Object.fromEntries(all.sort());
}
