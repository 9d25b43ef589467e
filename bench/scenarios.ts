/** The scenarios: what is measured under which conditions, and which figures are reported. */
import {
  ALL_THREADS,
  APP_THREAD,
  BOUND,
  exportCpu,
  loopDelay,
  lostLogs,
  memory,
  NONE,
  requestsPerThousand,
  spansPerSecond,
  speed,
} from './figures.ts';
import { type Arena, medianOf } from './rounds.ts';
import { number, ratio, type Table } from './tables.ts';
import { SPANS_PER_TRACE, WARM_TRACES } from './workload.ts';

export interface Effort {
  readonly rounds: number;
  readonly steadySeconds: number;
  /** In the store before it is read. */
  readonly logs: number;
  /** Other builds of the package, as contenders. */
  readonly builds: readonly string[];
}

export type Scenario = (arena: Arena, effort: Effort) => Promise<Table>;

const PREBUILT = 'prebuilt datapoints';
export const OURS = 'ours';
export const OURS_GZIPPED = 'ours, gzip';

export const TRACES = 2_000;
const STEADY_SPANS_A_SECOND = 2_400;
const FAR_MILLIS = 50;
const UPDATED = 2_000;
const DRAIN = { job: 'drain', traces: TRACES, warmUpTraces: WARM_TRACES } as const;

/** The server answers after 50 ms. */
export const far: Scenario = async (arena, { rounds, builds }) => {
  const contenders = [PREBUILT, 'OTLP/JSON', 'hand-written, parents first', OURS, ...builds];
  const results = await arena.compare(contenders, rounds, DRAIN, { delayMillis: FAR_MILLIS });
  return {
    title: 'A server 50 ms away',
    head: ['', 'spans/s', '× prebuilt', 'requests per 1,000 spans', 'RSS, MB'],
    rows: contenders.map((name) => [
      name,
      ...speed(results, name, TRACES, PREBUILT),
      requestsPerThousand(results.get(name), TRACES),
      memory(results.get(name)),
    ]),
  };
};

export const gzip: Scenario = async (arena, { rounds }) => {
  const results = await arena.compare([NONE, BOUND, OURS, OURS_GZIPPED], rounds, DRAIN);
  return {
    title: 'Compression',
    head: ['', 'spans/s', 'export CPU, µs per span', '× bound', 'bytes per span'],
    rows: [OURS, OURS_GZIPPED].map((name) => [
      name,
      number(spansPerSecond(results.get(name), TRACES)),
      ...exportCpu(results, name, TRACES),
      number(
        medianOf(results.get(name), ({ bytes, warmUpTraces }) => bytes / ((TRACES + warmUpTraces) * SPANS_PER_TRACE)),
      ),
    ]),
    note: 'Off by default. The texts of this workload repeat themselves; real ones shrink to about a quarter and cost more to compress.',
  };
};

export const failing: Scenario = async (arena, { rounds, builds }) => {
  const contenders = [OURS, ...builds];
  const undisturbed = await arena.compare(contenders, rounds, DRAIN);
  const disturbed = await arena.compare(contenders, rounds, DRAIN, { failingShare: 0.1 });
  return {
    title: '10 % of the answers are 503',
    head: ['', 'spans/s', 'undisturbed', '×', 'lost', 'stored twice'],
    rows: contenders.map((name) => {
      const [with503, without] = [disturbed.get(name), undisturbed.get(name)];
      const speeds = [spansPerSecond(with503, TRACES), spansPerSecond(without, TRACES)] as const;
      return [
        name,
        number(speeds[0]),
        number(speeds[1]),
        ratio(speeds[0] / speeds[1]),
        number(medianOf(with503, lostLogs)),
        number(medianOf(with503, ({ repeated }) => repeated)),
      ];
    }),
  };
};

export const steady: Scenario = async (arena, { rounds, steadySeconds, builds }) => {
  const contenders = [NONE, BOUND, OURS, ...builds];
  const traces = (STEADY_SPANS_A_SECOND * steadySeconds) / SPANS_PER_TRACE;
  const count = Math.min(rounds, 3);
  const task = { job: 'steady', traces, warmUpTraces: WARM_TRACES, seconds: steadySeconds } as const;
  const results = await arena.compare(contenders, count, task);
  return {
    title: `A steady 2,400 spans/s for ${steadySeconds} s`,
    head: [
      '',
      'export CPU, µs per span',
      '× bound',
      "of it on the app's thread",
      '× bound',
      'loop delay p99 / max, ms',
      'requests per 1,000 spans',
    ],
    rows: contenders.map((name) => [
      name,
      ...exportCpu(results, name, traces),
      ...exportCpu(results, name, traces, APP_THREAD),
      loopDelay(results.get(name)),
      requestsPerThousand(results.get(name), traces),
    ]),
  };
};

export const updates: Scenario = async (arena, { rounds, builds }) => {
  const contenders = [BOUND, OURS, ...builds];
  const task = { job: 'updates', traces: TRACES, warmUpTraces: WARM_TRACES } as const;
  const count = Math.min(rounds, 3);
  const near = await arena.compare(contenders, count, task);
  const distant = await arena.compare(contenders, count, task, { delayMillis: FAR_MILLIS });
  return {
    title: `${number(UPDATED)} updates after 24,000 spans`,
    head: ['', 'spans/s near', '× bound', 'spans/s at 50 ms', '× bound', 'PATCHes'],
    rows: contenders.map((name) => [
      name,
      ...[near, distant].flatMap((results) => speed(results, name, TRACES)),
      number(medianOf(distant.get(name), ({ patches }) => patches)),
    ]),
  };
};

export const openTraces: Scenario = async (arena, { rounds, builds }) => {
  const contenders = [OURS, ...builds];
  const counts = [10, 1_000, 10_000, 100_000];
  const rows: string[][] = contenders.map((name) => [name]);
  for (const count of counts) {
    const results = await arena.compare(contenders, Math.min(rounds, 3), {
      ...DRAIN,
      job: 'openTraces',
      openTraces: count,
    });
    for (const [index, name] of contenders.entries()) {
      rows[index]?.push(number((medianOf(results.get(name), ALL_THREADS) * 1000) / (TRACES * SPANS_PER_TRACE), 1));
    }
  }
  return {
    title: 'CPU per span, µs, by the number of other open traces',
    head: ['', ...counts.map((count) => number(count))],
    rows,
  };
};
