/**
 * How fast the log server stores and indexes, beside the least that a server could do: arrays of 100 logs over 8
 * connections, each answer after the disk. Then at half of its peak rate: how far the search index is behind.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from './median.ts';
import type { Arena } from './rounds.ts';
import type { Effort } from './scenarios.ts';
import { LOGS_PER_REQUEST, REQUESTS_PER_GROUP, serverRequests } from './server-workload.ts';
import { postAll, postLogs, type StoreServer, withStoreServer } from './store-server.ts';
import { number, ratio, type Table } from './tables.ts';

const CONNECTIONS = 8;
const LOGS_PER_GROUP = LOGS_PER_REQUEST * REQUESTS_PER_GROUP;
/** A server runs for days: what V8 compiles once, for either contender, is not a part of what a log costs. */
const WARM_UP_GROUPS = 12;
const PEAK_GROUPS = 16;
const KINDS = ['minimal', 'ours'] as const;
const POLL_MILLIS = 250;
const MIN_STEADY_SECONDS = 30;

interface Peak {
  readonly logsPerSecond: number;
  /** Microseconds per log, until the last answer and until everything is indexed. */
  readonly answeredCpu: number;
  readonly indexedCpu: number;
  readonly requestMillis: number;
  readonly bytesPerLog: number;
}

interface Steady {
  readonly logsPerSecond: number;
  readonly cpu: number;
  readonly worstBehindMillis: number;
  readonly requestMillis: number;
  readonly slowRequestMillis: number;
}

export async function server(_arena: Arena, { rounds, steadySeconds }: Effort): Promise<Table> {
  const peaks = new Map<string, Peak[]>(KINDS.map((kind) => [kind, []]));
  const groups = range(WARM_UP_GROUPS + PEAK_GROUPS).map(serverRequests);
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of round % 2 === 0 ? KINDS : KINDS.toReversed()) {
      peaks.get(kind)?.push(await withServer(kind, (running) => measurePeak(running, groups)));
      process.stderr.write('.');
    }
  }
  const rate = median((peaks.get('ours') ?? []).map(({ logsPerSecond }) => logsPerSecond)) / 2;
  const seconds = Math.max(MIN_STEADY_SECONDS, steadySeconds);
  const steady = await withServer('ours', (running) => measureSteady(running, rate, seconds));
  const of = (kind: string, read: (peak: Peak) => number) => median((peaks.get(kind) ?? []).map(read));
  const against = (read: (peak: Peak) => number) =>
    median((peaks.get('ours') ?? []).map((peak, round) => read(peak) / read(peaks.get('minimal')?.[round] as Peak)));
  const figures: [name: string, read: (peak: Peak) => number][] = [
    ['logs/s', ({ logsPerSecond }) => logsPerSecond],
    ['CPU until the answer, µs per log', ({ answeredCpu }) => answeredCpu],
    ['CPU until all is indexed, µs per log', ({ indexedCpu }) => indexedCpu],
    ['a request, ms', ({ requestMillis }) => requestMillis],
    ['files, bytes per log', ({ bytesPerLog }) => bytesPerLog],
  ];
  return {
    title: 'Storing logs on the server',
    head: ['', 'minimal server', 'ours', 'ours × minimal'],
    rows: figures.map(([name, read]) => [
      name,
      number(of('minimal', read)),
      number(of('ours', read)),
      ratio(against(read)),
    ]),
    note: `3.3 kB a log, arrays of ${LOGS_PER_REQUEST}, ${CONNECTIONS} connections, each answer once the disk has it, ${number(PEAK_GROUPS * LOGS_PER_GROUP)} logs in an empty file after ${number(WARM_UP_GROUPS * LOGS_PER_GROUP)} of the same. The minimal server parses each array, inserts the JSON of each log into a table without an index, commits and answers; it has no checks, references, sessions or search. At half of our rate (${number(steady.logsPerSecond)} logs/s for ${number(seconds)} s) a request takes ${number(steady.requestMillis)} ms, one in a hundred longer than ${number(steady.slowRequestMillis)} ms, all together ${number(steady.cpu)} µs of CPU a log, and the search index is never more than ${number(steady.worstBehindMillis / 1000, 1)} s behind.`,
  };
}

interface Running extends StoreServer {
  readonly file: string;
}

async function withServer<Result>(kind: string, measure: (running: Running) => Promise<Result>): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'server-bench-'));
  const file = join(directory, 'logs.db');
  try {
    return await withStoreServer({ kind, place: file, connections: CONNECTIONS }, (running) =>
      measure({ ...running, file }),
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function measurePeak(
  { send, readState, untilIndexed, file }: Running,
  groups: readonly Buffer[][],
): Promise<Peak> {
  await postAll(send, CONNECTIONS, groups.slice(0, WARM_UP_GROUPS));
  await untilIndexed();
  const before = await readState();
  const startedAtMillis = performance.now();
  const times = await postAll(send, CONNECTIONS, groups.slice(WARM_UP_GROUPS));
  const seconds = (performance.now() - startedAtMillis) / 1000;
  const answered = await readState();
  const indexed = await untilIndexed();
  const logs = times.length * LOGS_PER_REQUEST;
  return {
    logsPerSecond: logs / seconds,
    answeredCpu: ((answered.cpuMillis - before.cpuMillis) * 1000) / logs,
    indexedCpu: ((indexed.cpuMillis - before.cpuMillis) * 1000) / logs,
    requestMillis: median(times),
    bytesPerLog: bytesOf(file) / (groups.length * LOGS_PER_GROUP),
  };
}

/** With the file of the words, which the minimal server has not. */
function bytesOf(file: string): number {
  return [file, `${file}-search`].reduce(
    (sum, each) => sum + (statSync(each, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

async function measureSteady(
  { send, readState, untilIndexed }: Running,
  logsPerSecond: number,
  seconds: number,
): Promise<Steady> {
  await postAll(send, CONNECTIONS, range(WARM_UP_GROUPS).map(serverRequests));
  const before = await untilIndexed();
  let worstBehindMillis = 0;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      worstBehindMillis = Math.max(worstBehindMillis, (await readState()).behindMillis);
      await sleep(POLL_MILLIS);
    }
  })();
  const times: number[] = [];
  const requests = Math.ceil((logsPerSecond * seconds) / LOGS_PER_REQUEST);
  const startedAtMillis = performance.now();
  const open = new Set<Promise<unknown>>();
  let bodies: Buffer[] = [];
  for (let index = 0; index < requests; index += 1) {
    if (index % REQUESTS_PER_GROUP === 0) bodies = serverRequests(WARM_UP_GROUPS + index / REQUESTS_PER_GROUP);
    const dueMillis = startedAtMillis + (index * LOGS_PER_REQUEST * 1000) / logsPerSecond;
    await sleep(Math.max(0, dueMillis - performance.now()));
    const sent = postLogs(send, bodies[index % REQUESTS_PER_GROUP] as Buffer).then((millis) => times.push(millis));
    open.add(sent);
    void sent.finally(() => open.delete(sent));
  }
  await Promise.all(open);
  isOver = true;
  await watching;
  const after = await untilIndexed();
  times.sort((a, b) => a - b);
  return {
    logsPerSecond,
    cpu: ((after.cpuMillis - before.cpuMillis) * 1000) / (requests * LOGS_PER_REQUEST),
    worstBehindMillis,
    requestMillis: median(times),
    slowRequestMillis: times[Math.floor(times.length * 0.99)] ?? Number.NaN,
  };
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
