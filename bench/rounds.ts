/**
 * Runs the contenders in turn, round after round, each in a process of its own. Another one begins each round, so that
 * none has the best place in the order and what else happens on the machine affects all of them alike.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Measurement, Task } from './measure.ts';
import { median } from './median.ts';
import type { SinkConditions, SinkCounts } from './sink.ts';
import { LOGS_PER_TRACE, SPANS_PER_TRACE } from './workload.ts';

export interface Round extends Measurement, SinkCounts {
  readonly warmUpTraces: number;
  /** Number of logs (for OTLP: spans) that should have arrived, including the warm-up. */
  readonly expected: number;
}

/** One entry per round, by contender. */
export type Rounds = ReadonlyMap<string, readonly Round[]>;

export interface Conditions extends SinkConditions {
  /** Whether another process keeps one core busy. */
  readonly hasNeighbour: boolean;
}

const NORMAL: SinkConditions = { delayMillis: 0, failingShare: 0 };

export class Arena {
  readonly #sink: ChildProcess;
  readonly #origin: string;

  private constructor(sink: ChildProcess, port: number) {
    this.#sink = sink;
    this.#origin = `http://127.0.0.1:${port}`;
  }

  static async open(): Promise<Arena> {
    const sink = fork(pathOf('sink.js'));
    const [{ port }] = (await once(sink, 'message')) as [{ port: number }];
    return new Arena(sink, port);
  }

  close(): void {
    this.#sink.disconnect();
  }

  /** @param count number of rounds. */
  async compare(
    contenders: readonly string[],
    count: number,
    task: Omit<Task, 'contender' | 'origin'>,
    { hasNeighbour = false, ...sinkConditions }: Partial<Conditions> = {},
  ): Promise<Rounds> {
    const rounds = new Map<string, Round[]>(contenders.map((name) => [name, []]));
    const neighbour = hasNeighbour ? await startNeighbour() : undefined;
    for (let round = 0; round < count; round++) {
      const first = round % contenders.length;
      for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
        rounds.get(contender)?.push(await this.#measure({ ...task, contender, origin: this.#origin }, sinkConditions));
        process.stderr.write('.');
      }
    }
    if (neighbour) await stopNeighbour(neighbour);
    return rounds;
  }

  async #measure(task: Task, conditions: Partial<SinkConditions>): Promise<Round> {
    await this.#ask({ reset: { ...NORMAL, ...conditions } });
    const child = fork(pathOf('measure.js'), [JSON.stringify(task)]);
    const measured = once(child, 'message') as Promise<[Measurement]>;
    const failed = once(child, 'exit').then(([code]) => {
      throw new Error(`${task.job} of ${task.contender} ended with exit code ${code}`);
    });
    const [measurement] = await Promise.race([measured, failed]);
    failed.catch(() => undefined);
    const counts = await this.#ask({});
    const { warmUpTraces } = task;
    const perTrace = task.contender.startsWith('OTLP') ? SPANS_PER_TRACE : LOGS_PER_TRACE;
    return { ...measurement, ...counts, warmUpTraces, expected: (task.traces + warmUpTraces) * perTrace };
  }

  async #ask(message: { reset?: SinkConditions }): Promise<SinkCounts> {
    const answer = once(this.#sink, 'message') as Promise<[{ counts: SinkCounts }]>;
    this.#sink.send(message);
    return (await answer)[0].counts;
  }
}

async function startNeighbour(): Promise<ChildProcess> {
  const neighbour = fork(pathOf('neighbour.js'));
  await once(neighbour, 'message');
  return neighbour;
}

async function stopNeighbour(neighbour: ChildProcess): Promise<void> {
  const ended = once(neighbour, 'exit');
  neighbour.disconnect();
  await ended;
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

export function medianOf(rounds: readonly Round[] | undefined, read: (round: Round) => number): number {
  return median((rounds ?? []).map(read));
}

/** Returns for each round a figure of several contenders, at most three. */
export function ofEachRound(
  rounds: Rounds,
  names: readonly string[],
  compute: (first: Round, second: Round, third: Round) => number,
): number[] {
  const [first = [], ...others] = names.map((name) => rounds.get(name) ?? []);
  return first.map((round, index) => compute(round, ...(others.map((other) => other[index]) as [Round, Round])));
}
