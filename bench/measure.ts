/** Runs one measurement in a process of its own: `node measure.js '{"contender":"ours","job":"drain",…}'`. */

import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Contender } from './contenders.ts';

export interface Task {
  readonly contender: string;
  readonly job: 'drain' | 'burst' | 'steady' | 'updates' | 'openTraces' | 'import';
  readonly origin: string;
  readonly traces: number;
  /** Sent before the measurement, by the same process. */
  readonly warmUpTraces: number;
  readonly seconds?: number;
  readonly openTraces?: number;
}

export interface Measurement {
  readonly wallMillis: number;
  /** User and system time of the whole process. */
  readonly cpuMillis: number;
  /** User and system time of the thread that runs the app. */
  readonly appThreadMillis: number;
  readonly endP50Micros: number;
  readonly endP99Micros: number;
  readonly endMaxMicros: number;
  readonly loopP99Millis: number;
  readonly loopMaxMillis: number;
  /** Peak of the process. */
  readonly rssMegabytes: number;
  readonly stats?: unknown;
}

const TRACES_A_TURN = 5;
const UPDATES = 2_000;

const task: Task = JSON.parse(process.argv[2] as string);

async function measure(): Promise<Measurement> {
  const { BasicTracerProvider } = await import('@opentelemetry/sdk-trace-base');
  const { contenderOf } = await import('./contenders.ts');
  const { Workload } = await import('./workload.ts');
  const atDefaults = task.job === 'burst';
  const contender = await contenderOf(task.contender)({ origin: task.origin, atDefaults });
  const provider = new BasicTracerProvider({ spanProcessors: contender.processors });
  const workload = new Workload(provider.getTracer('bench', '1.0.0'));

  if (task.warmUpTraces > 0) {
    for (let i = 0; i < task.warmUpTraces; i++) {
      workload.trace();
      if (i % TRACES_A_TURN === 0) await nextTurn();
    }
    await contender.flush();
    workload.endMicros.length = 0;
  }
  const open = Array.from({ length: task.openTraces ?? 0 }, () => workload.startAgent());
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await sleep(20);
  delay.reset();
  const cpuBefore = process.cpuUsage();
  const appThreadBefore = appThreadMillis();
  const before = performance.now();
  await JOBS[task.job as keyof typeof JOBS](workload, contender);
  const wallMillis = performance.now() - before;
  const { user, system } = process.cpuUsage(cpuBefore);
  const appThread = appThreadMillis() - appThreadBefore;
  await sleep(1);
  delay.disable();
  for (const span of open) span.end();
  const ends = workload.endMicros.sort((a, b) => a - b);
  return {
    wallMillis,
    cpuMillis: (user + system) / 1000,
    appThreadMillis: appThread,
    endP50Micros: ends[Math.floor(ends.length * 0.5)] ?? 0,
    endP99Micros: ends[Math.floor(ends.length * 0.99)] ?? 0,
    endMaxMicros: ends.at(-1) ?? 0,
    loopP99Millis: delay.percentile(99) / 1e6,
    loopMaxMillis: delay.max / 1e6,
    rssMegabytes: process.resourceUsage().maxRSS / 1024,
    stats: contender.stats?.(),
  };
}

/**
 * Returns the CPU time of this thread so far. Where there is no `/proc`, it is the time that the event loop was busy,
 * which includes what other processes took from it.
 */
function appThreadMillis(): number {
  try {
    const [onCpuNanos] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
    return Number(onCpuNanos) / 1e6;
  } catch {
    return performance.eventLoopUtilization().active;
  }
}

type Run = (workload: import('./workload.ts').Workload, contender: Contender) => Promise<void>;

const JOBS: Record<'drain' | 'burst' | 'steady' | 'updates' | 'openTraces', Run> = {
  /** Makes traces as fast as it can, with a turn of the event loop every few traces. */
  async drain(workload, contender) {
    for (let i = 0; i < task.traces; i++) {
      workload.trace();
      if (i % TRACES_A_TURN === 0) await nextTurn();
    }
    await contender.flush();
  },

  /** Makes all traces without a turn of the event loop. */
  async burst(workload, contender) {
    for (let i = 0; i < task.traces; i++) workload.trace();
    // Some exporters give up during a flush; what has arrived by then counts.
    await contender.flush().catch(() => undefined);
  },

  async steady(workload, contender) {
    const startMillis = performance.now();
    const seconds = task.seconds ?? 5;
    const perMillisecond = task.traces / seconds / 1000;
    for (let made = 0; made < task.traces; await sleep(5)) {
      const due = Math.min(task.traces, (performance.now() - startMillis) * perMillisecond);
      for (; made < due; made++) workload.trace();
    }
    await contender.flush();
  },

  /** Updates logs after all of them have been sent, so that no update can become part of a POST. */
  async updates(workload, contender) {
    const references: string[] = [];
    for (let i = 0; i < task.traces; i++) {
      references.push(workload.trace());
      if (i % TRACES_A_TURN === 0) await nextTurn();
    }
    await contender.flush();
    for (const reference of references.slice(0, UPDATES)) contender.update?.(reference, 'what was learned later');
    await contender.flush();
  },

  openTraces: (workload, contender) => JOBS.drain(workload, contender),
};

/** Measures loading and constructing beyond the SDK, which a traced app has loaded anyway. */
async function measureImport(): Promise<Measurement> {
  await import('@opentelemetry/sdk-trace-base');
  const { contenderOf } = await import('./contenders.ts');
  const create = contenderOf(task.contender);
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  await create({ origin: task.origin, atDefaults: true });
  const wallMillis = performance.now() - before;
  const { user, system } = process.cpuUsage(cpuBefore);
  const zero = {
    appThreadMillis: 0,
    endP50Micros: 0,
    endP99Micros: 0,
    endMaxMicros: 0,
    loopP99Millis: 0,
    loopMaxMillis: 0,
    rssMegabytes: 0,
  };
  return { wallMillis, cpuMillis: (user + system) / 1000, ...zero };
}

const measurement = task.job === 'import' ? await measureImport() : await measure();
process.send?.(measurement, () => process.exit());
