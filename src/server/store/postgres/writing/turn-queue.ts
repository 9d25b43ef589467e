/**
 * Decides when a turn starts, and which requests share it: those that come while the connections for writes are busy
 * wait for the next one.
 */
import { PATIENCE_MILLIS, waitedTooLong } from '../tables/repeat-turn.ts';
import type { Work } from './find-named.ts';

const MAX_RUNNING = 4;
const MAX_LOGS = 500;
const GATHER_MILLIS = 3;
/** Who was answered by a turn may be about to ask again: for so long, the next one waits for as many as it answered. */
const RETURN_MILLIS = 8;
/** So much is worth a turn beside those that run; what is less waits until one of them ends, but not for long. */
const WORTH_A_TURN = 50;
const MAX_WAIT_MILLIS = 25;
/** What an update counts for: all of its log is read, and what an app updates at once is better written at once. */
const LOGS_PER_UPDATE = 2;

export interface Job<Outcome> {
  readonly work: Work;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

interface Waiting<Outcome> extends Job<Outcome> {
  readonly logs: number;
  /** By `performance.now()`. */
  readonly arrivedAtMillis: number;
}

export class TurnQueue<Outcome> {
  readonly #runJobs: (jobs: readonly Job<Outcome>[]) => Promise<void>;
  #queue: Waiting<Outcome>[] = [];
  #running = 0;
  #timer: NodeJS.Timeout | undefined;
  /** The next turn starts when so many wait, or at that time of `performance.now()`. */
  #returning = { count: 0, untilMillis: 0 };
  #idle: (() => void)[] = [];

  /** @param runJobs resolves when each of the jobs is resolved or rejected. */
  constructor(runJobs: (jobs: readonly Job<Outcome>[]) => Promise<void>) {
    this.#runJobs = runJobs;
  }

  /** Requests that wait for a turn. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Turns that run. */
  get running(): number {
    return this.#running;
  }

  /** Resolves to what became of the work in its turn. */
  run(work: Work): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const arrivedAtMillis = performance.now();
      this.#queue.push({ work, logs: sizeOf(work), arrivedAtMillis, resolve, reject });
      const { count, untilMillis } = this.#returning;
      const isForeseen = arrivedAtMillis < untilMillis && !this.#isMuch();
      if (isForeseen && this.#queue.length >= count) this.#start();
      else this.#timer ??= setTimeout(() => this.#start(), isForeseen ? untilMillis - arrivedAtMillis : GATHER_MILLIS);
    });
  }

  /** Resolves when everything that was accepted is answered. */
  async drain(): Promise<void> {
    if (this.#queue.length > 0 || this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#returning = { count: 0, untilMillis: 0 };
    while (this.#running < MAX_RUNNING && this.#isWorthATurn()) {
      const jobs: Job<Outcome>[] = [];
      for (let logs = 0; this.#queue.length > 0 && (logs === 0 || logs + this.#queue[0]!.logs <= MAX_LOGS); ) {
        const job = this.#queue.shift()!;
        if (performance.now() - job.arrivedAtMillis > PATIENCE_MILLIS) {
          job.reject(waitedTooLong());
          continue;
        }
        jobs.push(job);
        logs += job.logs;
      }
      if (jobs.length === 0) continue;
      this.#running += 1;
      void this.#runJobs(jobs).finally(() => {
        this.#running -= 1;
        if (this.#queue.length === 0 || this.#isMuch()) this.#start();
        else this.#startIn(jobs.length > 1 ? RETURN_MILLIS : GATHER_MILLIS);
        // Half of those who ask again and again would wait for the other half for ever.
        if (this.#running === 0 && jobs.length > 1)
          this.#returning = { count: this.#queue.length + jobs.length, untilMillis: performance.now() + RETURN_MILLIS };
      });
    }
    if (this.#queue.length > 0 && this.#running < MAX_RUNNING) this.#startIn(MAX_WAIT_MILLIS);
    if (this.#queue.length === 0 && this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #startIn(millis: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#start(), millis);
  }

  #isWorthATurn(): boolean {
    return this.#queue.length > 0 && (this.#running === 0 || this.#isMuch());
  }

  /** Whether it is worth a turn beside others. */
  #isMuch(): boolean {
    const [oldest] = this.#queue;
    if (!oldest) return false;
    let logs = 0;
    for (const job of this.#queue) {
      logs += job.logs;
      if (logs >= WORTH_A_TURN) return true;
    }
    return performance.now() - oldest.arrivedAtMillis >= MAX_WAIT_MILLIS;
  }
}

function sizeOf(work: Work): number {
  if (work.kind === 'create') return work.logs.length;
  return work.kind === 'feedback' ? work.requests.length : LOGS_PER_UPDATE;
}
