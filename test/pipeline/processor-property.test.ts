/**
 * Whatever the shape of the traces, the order of the ends, the timing and the failures: every log arrives exactly
 * once, under its nearest logged ancestor, in the session of its trace, and with its final values.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Convention } from '../../src/conventions/convention.ts';
import { CONVENTIONS } from '../../src/conventions/index.ts';
import { resolveOptions } from '../../src/options.ts';
import { Pipeline } from '../../src/pipeline/pipeline.ts';
import type { LogRequest } from '../../src/wire/v4.ts';
import { StrictEndpoint, type StrictEndpointOptions } from '../support/strict-endpoint.ts';
import {
  endSpan,
  kindOf,
  outputOf,
  type PlannedSpan,
  type PlantedSpan,
  PROPERTY_TIMEOUT_MILLIS,
  plannedTraces,
  plant,
  RUNS,
  troubleOf,
} from './forests.ts';
import { inVirtualTime, type VirtualTime } from './virtual-time.ts';

const STEPS = 40;

interface Planned extends PlannedSpan {
  readonly isPoison: boolean;
  /** The step in which the span ends. */
  readonly endsAt: number;
  /** The step in which the app sets its output. */
  readonly updatedAt: number | undefined;
}

const scenario = fc.record({
  traces: plannedTraces(
    fc.record({
      isPoison: fc.nat(4).map((dice) => dice === 0),
      endsAt: fc.nat(STEPS),
      updatedAt: fc.option(fc.nat(STEPS), { nil: undefined }),
    }),
  ),
  holdMillis: fc.constantFrom(0, 1, 5, 10_000),
  maxItems: fc.integer({ min: 1, max: 12 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
  /** After a step: a turn of the event loop, or milliseconds. Some are long enough for all that gathers. */
  pauses: fc.array(fc.constantFrom(0, 0, 0, 1, 3, 120, 350), { minLength: STEPS + 1, maxLength: STEPS + 1 }),
  flushes: fc.uniqueArray(fc.nat(STEPS), { maxLength: 3 }),
  isBusy: fc.boolean(),
  seed: fc.nat(),
});

type Scenario = typeof scenario extends fc.Arbitrary<infer Value> ? Value : never;

describe('the span processor, whatever comes', { timeout: PROPERTY_TIMEOUT_MILLIS }, () => {
  it('delivers every log once, under the right parent, in the right session, with its last values', async () => {
    await property({}, ({ endpoint, pipeline, logs }) => {
      expect(pipeline.stats()).toMatchObject({ held: 0, queued: 0, inFlight: 0, dropped: {} });
      expect([...endpoint.logs.keys()].sort()).toEqual(logs.map(({ reference }) => reference).sort());
      expect(pipeline.stats().logged).toBe(logs.length);
      for (const { reference, span, ancestors, trace } of logs) {
        const log = endpoint.logs.get(reference);
        const parent = ancestors.find(({ planned }) => planned.isLog);
        expect(log?.parent_reference_id).toBe(parent?.reference);
        expect(log?.session_reference_id).toBe(`session-${trace}`);
        expect(log?.output).toBe(outputOf(span));
        expect(log?.duration).toBeGreaterThanOrEqual(0);
      }
    });
  });

  for (const namesRefused of [true, false]) {
    it(`drops what the server refuses and nothing else, ${namesRefused ? 'when told' : 'without being told'} which`, async () => {
      const isPoison = (log: LogRequest) =>
        (log.metadata as { span_name?: string })?.span_name?.startsWith('poison') === true;
      await property(
        { endpoint: { refuses: isPoison, namesRefused }, isQuiet: true },
        ({ endpoint, pipeline, logs }) => {
          const poison = logs.filter(({ planned }) => planned.isPoison).length;
          const { dropped, logged } = pipeline.stats();
          expect({ rejected: dropped['rejected'] ?? 0, logged }).toEqual({
            rejected: poison,
            logged: logs.length - poison,
          });
          for (const { reference, planned, ancestors } of logs) {
            const log = endpoint.logs.get(reference);
            expect(log === undefined).toBe(planned.isPoison);
            const parent = ancestors.find((above) => above.planned.isLog && !above.planned.isPoison);
            if (log) expect(log.parent_reference_id).toBe(parent?.reference);
          }
        },
      );
    });
  }

  it('delivers every log once where spans say only at their end what they are', async () => {
    await property({ saysAtEnd: true }, ({ endpoint, logs }) => {
      expect(endpoint.logs.size).toBe(logs.length);
      for (const { reference, span, ancestors } of logs) {
        const log = endpoint.logs.get(reference);
        expect(log?.output).toBe(outputOf(span));
        const logged = ancestors.filter(({ planned }) => planned.isLog).map((above) => above.reference);
        if (log?.parent_reference_id) expect(logged).toContain(log.parent_reference_id);
      }
    });
  });

  for (const isShort of [true, false]) {
    it(`delivers every log once with its updates, the ${isShort ? 'short' : 'long'} way`, async () => {
      let shortReadings = 0;
      const conventions = CONVENTIONS.map((convention): Convention => {
        const { shortWay, ...rest } = convention;
        if (!isShort || !shortWay) return rest;
        return {
          ...rest,
          shortWay: {
            ...shortWay,
            read: (span, kind) => {
              const reading = shortWay.read(span, kind);
              if (reading) shortReadings++;
              return reading;
            },
          },
        };
      });
      await property({ conventions, areAgents: true, isUpdated: true }, ({ endpoint, pipeline, logs }) => {
        expect(pipeline.stats()).toMatchObject({ held: 0, queued: 0, logged: logs.length, dropped: {} });
        for (const { reference, span, planned, ancestors, trace } of logs) {
          const log = endpoint.logs.get(reference);
          const parent = ancestors.find((above) => above.planned.isLog);
          expect(log?.parent_reference_id).toBe(parent?.reference);
          expect(log?.session_reference_id).toBe(`session-${trace}`);
          expect(log?.output).toBe(planned.updatedAt === undefined ? outputOf(span) : laterOutputOf(span));
          // A log that was sent open has no messages.
          if (log?.output_message) expect(log.output_message).toEqual({ role: 'assistant', content: outputOf(span) });
        }
      });
      expect(shortReadings > 0).toBe(isShort);
    });
  }
});

function laterOutputOf(span: Parameters<typeof outputOf>[0]): string {
  return `later ${outputOf(span)}`;
}

interface Variant {
  readonly endpoint?: StrictEndpointOptions;
  /** The network does not fail. */
  readonly isQuiet?: boolean;
  readonly saysAtEnd?: boolean;
  readonly conventions?: readonly Convention[];
  /** Logs are of agents, which may be below each other and stay what they are. */
  readonly areAgents?: boolean;
  /** The app sets some outputs. */
  readonly isUpdated?: boolean;
}

interface Outcome {
  readonly endpoint: StrictEndpoint;
  readonly pipeline: Pipeline;
  /** All spans that are logs. */
  readonly logs: readonly PlantedSpan<Planned>[];
}

async function property(variant: Variant, holds: (outcome: Outcome) => void): Promise<void> {
  await fc.assert(
    fc.asyncProperty(scenario, (planned) =>
      inVirtualTime(planned, async (time) => {
        const outcome = await play(planned, variant, time);
        expect(outcome.endpoint.breaches).toEqual([]);
        holds(outcome);
        await time.until(outcome.pipeline.shutdown(1_000));
      }),
    ),
    { numRuns: RUNS },
  );
}

async function play(planned: Scenario, variant: Variant, time: VirtualTime): Promise<Outcome> {
  let planted: PlantedSpan<Planned>[] = [];
  const endpoint = new StrictEndpoint({ ...(!variant.isQuiet && troubleOf(() => planted)), ...variant.endpoint });
  const { holdMillis, maxItems, concurrency } = planned;
  const retry = { minDelayMillis: 1, maxDelayMillis: 4, maxElapsedMillis: 60_000 };
  const { conventions = CONVENTIONS } = variant;
  const options = resolveOptions({ holdMillis, batch: { maxItems }, concurrency, retry, conventions }, {});
  const pipeline = new Pipeline(options, { awaitsUnseenParents: false }, endpoint);
  const processor = {
    onStart: (span: Parameters<Pipeline['start']>[0]) => pipeline.start(span),
    onEnd: (span: Parameters<Pipeline['end']>[0]) => pipeline.end(span),
  };
  planted = plant(planned.traces, processor, (span, trace, index) => ({
    name: `${span.isPoison ? 'poison' : 'span'} ${trace}.${index}`,
    attributes: {
      ...(index === 0 && { 'session.id': `session-${trace}` }),
      ...(!variant.saysAtEnd && kindOf(span)),
      ...(variant.areAgents && span.isLog && { 'gen_ai.operation.name': 'invoke_agent' }),
    },
  })).flat();
  const flushes: Promise<void>[] = [];
  for (let step = 0; step <= STEPS; step++) {
    for (const each of planted.filter(({ planned: { endsAt } }) => endsAt === step)) {
      if (variant.saysAtEnd) each.span.setAttributes(kindOf(each.planned));
      endSpan(each);
    }
    if (variant.isUpdated) {
      for (const { span } of planted.filter(({ planned: { updatedAt, isLog } }) => isLog && updatedAt === step)) {
        const { traceId, spanId } = span.spanContext();
        pipeline.update(traceId, spanId, { output: laterOutputOf(span) });
      }
    }
    if (planned.flushes.includes(step)) flushes.push(pipeline.flush(20_000));
    await pause(time, planned.pauses[step] ?? 0);
  }
  await time.until(Promise.all([...flushes, pipeline.flush(20_000)]));
  return { endpoint, pipeline, logs: planted.filter(({ planned: { isLog } }) => isLog) };
}

async function pause(time: VirtualTime, millis: number): Promise<void> {
  await (millis > 0 ? time.pass(millis) : time.turn());
}
