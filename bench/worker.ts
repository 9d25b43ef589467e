/**
 * Compares mapping spans on the app's thread and in a worker thread: time saved on the app's thread, and total cost.
 */
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { BasicTracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { createMapping, type Wire } from './mapping.ts';
import { median } from './median.ts';
import type { Arena } from './rounds.ts';
import type { Effort } from './scenarios.ts';
import { number, type Table } from './tables.ts';
import { Workload } from './workload.ts';

const BATCH = 100;
const BATCHES_A_TURN = 40;
const TURNS = 15;
const WARM_UP_TURNS = 5;

interface Cost {
  /** Microseconds per log on the app's thread, wall time. */
  readonly onThread: number;
  /** Microseconds per log of the whole process, CPU time. */
  readonly total: number;
}

export async function worker(_arena: Arena, _effort: Effort): Promise<Table> {
  const spans = modelCalls(BATCH * BATCHES_A_TURN);
  const map = await createMapping();
  const here = () => measure(spans, (batch) => map(batch.map(toWire)), nextTurn);
  for (let turn = 0; turn < WARM_UP_TURNS; turn++) await here();
  const memoryBefore = process.memoryUsage().rss;
  const startedAtMillis = performance.now();
  const thread = new Worker(new URL('./mapping-worker.js', import.meta.url));
  await once(thread, 'online');
  const startMillis = performance.now() - startedAtMillis;
  const there = () =>
    measure(
      spans,
      (batch) => thread.postMessage(batch.map(toWire)),
      () => once(thread, 'message'),
    );
  for (let turn = 0; turn < WARM_UP_TURNS; turn++) await there();
  const memory = (process.memoryUsage().rss - memoryBefore) / 1e6;
  const costs = { here: [] as Cost[], there: [] as Cost[] };
  for (let turn = 0; turn < TURNS; turn++) {
    costs.here.push(await here());
    costs.there.push(await there());
  }
  await thread.terminate();
  const row = (name: string, all: readonly Cost[]) => [
    name,
    number(median(all.map(({ onThread }) => onThread)), 1),
    number(median(all.map(({ total }) => total)), 1),
  ];
  return {
    title: "Reading, mapping and encoding a model call, on the app's thread and in a worker",
    head: ['', "app's thread, µs per log", 'whole process, CPU µs per log'],
    rows: [row("on the app's thread", costs.here), row('in a worker', costs.there)],
    note: `A worker takes ${number(startMillis)} ms to start and about ${number(Math.max(0, memory))} MB. Its input is copied on the app's thread.`,
  };
}

async function measure(
  spans: readonly ReadableSpan[],
  handle: (batch: readonly ReadableSpan[]) => void,
  handled: () => Promise<unknown>,
): Promise<Cost> {
  const cpuBefore = process.cpuUsage();
  let onThread = 0;
  for (let at = 0; at < spans.length; at += BATCH) {
    const before = performance.now();
    // All work on this thread is done before it returns.
    handle(spans.slice(at, at + BATCH));
    onThread += performance.now() - before;
    await handled();
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  return { onThread: (onThread * 1000) / spans.length, total: (user + system) / spans.length };
}

/** Returns the parts of a span that a worker needs. Spans themselves have functions, which cannot be copied. */
function toWire(span: ReadableSpan): Wire {
  const { name, attributes, startTime, endTime, duration, status, events, resource, instrumentationScope } = span;
  const { traceId, spanId, traceFlags } = span.spanContext();
  return {
    traceId,
    spanId,
    traceFlags,
    name,
    attributes,
    startTime,
    endTime,
    duration,
    status,
    events,
    resource: { attributes: resource.attributes },
    instrumentationScope,
    ended: true,
  };
}

function modelCalls(count: number): ReadableSpan[] {
  const calls: ReadableSpan[] = [];
  const onEnd = (span: ReadableSpan) => {
    if (span.attributes['gen_ai.operation.name'] === 'chat') calls.push(span);
  };
  const collect = { onStart: () => {}, onEnd, forceFlush: async () => {}, shutdown: async () => {} };
  const workload = new Workload(new BasicTracerProvider({ spanProcessors: [collect] }).getTracer('bench', '1.0.0'));
  while (calls.length < count) workload.trace();
  return calls.slice(0, count);
}
