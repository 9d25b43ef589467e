/**
 * However a trace is spread over services, back and forth, and over services that are traced without this package: each
 * log arrives once, and under the log under which it would be in one service. A service with an exporter cannot name its
 * own logs: those of services that it calls are under what it was given itself.
 */
import { type Context, defaultTextMapGetter, defaultTextMapSetter, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { CompositePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HumanloopPropagator, type HumanloopSpanProcessor } from '../../src/index.ts';
import { resolveOptions } from '../../src/options.ts';
import { Pipeline } from '../../src/pipeline/pipeline.ts';
import { StrictEndpoint } from '../support/strict-endpoint.ts';
import {
  endSpan,
  kindOf,
  type PlannedSpan,
  type PlantedSpan,
  PROPERTY_TIMEOUT_MILLIS,
  plannedTraces,
  RUNS,
} from './forests.ts';
import { inVirtualTime } from './virtual-time.ts';

const STEPS = 10;
const W3C = new W3CTraceContextPropagator();
const SERVICES = 5;
/** Has an exporter. */
const EXPORTING = 3;
/** Is traced without this package. */
const UNLOGGED = 4;
/** Longer than a trace takes: an exporter sends no placeholders. */
const PATIENT_MILLIS = 10_000;

interface Planned extends PlannedSpan {
  readonly service: number;
  readonly endsAt: number;
}

const scenario = fc.record({
  traces: plannedTraces(fc.record({ service: fc.nat(SERVICES - 1), endsAt: fc.nat(STEPS) }), { maxTraces: 3 }),
  holdMillis: fc.constantFrom(0, 1, 10_000),
  pauses: fc.array(fc.constantFrom(0, 0, 1, 120), { minLength: STEPS + 1, maxLength: STEPS + 1 }),
  isBusy: fc.boolean(),
  seed: fc.nat(),
});

interface Service {
  readonly pipeline: Pipeline;
  readonly provider: BasicTracerProvider;
  readonly propagator: CompositePropagator;
}

function createService(index: number, endpoint: StrictEndpoint, holdMillis: number): Service {
  const retry = { minDelayMillis: 1, maxDelayMillis: 4, maxElapsedMillis: 60_000 };
  const isExporter = index === EXPORTING;
  const options = resolveOptions({ holdMillis: isExporter ? PATIENT_MILLIS : holdMillis, retry, quiet: true }, {});
  const pipeline = new Pipeline(options, { awaitsUnseenParents: isExporter }, endpoint);
  const processor = {
    onStart: (span: Parameters<Pipeline['start']>[0], context: Context) => {
      if (!isExporter) pipeline.start(span, context);
    },
    onEnd: (span: Parameters<Pipeline['end']>[0]) => pipeline.end(span),
    passOn: ({ traceId, spanId }: { traceId: string; spanId: string }) => pipeline.passingOn.from(traceId, spanId),
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
  const isLogged = index !== UNLOGGED;
  const own = isLogged && !isExporter ? [new HumanloopPropagator(processor as unknown as HumanloopSpanProcessor)] : [];
  return {
    pipeline,
    provider: new BasicTracerProvider({ spanProcessors: isLogged ? [processor] : [] }),
    propagator: new CompositePropagator({ propagators: [W3C, ...own] }),
  };
}

/** The context that the child is started in: that of its parent, as far as it goes from one service to another. */
function contextBelow(parent: PlantedSpan<Planned>, service: number, services: readonly Service[]): Context {
  const inside = trace.setSpan(ROOT_CONTEXT, parent.span);
  if (parent.planned.service === service) return inside;
  const headers = {};
  services[parent.planned.service]?.propagator.inject(inside, headers, defaultTextMapSetter);
  return W3C.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
}

function start(forest: readonly Planned[], index: number, services: readonly Service[]): PlantedSpan<Planned>[] {
  const planted: PlantedSpan<Planned>[] = [];
  for (const planned of forest) {
    const parent = planted[planned.parent];
    const name = `span ${planted.length}`;
    const tracer = (services[planned.service] as Service).provider.getTracer('test');
    const context = parent ? contextBelow(parent, planned.service, services) : ROOT_CONTEXT;
    const span = tracer.startSpan(name, { attributes: kindOf(planned) }, context);
    const { traceId, spanId } = span.spanContext();
    const ancestors = parent ? [parent, ...parent.ancestors] : [];
    planted.push({ planned, name, span, reference: `${traceId}-${spanId}`, trace: index, ancestors });
  }
  return planted;
}

/** A service does not know when another one's log is acknowledged. */
function mayBe(breach: string, logs: readonly PlantedSpan<Planned>[]): boolean {
  const [, child, parent] = /^(\S+) came before its parent (\S+) was/.exec(breach) ?? [];
  const [above, below] = [parent, child].map((named) => logs.find(({ reference }) => reference === named));
  return above !== undefined && below !== undefined && above.planned.service !== below.planned.service;
}

const isLog = ({ planned }: PlantedSpan<Planned>) => planned.isLog && planned.service !== UNLOGGED;

/** The log under which the span hangs. */
function parentOf({ planned, ancestors }: PlantedSpan<Planned>): PlantedSpan<Planned> | undefined {
  let { service } = planned;
  let isNamed = true;
  return ancestors.find((above) => {
    // Within a service all logs count; when the trace leaves it, only those that it can name.
    if (above.planned.service !== service) isNamed = above.planned.service !== EXPORTING;
    service = above.planned.service;
    return isNamed && isLog(above);
  });
}

it('hangs every log where it would be in one service', { timeout: PROPERTY_TIMEOUT_MILLIS }, async () => {
  let crossings = 0;
  await fc.assert(
    fc.asyncProperty(scenario, (planned) =>
      inVirtualTime(planned, async (time) => {
        const endpoint = new StrictEndpoint({ allowsUnknownParents: true });
        const services = [...Array(SERVICES).keys()].map((index) => createService(index, endpoint, planned.holdMillis));
        const spans = planned.traces.flatMap((forest, index) => start(forest, index, services));
        for (let step = 0; step <= STEPS; step++) {
          for (const each of spans) if (each.planned.endsAt === step) endSpan(each);
          await time.pass(planned.pauses[step] ?? 0);
        }
        await time.until(Promise.all(services.map(({ pipeline }) => pipeline.flush(20_000))));
        const logs = spans.filter(isLog);
        expect(endpoint.breaches.filter((breach) => !mayBe(breach, logs))).toEqual([]);
        expect([...endpoint.logs.keys()].sort()).toEqual(logs.map(({ reference }) => reference).sort());
        for (const log of logs) {
          const { reference, span, planned: own } = log;
          const parent = parentOf(log);
          if (parent && parent.planned.service !== own.service) crossings++;
          expect(endpoint.logs.get(reference)?.parent_reference_id).toBe(parent?.reference);
          expect(endpoint.logs.get(reference)?.session_reference_id).toBe(span.spanContext().traceId);
        }
        for (const { pipeline } of services) {
          expect(pipeline.stats()).toMatchObject({ held: 0, queued: 0, dropped: {} });
          await time.until(pipeline.shutdown(1_000));
        }
      }),
    ),
    { numRuns: RUNS },
  );
  expect(crossings).toBeGreaterThan(RUNS / 10);
});
