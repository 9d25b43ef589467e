/** What requests of several kinds cost log servers in processes of their own, measured in turns. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { median } from './median.ts';
import type { Post } from './otlp-workload.ts';
import type { ServerState } from './server-process.ts';

const POLL_MILLIS = 100;
/** What follows the last log of the index: sums, filters, and the merging of what was written. */
const REST_MILLIS = 400;
/** Processes of the same code differ by up to a quarter, in what V8 has compiled and where its memory is. */
const PROCESSES = 3;
/** V8 still compiles in them: the first one costs up to twice as much as later ones, the second a fifth more. */
const WARM_UP_ROUNDS = 2;

type Makers = Readonly<Record<string, () => Promise<Post[]>>>;

export class CostsOfPosts {
  /** By kind: CPU microseconds of the server for each round. */
  readonly #rounds: ReadonlyMap<string, readonly number[]>;

  private constructor(rounds: ReadonlyMap<string, readonly number[]>) {
    this.#rounds = rounds;
  }

  /** @param count number of rounds that are counted, of each process. */
  static async measure(count: number, makers: Makers): Promise<CostsOfPosts> {
    const rounds = new Map<string, number[]>(Object.keys(makers).map((kind) => [kind, []]));
    for (let each = 0; each < PROCESSES; each++) {
      const kinds = Object.entries(makers);
      const ofProcess = await measureProcess(each % 2 === 0 ? kinds : kinds.reverse(), WARM_UP_ROUNDS + count);
      for (const [kind, micros] of ofProcess) rounds.get(kind)!.push(...micros.slice(WARM_UP_ROUNDS));
    }
    return new CostsOfPosts(rounds);
  }

  /** Returns the median of the rounds. */
  microsOf(kind: string): number {
    return median(this.#rounds.get(kind) ?? []);
  }

  /** Returns the median of the quotients of each round: a neighbour that slows one round down slows both. */
  ratioOf(kind: string, other: string): number {
    const others = this.#rounds.get(other) ?? [];
    return median((this.#rounds.get(kind) ?? []).map((micros, round) => micros / others[round]!));
  }
}

/** Resolves to the CPU microseconds of a new server for each round, by kind. */
async function measureProcess(
  kinds: readonly [kind: string, make: () => Promise<Post[]>][],
  rounds: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const directory = mkdtempSync(join(tmpdir(), 'otlp-bench-'));
  const path = fileURLToPath(new URL('server-process.js', import.meta.url));
  const server = fork(path, ['ours', join(directory, 'logs.db')], { execArgv: profiling() });
  const [{ port }] = (await once(server, 'message')) as [{ port: number }];
  const readState = async (): Promise<ServerState> => {
    server.send('state');
    return ((await once(server, 'message')) as [ServerState])[0];
  };
  const micros = new Map<string, number[]>(kinds.map(([kind]) => [kind, []]));
  for (let round = 0; round < rounds; round++) {
    // What a kind leaves to be done later is paid by another one in each round.
    for (const [kind, make] of round % 2 === 0 ? kinds : kinds.toReversed()) {
      const posts = await make();
      const before = await readState();
      for (const post of posts) await send(`http://127.0.0.1:${port}`, post);
      while ((await readState()).unindexed > 0) await sleep(POLL_MILLIS);
      await sleep(REST_MILLIS);
      micros.get(kind)!.push(((await readState()).cpuMillis - before.cpuMillis) * 1000);
    }
    process.stderr.write('.');
  }
  const ended = once(server, 'exit');
  server.disconnect();
  await ended;
  rmSync(directory, { recursive: true });
  return micros;
}

/** `OTLP_BENCH_PROFILE` is a directory for a CPU profile of the server. */
function profiling(): string[] {
  const directory = process.env['OTLP_BENCH_PROFILE'];
  return directory ? ['--cpu-prof', `--cpu-prof-dir=${directory}`] : [];
}

async function send(url: string, { path, type, body }: Post): Promise<void> {
  const response = await fetch(url + path, { method: 'POST', body, headers: { 'content-type': type } });
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}
