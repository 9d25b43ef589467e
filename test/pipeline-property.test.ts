/**
 * Whatever the shape of the traces, the order of the ends, the timing and the failures: every log arrives exactly
 * once, under its nearest logged ancestor, in the session of its trace, and with its final values.
 */
import { ROOT_CONTEXT, type Span, SpanKind, trace } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveOptions } from '../src/options.ts';
import { Pipeline } from '../src/pipeline.ts';
import { type Fault, StrictEndpoint } from './strict-endpoint.ts';

interface PlannedSpan {
  /** Index of an earlier span of the trace, or -1. */
  readonly parent: number;
  readonly isLog: boolean;
  readonly endsAt: number;
}

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

const plannedTrace = fc
  .array(fc.record({ parent: fc.nat(), isLog: fc.boolean(), endsAt: fc.nat(40) }), { minLength: 1, maxLength: 14 })
  .map((spans) =>
    spans.map((span, index): PlannedSpan => ({ ...span, parent: index === 0 ? -1 : (span.parent % (index + 1)) - 1 })),
  );

const scenario = fc.record({
  traces: fc.array(plannedTrace, { minLength: 1, maxLength: 6 }),
  holdMillis: fc.constantFrom(0, 1, 5, 10_000),
  maxItems: fc.integer({ min: 1, max: 12 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
  pauses: fc.array(fc.constantFrom(0, 0, 0, 1, 3), { minLength: 41, maxLength: 41 }),
  flushes: fc.uniqueArray(fc.nat(40), { maxLength: 3 }),
  faults: fc.array(fc.option(fc.constantFrom(...FAULTS), { freq: 3 }), { maxLength: 30 }),
  delays: fc.array(fc.constantFrom(0, 0, 1, 4), { maxLength: 30 }),
});

describe('the pipeline', () => {
  it('delivers every log once, under the right parent, in the right session', async () => {
    await fc.assert(
      fc.asyncProperty(
        scenario,
        async ({ traces, holdMillis, maxItems, concurrency, pauses, flushes, faults, delays }) => {
          const [faultQueue, delayQueue] = [[...faults], [...delays]];
          const endpoint = new StrictEndpoint({
            nextFault: () => faultQueue.shift() ?? undefined,
            nextDelayMillis: () => delayQueue.shift() ?? 0,
          });
          const options = resolveOptions(
            {
              holdMillis,
              batch: { maxItems },
              concurrency,
              retry: { minDelayMillis: 1, maxDelayMillis: 4, maxElapsedMillis: 60_000 },
            },
            {},
          );
          const pipeline = new Pipeline(options, { awaitsUnseenParents: false }, endpoint);
          const spans = startAll(pipeline, traces);
          for (let step = 0; step <= 40; step++) {
            for (const [t, planned] of traces.entries()) {
              for (const [s, { endsAt }] of planned.entries()) if (endsAt === step) end(spans[t]?.[s] as Span, t, s);
            }
            if (flushes.includes(step)) void pipeline.flush(20_000).catch(() => undefined);
            await new Promise((resolve) => (pauses[step] ? setTimeout(resolve, pauses[step]) : setImmediate(resolve)));
          }
          await pipeline.flush(20_000);

          expect(endpoint.breaches).toEqual([]);
          expect(pipeline.stats()).toMatchObject({ held: 0, queued: 0, inFlight: 0, dropped: {} });
          let count = 0;
          for (const [t, planned] of traces.entries()) {
            for (const [s, { isLog }] of planned.entries()) {
              const reference = referenceOf(spans[t]?.[s] as Span);
              const log = endpoint.logs.get(reference);
              expect(log !== undefined).toBe(isLog);
              if (!log) continue;
              count++;
              const parent = loggedAncestor(planned, s);
              expect(log.parent_reference_id).toBe(
                parent === undefined ? undefined : referenceOf(spans[t]?.[parent] as Span),
              );
              expect(log.session_reference_id).toBe(`session-${t}`);
              expect(log.output).toBe(`output ${t}.${s}`);
              expect(log.duration).toBeGreaterThanOrEqual(0);
            }
          }
          expect(endpoint.logs.size).toBe(count);
          expect(pipeline.stats().logged).toBe(count);
          await pipeline.shutdown(1_000);
        },
      ),
      { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 60) },
    );
  }, 120_000);
});

function startAll(pipeline: Pipeline, traces: readonly (readonly PlannedSpan[])[]): Span[][] {
  const provider = new BasicTracerProvider({
    spanProcessors: [
      {
        onStart: (span) => pipeline.start(span),
        onEnd: (span) => pipeline.end(span),
        forceFlush: async () => undefined,
        shutdown: async () => undefined,
      },
    ],
  });
  const tracer = provider.getTracer('test');
  return traces.map((planned, t) => {
    const spans: Span[] = [];
    for (const [s, { parent, isLog }] of planned.entries()) {
      const context = parent < 0 ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, spans[parent] as Span);
      const attributes = isLog
        ? { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' }
        : { 'http.request.method': 'GET' };
      const session = s === 0 ? { 'session.id': `session-${t}` } : {};
      spans.push(
        tracer.startSpan(
          `span ${s}`,
          { kind: SpanKind.CLIENT, root: parent < 0 && s === 0, attributes: { ...attributes, ...session } },
          rooted(context, spans, parent),
        ),
      );
    }
    return spans;
  });
}

/** A second root of the trace has a remote parent, as a span that another process caused has. */
function rooted(context: typeof ROOT_CONTEXT, spans: readonly Span[], parent: number): typeof ROOT_CONTEXT {
  const first = spans[0];
  if (parent >= 0 || !first) return context;
  const remote = { ...first.spanContext(), spanId: 'ffffffffffffffff', isRemote: true };
  return trace.setSpanContext(ROOT_CONTEXT, remote);
}

function end(span: Span, t: number, s: number): void {
  const answer = [{ role: 'assistant', parts: [{ type: 'text', content: `output ${t}.${s}` }] }];
  span.setAttribute('gen_ai.output.messages', JSON.stringify(answer));
  span.end();
}

function referenceOf(span: Span): string {
  const { traceId, spanId } = span.spanContext();
  return `${traceId}-${spanId}`;
}

function loggedAncestor(planned: readonly PlannedSpan[], index: number): number | undefined {
  let step = planned[index]?.parent ?? -1;
  while (step >= 0 && !planned[step]?.isLog) step = planned[step]?.parent ?? -1;
  return step < 0 ? undefined : step;
}
