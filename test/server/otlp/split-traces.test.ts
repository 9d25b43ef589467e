/**
 * However a trace is cut into requests, in whatever order they come, how often, and if the server is killed between
 * them: what is stored in the end is what one request with all spans gives, and what an app's own span processor sends.
 *
 * Where the two cannot agree, the traces here have nothing of it: a call that two instrumentations report in traces of
 * their own, which only a process that sees both at once can join; ids that form a circle, which the processor cuts where
 * it is closed. A parent that never comes is named by the intake, since it may still come, and not by the processor.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resolveOptions } from '../../../src/options.ts';
import type { SpanSlice } from '../../../src/otel/span-slice.ts';
import { Pipeline } from '../../../src/pipeline/pipeline.ts';
import type { LogRequest, LogResponse } from '../../../src/wire/v4.ts';
import { PROPERTY_TIMEOUT_MILLIS, RUNS } from '../../pipeline/forests.ts';
import { StrictEndpoint } from '../../support/strict-endpoint.ts';
import { KilledServer } from './kill-server.ts';
import { plannedTrace, spansOf } from './planned-trace.ts';

const TRACES = ['a'.repeat(32), 'b'.repeat(32)];

const scenario = fc.record({
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
  /** The server is killed after these requests. */
  kills: fc.array(fc.nat(10), { maxLength: 2 }),
});

type Scenario = typeof scenario extends fc.Arbitrary<infer Value> ? Value : never;

test('any cut of any traces gives the logs of one request, and those of the span processor', {
  timeout: 4 * PROPERTY_TIMEOUT_MILLIS,
}, async () => {
  const property = fc.asyncProperty(scenario, async (plan) => {
    const spans = plan.traces.flatMap((planned, index) => spansOf(TRACES[index] as string, planned));
    const whole = await KilledServer.start();
    const cut = await KilledServer.start();
    try {
      await whole.take(spans);
      const requests = requestsOf(plan, spans);
      for (const [index, request] of requests.entries()) {
        expect(await cut.take(request)).toEqual({ rejected: 0 });
        if (plan.kills.includes(index)) await cut.kill();
      }
      const [expected, found] = [await whole.logs(), await cut.logs()];
      expect(comparable(found)).toEqual(comparable(expected));
      expect(sumsOf(cut)).toEqual(sumsOf(whole));
      expect(comparable(expected, true)).toEqual(comparable(await sentByProcessor(spans), true));
    } finally {
      await whole.close();
      await cut.close();
    }
  });
  await fc.assert(property, { numRuns: RUNS });
});

function requestsOf(
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
function comparable(logs: ReadonlyMap<string, LogRequest | LogResponse>, withoutDates = false): unknown {
  const all = [...logs].map(([reference, log]) => {
    const parent = log.parent_reference_id ?? undefined;
    const fields = FIELDS.map((field) => [field, (log as Record<string, unknown>)[field] ?? undefined] as const);
    const said = Object.fromEntries(fields.filter(([field]) => !withoutDates || field !== 'created_at'));
    const { id: _id, status: _status, ...config } = said['config'] as Record<string, unknown>;
    return [reference, { ...said, config, parent: parent && logs.has(parent) ? parent : undefined }];
  });
  return Object.fromEntries(all.sort());
}

/** Sums as they stand in the list of sessions; and that they are those of the logs. */
function sumsOf(server: KilledServer): unknown {
  const sums = server.query(`SELECT sessions.reference_id, logs_count, errors_count, running_count, prompt_tokens,
      output_tokens, started_at FROM session_summaries LEFT JOIN sessions ON sessions.key = session_summaries.key
    ORDER BY sessions.reference_id`);
  const counted = server.query(`SELECT sessions.reference_id, count(logs.key) AS logs_count,
      sum(error IS NOT NULL) AS errors_count FROM sessions LEFT JOIN logs ON session_key = sessions.key
    GROUP BY sessions.key ORDER BY sessions.reference_id`);
  const short = sums.map(({ reference_id, logs_count, errors_count }) => ({ reference_id, logs_count, errors_count }));
  expect(short).toEqual(counted);
  return sums.map(({ started_at: _, ...rest }) => ({
    ...rest,
    // A sum of nothing is nothing, or 0 where something was taken out.
    prompt_tokens: rest['prompt_tokens'] ?? 0,
    output_tokens: rest['output_tokens'] ?? 0,
  }));
}

async function sentByProcessor(spans: readonly SpanSlice[]): Promise<ReadonlyMap<string, LogRequest>> {
  const endpoint = new StrictEndpoint();
  const pipeline = new Pipeline(resolveOptions({ quiet: true }, {}), { awaitsUnseenParents: false }, endpoint);
  const live = spans.map((span) => ({ ...span, ended: false }));
  for (const span of live) pipeline.start(span);
  for (const span of live.reverse()) {
    span.ended = true;
    pipeline.end(span);
  }
  await pipeline.flush(20_000);
  await pipeline.shutdown(1_000);
  expect(endpoint.breaches).toEqual([]);
  return endpoint.logs;
}
