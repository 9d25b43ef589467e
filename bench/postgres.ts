/**
 * What a log costs a server with PostgreSQL, in CPU time of Node and of the database, and how long a reader waits, beside
 * the same with a file: arrays of 100 logs over 8 connections, updates by reference, then the reads of the viewer.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { median } from './median.ts';
import type { Arena } from './rounds.ts';
import type { Effort } from './scenarios.ts';
import { LOGS_PER_REQUEST, REQUESTS_PER_GROUP, referenceOf, serverRequests } from './server-workload.ts';
import { ask, postAll, type StoreServer, withStoreServer } from './store-server.ts';
import { micros, millis, number, type Table } from './tables.ts';

const CONNECTIONS = 8;
/** What is updated at the same time shares a turn: a few clients, and as many as fill one. */
const PATCH_CONNECTIONS = [CONNECTIONS, 32] as const;
const MAX_CONNECTIONS = Math.max(...PATCH_CONNECTIONS);
const LOGS_PER_GROUP = LOGS_PER_REQUEST * REQUESTS_PER_GROUP;
const WARM_UP_GROUPS = 4;
const MEASURED_GROUPS = 16;
const PATCHED_GROUPS = WARM_UP_GROUPS + MEASURED_GROUPS;
/** Posted at once, so that the bench has only so many bodies in memory. */
const GROUPS_AT_ONCE = 8;
/** V8 compiles what a PATCH runs for the first thousands of them, which a server pays once. */
const WARM_UP_PATCHES = 12_000;
const PATCHES = 8_000;
/** A prime, so that no log is updated twice before all are. */
const STRIDE = 7_919;
const READS = 40;
/** So many take minutes to store: then in the newest version only. */
const MANY_LOGS = 100_000;
/** New words are sorted into the index of PostgreSQL up to 2 s after a write. */
const SETTLING_MILLIS = 3_000;

/** Words of the workload: one is in every log, one in 1 of 100, one in 1 of 1,200. */
const READS_OF_SESSIONS = {
  'the newest 50 sessions': '',
  'sessions of a user': '&user=user-77',
  'search for a word of every log': '&q=eshdor',
  'search for a word of 1 % of the logs': '&q=brisuan',
  'search for a rare word': '&q=torineshlo',
  'search for a frequent and a rare word': '&q=eshdor+torineshlo',
  'search for two words that are seldom together': '&q=brisuan+lodorin',
  'search for a phrase': '&q=%22sunetor+ne%22',
  'search for a rare phrase of frequent words': '&q=%22ka+lo%22',
  'search for the beginning of a word': '&q=torineshl',
  'search for a word that is nowhere': '&q=nothinglikethis',
} as const;

/** What the process of the database answers. */
export interface ClusterState {
  readonly url: string;
  /** Of all processes of the server, so far. */
  readonly cpuMicros: number;
}

interface Cost {
  readonly node: number;
  readonly database: number;
}

interface Outcome {
  readonly write: Cost & { readonly logsPerSecond: number };
  /** Of a PATCH, for each of `PATCH_CONNECTIONS`. */
  readonly patches: readonly Cost[];
  /** The same of the minimal server. */
  readonly minimalPatches?: readonly Cost[];
  /** Median and 95th percentile of milliseconds, by what is read. */
  readonly reads: ReadonlyMap<string, readonly [number, number]>;
}

export async function postgres(_arena: Arena, { logs }: Effort): Promise<Table> {
  const outcomes = new Map<string, Outcome>();
  const versions = await findVersions();
  for (const version of logs > MANY_LOGS ? versions.slice(-1) : versions)
    outcomes.set(version, await withPostgres(version, logs));
  outcomes.set('SQLite', await withFile(logs));
  const all = [...outcomes.values()];
  const row = (name: string, read: (outcome: Outcome) => string) => [name, ...all.map(read)];
  const reads = [...(all[0]?.reads.keys() ?? [])];
  return {
    title: 'Storing and reading logs in PostgreSQL',
    head: ['', ...outcomes.keys()],
    rows: [
      row('a log: Node, µs of CPU', ({ write }) => micros(write.node)),
      row('a log: database, µs of CPU', ({ write }) => micros(write.database)),
      row('logs/s answered', ({ write }) => number(write.logsPerSecond)),
      ...PATCH_CONNECTIONS.flatMap((connections, index) => [
        row(`a PATCH over ${connections}: Node, µs of CPU`, ({ patches }) => micros(patches[index]!.node)),
        row('the minimal server: Node, µs of CPU', ({ minimalPatches }) =>
          micros(minimalPatches?.[index]?.node ?? Number.NaN),
        ),
        row(`a PATCH over ${connections}: database, µs of CPU`, ({ patches }) => micros(patches[index]!.database)),
        row('the minimal server: database, µs of CPU', ({ minimalPatches }) =>
          micros(minimalPatches?.[index]?.database ?? Number.NaN),
        ),
      ]),
      ...reads.map((name) =>
        row(`${name}, ms`, (outcome) => {
          const [typical, slow] = outcome.reads.get(name)!;
          return `${millis(typical)} / ${millis(slow)}`;
        }),
      ),
    ],
    note: `3.3 kB a log, search on, arrays of ${LOGS_PER_REQUEST}, ${CONNECTIONS} connections, the commit waits for the disk. The cost of a log is that of ${number(MEASURED_GROUPS * LOGS_PER_GROUP)} logs in an empty store after ${number(WARM_UP_GROUPS * LOGS_PER_GROUP)}, with the index of words; that of a PATCH, by reference with an output of 600 characters, over ${PATCH_CONNECTIONS.join(' or ')} connections, is that of ${number(PATCHES)} after ${number(WARM_UP_PATCHES)}; the minimal server parses the body, merges it into the JSON of the log by one statement, and answers with the log. The reads are over HTTP with ${number(logs)} logs in the store: median and 95th percentile of ${READS}, the first page of each. Client, server and database share the processors.`,
  };
}

async function withPostgres(version: string, logs: number): Promise<Outcome> {
  const cluster = startCluster(version);
  try {
    const [{ url }] = (await once(cluster, 'message')) as [ClusterState];
    const readDatabase = async () => (await ask<ClusterState>(cluster)).cpuMicros;
    const inServer = <Result>(kind: string, work: (server: StoreServer) => Promise<Result>) =>
      withStoreServer({ kind, place: url, connections: MAX_CONNECTIONS }, work);
    const minimalPatches = await inServer('minimal', async (server) => {
      await fill(server, 0, PATCHED_GROUPS);
      return measurePatches(server, readDatabase);
    });
    return { ...(await inServer('ours', (server) => measure(server, readDatabase, logs))), minimalPatches };
  } finally {
    const ended = once(cluster, 'exit');
    cluster.disconnect();
    await ended;
  }
}

async function withFile(logs: number): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), 'postgres-bench-'));
  try {
    const place = join(directory, 'logs.db');
    return await withStoreServer({ kind: 'ours', place, connections: MAX_CONNECTIONS }, (server) =>
      measure(server, async () => 0, logs),
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function findVersions(): Promise<string[]> {
  const child = startCluster();
  const [names] = (await once(child, 'message')) as [string[]];
  return names;
}

function startCluster(...argument: string[]): ChildProcess {
  const file = fileURLToPath(new URL('../postgres-cluster.ts', import.meta.url));
  return fork(file, argument, { execArgv: ['--import', 'tsx'] });
}

type ReadDatabase = () => Promise<number>;

async function measure(server: StoreServer, readDatabase: ReadDatabase, logs: number): Promise<Outcome> {
  const groups = Math.max(PATCHED_GROUPS, Math.ceil(logs / LOGS_PER_GROUP));
  await fill(server, 0, WARM_UP_GROUPS);
  const measured = range(MEASURED_GROUPS, WARM_UP_GROUPS).map(serverRequests);
  const write = await costOf({ server, readDatabase, count: MEASURED_GROUPS * LOGS_PER_GROUP }, () =>
    postAll(server.send, CONNECTIONS, measured),
  );
  for (let at = PATCHED_GROUPS; at < groups; at += 80) await fill(server, at, Math.min(groups, at + 80));
  return {
    write: { ...write, logsPerSecond: (MEASURED_GROUPS * LOGS_PER_GROUP) / write.seconds },
    patches: await measurePatches(server, readDatabase),
    reads: await timeReads(server.send),
  };
}

async function measurePatches(server: StoreServer, readDatabase: ReadDatabase): Promise<Cost[]> {
  await patchAll(server.send, { connections: CONNECTIONS, first: 0, count: WARM_UP_PATCHES });
  const costs: Cost[] = [];
  for (const [index, connections] of PATCH_CONNECTIONS.entries()) {
    const patched = { connections, first: WARM_UP_PATCHES + index * PATCHES, count: PATCHES };
    costs.push(await costOf({ server, readDatabase, count: PATCHES }, () => patchAll(server.send, patched)));
  }
  return costs;
}

async function costOf(
  { server, readDatabase, count }: { server: StoreServer; readDatabase: ReadDatabase; count: number },
  work: () => Promise<unknown>,
): Promise<Cost & { readonly seconds: number }> {
  const [node, database] = [(await server.untilIndexed()).cpuMillis, await readDatabase()];
  const startedAtMillis = performance.now();
  await work();
  const seconds = (performance.now() - startedAtMillis) / 1000;
  await sleep(SETTLING_MILLIS);
  const spent = (await server.untilIndexed()).cpuMillis - node;
  return { node: (spent * 1000) / count, database: ((await readDatabase()) - database) / count, seconds };
}

async function fill({ send }: StoreServer, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += GROUPS_AT_ONCE) {
    const count = Math.min(GROUPS_AT_ONCE, to - at);
    await postAll(send, CONNECTIONS, range(count, at).map(serverRequests));
  }
  process.stderr.write('.');
}

/** Of logs that are spread over what the first groups have stored, each once. */
async function patchAll(
  send: StoreServer['send'],
  { connections, first, count }: { connections: number; first: number; count: number },
): Promise<void> {
  const all = PATCHED_GROUPS * LOGS_PER_GROUP;
  let next = first;
  const connection = async () => {
    while (next < first + count) {
      const reference = referenceOf((next * STRIDE) % all);
      next += 1;
      const body = Buffer.from(JSON.stringify({ output: `changed ${next} `.padEnd(600, 'lo '), duration: 1 }));
      await send('PATCH', `/v4/logs?reference_id=${reference}`, body);
    }
  };
  await Promise.all(Array.from({ length: connections }, connection));
}

async function timeReads(send: StoreServer['send']): Promise<Map<string, readonly [number, number]>> {
  const read = async (path: string) => JSON.parse((await send('GET', `/viewer/api/${path}`)).toString());
  const { sessions } = (await read('sessions?size=50')) as { sessions: { id: string }[] };
  const paths = new Map(
    Object.entries(READS_OF_SESSIONS).map(([name, query]) => [name, () => `sessions?size=50${query}`]),
  );
  let next = 0;
  paths.set('opening a session', () => `sessions/${sessions[next++ % sessions.length]!.id}`);
  const times = new Map<string, readonly [number, number]>();
  for (const [name, pathOf] of paths) {
    const own: number[] = [];
    for (let round = 0; round < READS; round += 1) {
      const startedAtMillis = performance.now();
      await read(pathOf());
      own.push(performance.now() - startedAtMillis);
    }
    own.sort((a, b) => a - b);
    times.set(name, [median(own), own[Math.floor(READS * 0.95)]!]);
  }
  return times;
}

function range(length: number, first = 0): number[] {
  return Array.from({ length }, (_, index) => first + index);
}
