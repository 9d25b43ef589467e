/**
 * Whatever the shape of the traces, the order of the ends, the timing and the failures: every log arrives exactly
 * once, under its nearest logged ancestor, in the session of its trace, and with its final values.
 */
import { type Context, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HumanloopOptions, resolveOptions } from '../src/options.ts';
import type { SpanSlice } from '../src/otel/span-slice.ts';
import { Pipeline } from '../src/pipeline/pipeline.ts';
import type { LogRequest } from '../src/wire/v4.ts';
import { type Fault, StrictEndpoint, type StrictEndpointOptions } from './support/strict-endpoint.ts';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 40);
const STEPS = 40;
const FAULTS: readonly Fault[] = [
  'unsent',
  'lostBefore',
  'lostAfter',
  'lostHalfway',
  '429',
  '500',
  '500After',
  '503',
  'html',
  'cutAnswer',
];

interface PlannedSpan {
  /** Index of an earlier span of the trace, or -1. */
  readonly parent: number;
  readonly isLog: boolean;
  readonly isPoison: boolean;
  readonly endsAt: number;
}

const plannedSpan = fc.record({
  parent: fc.nat(),
  isLog: fc.boolean(),
  isPoison: fc.nat(4).map((dice) => dice === 0),
  endsAt: fc.nat(STEPS),
});

/** Any forest, but the first span is a root. */
const plannedTrace = fc
  .array(plannedSpan, { minLength: 1, maxLength: 14 })
  .map((spans) =>
    spans.map((span, index): PlannedSpan => ({ ...span, parent: index === 0 ? -1 : (span.parent % (index + 1)) - 1 })),
  );

const scenario = fc.record({
  traces: fc.array(plannedTrace, { minLength: 1, maxLength: 6 }),
  holdMillis: fc.constantFrom(0, 1, 5, 10_000),
  maxItems: fc.integer({ min: 1, max: 12 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
  pauses: fc.array(fc.constantFrom(0, 0, 0, 1, 3), { minLength: STEPS + 1, maxLength: STEPS + 1 }),
  flushes: fc.uniqueArray(fc.nat(STEPS), { maxLength: 3 }),
  faults: fc.array(fc.option(fc.constantFrom(...FAULTS), { freq: 3 }), { maxLength: 30 }),
  delays: fc.array(fc.constantFrom(0, 0, 1, 4), { maxLength: 30 }),
});

type Scenario = typeof scenario extends fc.Arbitrary<infer Value> ? Value : never;

describe('the pipeline, whatever comes', () => {
  it('delivers every log once, under the right parent, in the right session, with its last values', async () => {
    await property({}, ({ endpoint, pipeline, logs }) => {
      expect(pipeline.stats()).toMatchObject({ held: 0, queued: 0, inFlight: 0, dropped: {} });
      expect(endpoint.logs.size).toBe(logs.length);
      expect(pipeline.stats().logged).toBe(logs.length);
      for (const { log, planned, span, ancestors, t } of logs) {
        const parent = ancestors.find(({ isLog }) => isLog);
        expect(log?.parent_reference_id).toBe(parent?.reference);
        expect(log?.session_reference_id).toBe(`session-${t}`);
        expect(log?.output).toBe(outputOf(span));
        expect(log?.duration).toBeGreaterThanOrEqual(0);
        expect(planned.isLog).toBe(true);
      }
    });
  });

  for (const namesRefused of [true, false]) {
    it(`drops what the server refuses and nothing else, ${namesRefused ? 'when told' : 'without being told'} which`, async () => {
      const isPoison = (log: LogRequest) =>
        (log.metadata as { span_name?: string })?.span_name?.startsWith('poison') === true;
      await property({ endpoint: { refuses: isPoison, namesRefused }, faults: false }, ({ pipeline, logs }) => {
        const poison = logs.filter(({ planned }) => planned.isPoison).length;
        const { dropped, logged } = pipeline.stats();
        expect({ rejected: dropped['rejected'] ?? 0, logged }).toEqual({
          rejected: poison,
          logged: logs.length - poison,
        });
        for (const { log, planned, ancestors } of logs) {
          expect(log === undefined).toBe(planned.isPoison);
          const parent = ancestors.find(({ isLog, isPoison: isBad }) => isLog && !isBad);
          if (log) expect(log.parent_reference_id).toBe(parent?.reference);
        }
      });
    });
  }

  it('delivers every log once where spans say only at their end what they are', async () => {
    await property({ saysAtEnd: true }, ({ endpoint, logs }) => {
      expect(endpoint.logs.size).toBe(logs.length);
      for (const { log, span, ancestors } of logs) {
        expect(log?.output).toBe(outputOf(span));
        const logged = ancestors.filter(({ isLog }) => isLog).map(({ reference }) => reference);
        if (log?.parent_reference_id) expect(logged).toContain(log.parent_reference_id);
      }
    });
  });

  it('delivers every exported span once, in whatever batches they come', async () => {
    await property({ exports: true }, ({ endpoint, pipeline, logs }) => {
      expect(pipeline.stats()).toMatchObject({ held: 0, queued: 0, inFlight: 0, dropped: {} });
      for (const { log, span, ancestors } of logs) {
        expect(log?.output).toBe(outputOf(span));
        const candidates = ancestors.map(({ reference }) => reference);
        if (log?.parent_reference_id) expect(candidates).toContain(log.parent_reference_id);
      }
      // What is there beyond the logs are stubs, one for a parent that had not come.
      for (const [reference, log] of endpoint.logs) {
        if (logs.some((expected) => expected.reference === reference)) continue;
        expect(log.config).toMatchObject({ type: 'generic' });
      }
    });
  });
});

interface Variant {
  readonly endpoint?: StrictEndpointOptions;
  readonly faults?: boolean;
  readonly saysAtEnd?: boolean;
  readonly exports?: boolean;
}

interface Arrived {
  readonly t: number;
  readonly planned: PlannedSpan;
  readonly span: Span;
  readonly reference: string;
  /** Nearest first. */
  readonly ancestors: { reference: string; isLog: boolean; isPoison: boolean }[];
  readonly log: LogRequest | undefined;
}

interface Outcome {
  readonly endpoint: StrictEndpoint;
  readonly pipeline: Pipeline;
  /** All planned spans that are logs, with what arrived of them. */
  readonly logs: readonly Arrived[];
}

async function property(variant: Variant, holds: (outcome: Outcome) => void): Promise<void> {
  await fc.assert(
    fc.asyncProperty(scenario, async (planned) => {
      const outcome = await play(planned, variant);
      expect(outcome.endpoint.breaches).toEqual([]);
      holds(outcome);
      await outcome.pipeline.shutdown(1_000);
    }),
    { numRuns: RUNS, endOnFailure: process.env['PROPERTY_SHRINK'] === undefined },
  );
}

async function play(planned: Scenario, variant: Variant): Promise<Outcome> {
  const faults = variant.faults === false ? [] : [...planned.faults];
  const delays = [...planned.delays];
  const endpoint = new StrictEndpoint({
    nextFault: () => faults.shift() ?? undefined,
    nextDelayMillis: () => delays.shift() ?? 0,
    ...variant.endpoint,
  });
  const options: HumanloopOptions = {
    holdMillis: planned.holdMillis,
    batch: { maxItems: planned.maxItems },
    concurrency: planned.concurrency,
    retry: { minDelayMillis: 1, maxDelayMillis: 4, maxElapsedMillis: 60_000 },
  };
  const pipeline = new Pipeline(
    resolveOptions(options, {}),
    { awaitsUnseenParents: variant.exports === true },
    endpoint,
  );
  const spans = startAll(pipeline, planned.traces, variant);
  for (let step = 0; step <= STEPS; step++) {
    for (const [t, trace] of planned.traces.entries()) {
      for (const [s, span] of trace.entries()) if (span.endsAt === step) end(spans[t]?.[s] as Span, span, variant);
    }
    if (planned.flushes.includes(step)) void pipeline.flush(20_000);
    await pause(planned.pauses[step] ?? 0);
  }
  await pipeline.flush(20_000);
  return { endpoint, pipeline, logs: arrived(endpoint, planned.traces, spans) };
}

function startAll(pipeline: Pipeline, traces: Scenario['traces'], { exports, saysAtEnd }: Variant): Span[][] {
  let exported: SpanSlice[] = [];
  const exportAll = () => {
    for (const span of exported) pipeline.end(span);
    exported = [];
  };
  const processor = {
    onStart: (span: SpanSlice) => exports || pipeline.start(span),
    onEnd: (span: SpanSlice) => {
      if (!exports) return pipeline.end(span);
      exported.push(span);
      if (exported.length % 3 === 1) setImmediate(exportAll);
    },
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
  const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('test');
  return traces.map((planned, t) => {
    const spans: Span[] = [];
    for (const [s, span] of planned.entries()) {
      const attributes = { ...(s === 0 && { 'session.id': `session-${t}` }), ...(!saysAtEnd && kindOf(span)) };
      const name = `${span.isPoison ? 'poison' : 'span'} ${t}.${s}`;
      spans.push(tracer.startSpan(name, { attributes }, parentContext(spans, span.parent)));
    }
    return spans;
  });
}

/** A later root of the same trace has a remote parent, like a span that another process caused. */
function parentContext(spans: readonly Span[], parent: number): Context {
  const [first] = spans;
  if (!first) return ROOT_CONTEXT;
  if (parent >= 0) return trace.setSpan(ROOT_CONTEXT, spans[parent] as Span);
  return trace.setSpanContext(ROOT_CONTEXT, { ...first.spanContext(), spanId: 'ffffffffffffffff', isRemote: true });
}

function kindOf({ isLog }: PlannedSpan): Record<string, string> {
  return isLog
    ? { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' }
    : { 'http.request.method': 'GET' };
}

function end(span: Span, planned: PlannedSpan, { saysAtEnd }: Variant): void {
  if (saysAtEnd) span.setAttributes(kindOf(planned));
  if (planned.isLog) {
    const answer = [{ role: 'assistant', parts: [{ type: 'text', content: outputOf(span) }] }];
    span.setAttribute('gen_ai.output.messages', JSON.stringify(answer));
  }
  span.end();
}

function arrived(endpoint: StrictEndpoint, traces: Scenario['traces'], spans: Span[][]): Arrived[] {
  return traces.flatMap((planned, t) =>
    planned.flatMap((span, s) => {
      if (!span.isLog) return [];
      const ancestors: Arrived['ancestors'] = [];
      for (let step = span.parent; step >= 0; step = planned[step]?.parent ?? -1) {
        ancestors.push({ ...(planned[step] as PlannedSpan), reference: referenceOf(spans[t]?.[step] as Span) });
      }
      const own = spans[t]?.[s] as Span;
      const reference = referenceOf(own);
      return [{ t, planned: span, span: own, reference, ancestors, log: endpoint.logs.get(reference) }];
    }),
  );
}

function outputOf(span: Span): string {
  return `output of ${span.spanContext().spanId}`;
}

function referenceOf(span: Span): string {
  const { traceId, spanId } = span.spanContext();
  return `${traceId}-${spanId}`;
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => (millis > 0 ? setTimeout(resolve, millis) : setImmediate(resolve)));
}
