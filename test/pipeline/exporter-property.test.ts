/**
 * Whatever the shape of the traces, the batches in which their spans are exported, the timing and the failures: every
 * log arrives exactly once, under the parent that the rule of the exporter gives it (`export-rule.ts`), and nothing
 * else arrives but the stubs that the rule allows.
 */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { HumanloopSpanExporter } from '../../src/index.ts';
import type { SpanSlice } from '../../src/otel/span-slice.ts';
import { StrictEndpoint } from '../support/strict-endpoint.ts';
import { ExportRule, type Step } from './export-rule.ts';
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

const network = vi.hoisted(() => ({ endpoint: undefined as unknown }));
vi.mock('../../src/transport/http-transport.ts', () => ({ createHttpTransport: () => network.endpoint }));

interface Planned extends PlannedSpan {
  readonly isRemote: boolean;
  readonly isExported: boolean;
  readonly isExportedTwice: boolean;
  /** Decides on the order in which spans are exported. */
  readonly rank: number;
}

const planned = fc.record({
  isRemote: fc.nat(9).map((dice) => dice === 9),
  isExported: fc.nat(9).map((dice) => dice < 9),
  isExportedTwice: fc.nat(9).map((dice) => dice === 9),
  rank: fc.nat(999),
});

const scenario = fc.record({
  traces: plannedTraces(planned, { maxTraces: 3, maxSpans: 8 }),
  holdMillis: fc.constantFrom(0, 20, 80, 5_000, 5_000),
  missingParent: fc.constantFrom('stub' as const, 'root' as const),
  /** By how much a child comes before its parent; it counts against `rank`. */
  childrenFirst: fc.constantFrom(1_000, 1_000, 400, 0),
  /** Sizes of the batches, over and over. */
  cuts: fc.oneof(
    fc.constant([1]),
    fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 6 }),
    fc.constant([Number.MAX_SAFE_INTEGER]),
  ),
  /**
   * After each batch, over and over: a turn of the event loop, or a part of `holdMillis` and some milliseconds more.
   */
  pauses: fc.array(
    fc.oneof(
      fc.constant('turn' as const),
      fc.record({ part: fc.constant(0), more: fc.constantFrom(0, 5, 40, 95, 150) }),
      { weight: 4, arbitrary: fc.record({ part: fc.constantFrom(0.2, 0.45, 0.7, 1.1), more: fc.constant(0) }) },
    ),
    { minLength: 1, maxLength: 12, size: 'max' },
  ),
  flushAfter: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, fc.nat(10)),
  maxItems: fc.integer({ min: 1, max: 12 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
  isBusy: fc.boolean(),
  seed: fc.nat(),
});

type Scenario = typeof scenario extends fc.Arbitrary<infer Value> ? Value : never;

/** Nothing is exported so close to the end of a hold that it matters which of the two comes first. */
const MARGIN_MILLIS = 7;

test('an exporter delivers every log once, under the nearest logged ancestor that was exported in time', {
  timeout: PROPERTY_TIMEOUT_MILLIS,
}, async () => {
  const property = fc.asyncProperty(scenario, (plan) =>
    inVirtualTime(plan, async (time) => {
      const outcome = await play(plan, time);
      expect(outcome.endpoint.breaches).toEqual([]);
      expect(outcome.exporter.stats()).toMatchObject({ held: 0, queued: 0, inFlight: 0, dropped: {} });
      expectPlaced(outcome);
      expectOnlyStubsBeside(outcome);
      expectOneSession(outcome);
      await time.until(outcome.exporter.shutdown());
    }),
  );
  await fc.assert(property, { numRuns: RUNS });
});

function expectPlaced({ endpoint, rule }: Outcome): void {
  for (const log of rule.logs) {
    const stored = endpoint.logs.get(log.reference);
    expect(stored?.output, log.name).toBe(outputOf(log.span));
    expect(rule.parentsOf(log), log.name).toContain(stored?.parent_reference_id);
  }
}

function expectOnlyStubsBeside({ endpoint, rule, spans }: Outcome): void {
  const logs = new Set(rule.logs.map(({ reference }) => reference));
  const parents = new Set([...endpoint.logs.values()].map((log) => log.parent_reference_id));
  for (const [reference, stub] of endpoint.logs) {
    if (logs.has(reference)) continue;
    const span = spans.find((each) => each.reference === reference);
    expect(span && rule.isStub(span), span?.name).toMatch(/yes|maybe/);
    expect(stub.config).toMatchObject({ type: 'generic' });
    expect(stub.parent_reference_id).toBeUndefined();
    expect(parents).toContain(reference);
  }
}

function expectOneSession({ endpoint, spans }: Outcome): void {
  const sessions = new Map<number, Set<unknown>>();
  for (const { reference, trace } of spans) {
    const log = endpoint.logs.get(reference);
    if (log) sessions.set(trace, (sessions.get(trace) ?? new Set()).add(log.session_reference_id));
  }
  for (const used of sessions.values()) expect(used.size).toBe(1);
}

interface Outcome {
  readonly endpoint: StrictEndpoint;
  readonly exporter: HumanloopSpanExporter;
  readonly rule: ExportRule;
  readonly spans: readonly PlantedSpan<Planned>[];
}

async function play(plan: Scenario, time: VirtualTime): Promise<Outcome> {
  const ended: SpanSlice[] = [];
  const processor = { onStart: () => undefined, onEnd: (span: SpanSlice) => void ended.push(span) };
  const spans = plant(plan.traces, processor, (span, trace, index) => ({
    name: `span ${trace}.${index}`,
    attributes: { ...kindOf(span), ...(index % 2 === 0 && { 'session.id': `session ${trace}.${index}` }) },
  })).flat();
  for (const span of spans) endSpan(span);
  const endpoint = new StrictEndpoint(troubleOf(() => spans));
  network.endpoint = endpoint;
  const { holdMillis, missingParent, maxItems, concurrency } = plan;
  const retry = { minDelayMillis: 1, maxDelayMillis: 4, maxElapsedMillis: 60_000 };
  const exporter = new HumanloopSpanExporter({ holdMillis, missingParent, batch: { maxItems }, concurrency, retry });
  const results: number[] = [];
  const steps: Step[] = [];
  const flushes: Promise<unknown>[] = [];
  for (const [index, exported] of batchesOf(plan, spans).entries()) {
    await pauseOutsideMargins(
      time,
      index === 0 ? undefined : plan.pauses[index % plan.pauses.length],
      steps,
      holdMillis,
    );
    steps.push({ atMillis: time.nowMillis, exported, isFlush: false });
    exporter.export(
      exported.map(({ span }) => ended[spans.findIndex((each) => each.span === span)] as SpanSlice),
      ({ code }) => results.push(code),
    );
    if (plan.flushAfter === index) {
      steps.push({ atMillis: time.nowMillis, exported: [], isFlush: true });
      const before = steps.flatMap((step) => step.exported).filter(({ planned: { isLog } }) => isLog);
      const missing = () => before.filter(({ reference }) => !endpoint.logs.has(reference));
      flushes.push(exporter.forceFlush().then(() => expect(missing()).toEqual([])));
    }
  }
  await time.pass(holdMillis + 1_000);
  await time.until(Promise.all([...flushes, exporter.forceFlush()]));
  expect(results).toEqual(steps.filter(({ isFlush }) => !isFlush).map(() => 0));
  const isStored = ({ reference }: { reference: string }) => endpoint.logs.has(reference);
  return { endpoint, exporter, spans, rule: new ExportRule({ holdMillis, missingParent, steps, isStored }) };
}

function batchesOf(
  { childrenFirst, cuts }: Scenario,
  spans: readonly PlantedSpan<Planned>[],
): PlantedSpan<Planned>[][] {
  const places = spans.flatMap((span) => {
    const { rank, isExported, isExportedTwice } = span.planned;
    const place = { span, rank: rank - childrenFirst * span.ancestors.length };
    if (!isExported) return [];
    return isExportedTwice ? [place, { span, rank: place.rank + 700 }] : [place];
  });
  const left = places.sort((a, b) => a.rank - b.rank).map(({ span }) => span);
  const batches: PlantedSpan<Planned>[][] = [];
  while (left.length > 0) batches.push(left.splice(0, cuts[batches.length % cuts.length]));
  return batches;
}

async function pauseOutsideMargins(
  time: VirtualTime,
  pause: Scenario['pauses'][number] | undefined,
  steps: readonly Step[],
  holdMillis: number,
): Promise<void> {
  if (!pause) return;
  if (pause === 'turn') await time.turn();
  let untilMillis = time.nowMillis + (pause === 'turn' ? 0 : Math.round(pause.part * holdMillis) + pause.more);
  const ends = holdMillis > 0 ? steps.map(({ atMillis }) => atMillis + holdMillis) : [];
  for (const end of ends) if (Math.abs(untilMillis - end) <= MARGIN_MILLIS) untilMillis = end + MARGIN_MILLIS + 1;
  if (untilMillis > time.nowMillis) await time.pass(untilMillis - time.nowMillis);
}
