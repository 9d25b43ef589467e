/**
 * Decides when due spans are worked off: they gather for a while, and the work is cut into slices between turns of the
 * event loop. `log-writer.ts` does the work.
 */
import { Deadline } from '../scheduling/deadline.ts';
import { EarliestTimer } from '../scheduling/earliest-timer.ts';
import { Turns } from '../scheduling/turns.ts';
import type { SpanNode } from '../trace/span-node.ts';
import type { TraceTracker } from '../trace/trace-tracker.ts';

/** Spans in a run. A larger trace is cut, since all readings of a run are in memory at once. */
const MAX_RUN = 1_000;
/**
 * How long due spans gather. In an app that does other work between its spans, the CPU's caches are cold for each
 * trace: a single trace costs twice as much as one of twenty.
 */
const GATHER_MILLIS = 100;
/** With this many due spans the work starts at once. */
const MAX_GATHERED = 250;
/** SDKs do not bound the time in which they find out what a resource is. */
const MAX_POSTPONED_MILLIS = 5_000;

export interface BacklogOptions {
  /** If false, due spans are worked off in the next turn, since their logs should reach the disk soon. */
  readonly gathers: boolean;
  /** Works off spans of one trace that are due together. Yields after each small step, and never throws. */
  readonly work: (run: readonly SpanNode[]) => Generator<void>;
}

export class Backlog {
  readonly #tracker: TraceTracker;
  readonly #options: BacklogOptions;
  readonly #turns = new Turns(() => this.#workOff());
  readonly #timer = new EarliestTimer(() => this.#start());
  /** Other work in slices, done after the due spans. */
  #jobs: Generator<void>[] = [];
  /** Called when the spans that are due now have been worked off. */
  #waiting: (() => void)[] = [];
  /** The timer is set, for spans that are due. */
  #isGathering = false;
  /** Work waits for what `postponeUntil` was given. */
  #isPostponed = false;
  #isClosed = false;

  constructor(tracker: TraceTracker, options: BacklogOptions) {
    this.#tracker = tracker;
    this.#options = options;
  }

  /** Call this when something may have become due. */
  schedule(): void {
    const { dueCount } = this.#tracker;
    if (dueCount + this.#jobs.length === 0) {
      if (!this.#timer.isSet) this.#workAt(this.#tracker.nextReleaseMillis);
    } else if (dueCount >= MAX_GATHERED || !this.#options.gathers) {
      this.#start();
    } else if (!this.#isGathering) {
      this.#workAt(performance.now() + GATHER_MILLIS);
      this.#isGathering = true;
    }
  }

  /** Adds other work, which must not throw. */
  add(job: Generator<void>): void {
    this.#jobs.push(job);
  }

  /** Starts no work until the promise is settled, for at most `MAX_POSTPONED_MILLIS`. */
  postponeUntil(settled: Promise<unknown>): void {
    if (this.#isPostponed) return;
    this.#isPostponed = true;
    const resume = () => {
      this.#isPostponed = false;
      this.#turns.schedule();
    };
    void new Deadline(MAX_POSTPONED_MILLIS).within(settled, 'postponed for too long').then(resume, resume);
  }

  /** Resolves when the spans that are due now, and the jobs that were added before, are worked off. */
  workedOff(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#start();
    });
  }

  /** Stops the timer: from now on only `workedOff` starts work. */
  close(): void {
    this.#isClosed = true;
    this.#timer.clear();
  }

  #start(): void {
    if (!this.#isPostponed) this.#turns.schedule();
  }

  *#workOff(): Generator<void> {
    this.#isGathering = false;
    this.#timer.clear();
    do {
      this.#tracker.releaseOverdue(performance.now());
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const due of this.#tracker.takeDue()) {
        for (const run of runsOf(due)) yield* this.#options.work(run);
      }
      for (const job of this.#jobs.splice(0)) yield* job;
      for (const resolve of waiting) resolve();
      // More may have been added between the turns of this work.
    } while (this.#waiting.length + this.#jobs.length > 0);
    this.schedule();
  }

  #workAt(atMillis: number | undefined): void {
    if (atMillis !== undefined && !this.#isClosed) this.#timer.fireAt(atMillis);
  }
}

function* runsOf(due: readonly SpanNode[]): Generator<readonly SpanNode[]> {
  if (due.length <= MAX_RUN) return yield due;
  for (let start = 0; start < due.length; start += MAX_RUN) yield due.slice(start, start + MAX_RUN);
}
