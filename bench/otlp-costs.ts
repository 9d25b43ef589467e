/** What requests of several kinds cost a log server in a process of its own, measured in turns. */
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

export class CostsOfPosts {
  /** By kind: CPU microseconds of the server for each round. */
  readonly #rounds: ReadonlyMap<string, readonly number[]>;

  private constructor(rounds: ReadonlyMap<string, readonly number[]>) {
    this.#rounds = rounds;
  }

  /** The first of the rounds is not counted. */
  static async measure(rounds: number, makers: Readonly<Record<string, () => Promise<Post[]>>>): Promise<CostsOfPosts> {
    const directory = mkdtempSync(join(tmpdir(), 'otlp-bench-'));
    const path = fileURLToPath(new URL('server-process.js', import.meta.url));
    const server = fork(path, ['ours', join(directory, 'logs.db')], { execArgv: profiling() });
    const [{ port }] = (await once(server, 'message')) as [{ port: number }];
    const readState = async (): Promise<ServerState> => {
      server.send('state');
      return ((await once(server, 'message')) as [ServerState])[0];
    };
    const micros = new Map<string, number[]>(Object.keys(makers).map((kind) => [kind, []]));
    for (let round = 0; round < rounds; round++) {
      // What a kind leaves to be done later is paid by another one in each round.
      const kinds = Object.entries(makers);
      for (const [kind, make] of round % 2 === 0 ? kinds : kinds.reverse()) {
        const posts = await make();
        const before = await readState();
        for (const post of posts) await send(`http://127.0.0.1:${port}`, post);
        while ((await readState()).unindexed > 0) await sleep(POLL_MILLIS);
        await sleep(REST_MILLIS);
        const spent = ((await readState()).cpuMillis - before.cpuMillis) * 1000;
        if (round > 0) micros.get(kind)!.push(spent);
      }
      process.stderr.write('.');
    }
    const ended = once(server, 'exit');
    server.disconnect();
    await ended;
    rmSync(directory, { recursive: true });
    return new CostsOfPosts(micros);
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
