/** The main table: cost and throughput of each exporter. */

import { CONTENDERS } from './contenders.ts';
import { type Arena, medianOf, type Round } from './rounds.ts';
import { type Effort, exportCpu, loopDelay, requestsPerThousand, type Scenario, TRACES } from './scenarios.ts';
import { millis, number, percent, spansPerSecond, type Table } from './tables.ts';

/** 50,004 spans. */
const BURST_TRACES = 4_167;
const MAX_IMPORT_ROUNDS = 5;

export const mainTable: Scenario = async (arena: Arena, { rounds, builds }: Effort): Promise<Table> => {
  const contenders = [...Object.keys(CONTENDERS).filter((name) => name !== 'ours, gzip'), ...builds];
  const exporters = contenders.filter((name) => name !== 'no exporter');
  const drain = await arena.compare(contenders, rounds, { job: 'drain', traces: TRACES });
  const burst = await arena.compare(exporters, Math.min(rounds, 3), { job: 'burst', traces: BURST_TRACES });
  const imported = await arena.compare(exporters, Math.min(rounds, MAX_IMPORT_ROUNDS), { job: 'import', traces: 0 });
  return {
    title: '24,000 spans as fast as the app makes them',
    head: [
      '',
      'spans/s',
      'export CPU, µs per span',
      '× bound',
      'end() p99 / max, µs',
      'loop delay p99 / max, ms',
      'requests per 1,000 spans',
      'lost of a burst',
      'RSS drain / burst, MB',
      'import, ms',
    ],
    rows: contenders.map((name) => [
      name,
      number(spansPerSecond(drain.get(name), TRACES)),
      ...exportCpu(drain, name, TRACES),
      endTime(drain.get(name)),
      loopDelay(drain.get(name)),
      requestsPerThousand(drain.get(name)),
      percent(medianOf(burst.get(name), ({ expected, stored }) => (expected - stored) / expected)),
      `${rss(drain.get(name))} / ${rss(burst.get(name))}`,
      number(medianOf(imported.get(name), ({ wallMillis }) => wallMillis)),
    ]),
    note: NOTE,
  };
};

const NOTE = `A trace has 12 spans: an agent, 3 chat spans with 2 kB of prompt and 1 kB of answer as \`gen_ai.*\` JSON, 2 tools and 6 HTTP
spans; 6 of the 12 are logs. OTLP/JSON sends all 12, the others the 6. *Export CPU* is the CPU time of the whole process above that
without an exporter. *Bound* is "hand-written, unordered": map, stringify, post arrays of 100 over a pool of kept connections, without
order, retries, or a bound on memory. *Burst* is 50,004 spans without a turn of the event loop, with each exporter's defaults; in
the drain OTLP/JSON and langfuse have queues that hold everything. *Import* is the time to load and construct, beyond the SDK; ours
and the hand-written ones load undici, which takes about 70 ms, and ours does so at the first request.

Except for the burst, each process has sent 60,000 spans before the measurement, like an app that has run for days: the first 20,000
spans of a process cost each contender two to three times as much, while the code is compiled.`;

function endTime(rounds: readonly Round[] | undefined): string {
  const p99 = medianOf(rounds, ({ endP99Micros }) => endP99Micros);
  return `${millis(p99)} / ${number(medianOf(rounds, ({ endMaxMicros }) => endMaxMicros))}`;
}

function rss(rounds: readonly Round[] | undefined): string {
  return number(medianOf(rounds, ({ rssMegabytes }) => rssMegabytes));
}
