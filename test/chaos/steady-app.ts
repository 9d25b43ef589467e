/** An app in its own process under a steady load, which reports what that costs it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { type HumanloopOptions, HumanloopSpanProcessor, type Stats } from '../../src/index.ts';

export interface SteadyPlan {
  readonly tracesPerSecond: number;
  /** Number of traces, of three logs each. */
  readonly traces: number;
  readonly options: HumanloopOptions;
}

export interface SteadyReport {
  readonly stats: Stats;
  readonly ended: number;
  readonly maxRssBytes: number;
  /** Bytes of heap in use after a third of the traces and at the end, each after a garbage collection. */
  readonly heapBytes: readonly number[];
  readonly endMicrosP90: number;
  readonly drainMillis: number;
}

const AGENT = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'agent' };
const OUTPUT = JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: 'x'.repeat(500) }] }]);
/** Number of traces in a burst; the app waits for its turn between two bursts. */
const BURST = 10;

const plan = JSON.parse(process.env['PLAN'] as string) as SteadyPlan;
const processor = new HumanloopSpanProcessor(plan.options);
const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('steady');
const endMicros: number[] = [];
const heapBytes: number[] = [];
let ended = 0;
let maxRssBytes = 0;

function traceOnce(): void {
  const root = tracer.startSpan('root', { attributes: AGENT });
  const below = trace.setSpan(ROOT_CONTEXT, root);
  for (const span of [
    tracer.startSpan('a', { attributes: AGENT }, below),
    tracer.startSpan('b', { attributes: AGENT }, below),
    root,
  ]) {
    span.setAttribute('gen_ai.output.messages', OUTPUT);
    const startedAt = performance.now();
    span.end();
    ended++;
    if (endMicros.length < 100_000) endMicros.push((performance.now() - startedAt) * 1_000);
  }
}

function measureHeap(): void {
  globalThis.gc?.();
  heapBytes.push(process.memoryUsage().heapUsed);
}

process.stdout.write('ready\n');
const startedAt = performance.now();
for (let traces = 0; traces < plan.traces; traces += BURST) {
  for (let left = BURST; left > 0; left--) traceOnce();
  maxRssBytes = Math.max(maxRssBytes, process.memoryUsage.rss());
  const isLate = (performance.now() - startedAt) / 1_000 > traces / plan.tracesPerSecond;
  await sleep(isLate ? 0 : (BURST / plan.tracesPerSecond) * 1_000);
  // As fast as possible, but no faster than logs are delivered.
  while (plan.tracesPerSecond === Number.MAX_SAFE_INTEGER && processor.stats().queued > 5_000) await sleep(1);
  if (heapBytes.length === 0 && traces > plan.traces / 3) {
    await processor.forceFlush().catch(() => undefined);
    measureHeap();
  }
}
process.stdout.write('traced\n');
const drainedFrom = performance.now();
await processor.forceFlush();
const drainMillis = performance.now() - drainedFrom;
measureHeap();
await processor.shutdown();
endMicros.sort((a, b) => a - b);
const report: SteadyReport = {
  stats: processor.stats(),
  ended,
  maxRssBytes,
  heapBytes,
  endMicrosP90: endMicros[Math.floor(endMicros.length * 0.9)] ?? 0,
  drainMillis,
};
process.stdout.write(`${JSON.stringify(report)}\n`);
