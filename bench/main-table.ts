/** The main tables: cost and throughput of each exporter, in four situations, and what happens once in a process. */

import { CONTENDERS } from './contenders.ts';
import {
  APP_THREAD,
  BOUND,
  endTime,
  exportCpu,
  exportRatioRange,
  loopDelay,
  lostLogs,
  memory,
  NONE,
  requestsPerThousand,
  speed,
} from './figures.ts';
import { medianOf } from './rounds.ts';
import { type Effort, OURS, OURS_GZIPPED, type Scenario, TRACES } from './scenarios.ts';
import { millis, number, percent } from './tables.ts';
import { FRESH_TRACES, SPANS_PER_TRACE, WARM_TRACES } from './workload.ts';

/** 50,004 spans. */
const BURST_TRACES = 4_167;
const MAX_BURST_ROUNDS = 3;
/** Loading takes milliseconds, which vary more than anything else, and few of them. */
const IMPORTS_A_ROUND = 3;

export const MAIN_SCENARIOS: Readonly<Record<string, Scenario>> = {
  fresh: drain('Fresh, quiet', FRESH_TRACES, false),
  'fresh-loaded': drain('Fresh, loaded', FRESH_TRACES, true),
  warm: drain('Warm, quiet', WARM_TRACES, false),
  'warm-loaded': drain('Warm, loaded', WARM_TRACES, true),
  once: burstAndImport,
};

function drain(situation: string, warmUpTraces: number, hasNeighbour: boolean): Scenario {
  return async (arena, effort) => {
    const contenders = allContenders(effort);
    const task = { job: 'drain', traces: TRACES, warmUpTraces } as const;
    const results = await arena.compare(contenders, effort.rounds, task, { hasNeighbour });
    const before = `${number(warmUpTraces * SPANS_PER_TRACE)} spans before the measurement`;
    const beside = hasNeighbour ? 'a neighbour keeps one core busy' : 'the bench runs nothing beside it';
    return {
      title: `${situation}: 24,000 spans as fast as the app makes them`,
      head: [
        '',
        'export CPU, µs per span',
        '× bound',
        "of it on the app's thread",
        '× bound',
        'spans/s',
        '× bound',
        'end() p50 / p99 / max, µs',
        'p99 above no exporter',
        'loop delay p99 / max, ms',
        'requests per 1,000 spans',
        'RSS, MB',
      ],
      rows: contenders.map((name) => [
        name,
        ...exportCpu(results, name, TRACES),
        ...exportCpu(results, name, TRACES, APP_THREAD),
        ...speed(results, name, TRACES),
        ...endTime(results, name),
        loopDelay(results.get(name)),
        requestsPerThousand(results.get(name), TRACES),
        memory(results.get(name)),
      ]),
      note:
        `In the same process, ${before}; ${beside}. Over the rounds, ours was ${exportRatioRange(results, OURS)} × bound in CPU of all ` +
        `threads, ${exportRatioRange(results, OURS, APP_THREAD)} × on the app's thread.`,
    };
  };
}

async function burstAndImport(...[arena, effort]: Parameters<Scenario>) {
  const exporters = allContenders(effort).filter((name) => name !== NONE);
  const burst = await arena.compare(exporters, Math.min(effort.rounds, MAX_BURST_ROUNDS), {
    job: 'burst',
    traces: BURST_TRACES,
    warmUpTraces: 0,
  });
  const task = { job: 'import', traces: 0, warmUpTraces: 0 } as const;
  const imported = await arena.compare(exporters, effort.rounds * IMPORTS_A_ROUND, task);
  return {
    title: 'Once in a process: a burst, and the import',
    head: ['', 'lost of a burst', 'RSS after it, MB', 'import, ms', 'CPU of it, ms'],
    rows: exporters.map((name) => [
      name,
      percent(medianOf(burst.get(name), (round) => lostLogs(round) / round.expected)),
      memory(burst.get(name)),
      millis(medianOf(imported.get(name), ({ wallMillis }) => wallMillis)),
      millis(medianOf(imported.get(name), ({ cpuMillis }) => cpuMillis)),
    ]),
    note: NOTE,
  };
}

const NOTE = `*Burst* is 50,004 spans without a turn of the event loop, with each exporter's defaults; in the tables above, OTLP/JSON and langfuse
have queues that hold everything. *Import* is the time to load and construct, beyond the SDK. "${BOUND}" and its
siblings load undici then; ours does so at the first request.`;

function allContenders({ builds }: Effort): readonly string[] {
  return [...Object.keys(CONTENDERS).filter((name) => name !== OURS_GZIPPED), ...builds];
}
