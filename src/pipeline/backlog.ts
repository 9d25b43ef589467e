/**
 * Decides when due spans are worked off: they gather for a while, and the work is cut into slices between turns of the
 * event loop. What the work is, `log-writer.ts` says.
 */
import { EarliestTimer } from '../scheduling/earliest-timer.ts';
import { Turns } from '../scheduling/turns.ts';
import type { SpanNode } from '../trace/span-node.ts';
import type { TraceTracker } from '../trace/trace-tracker.ts';

/** A larger trace is worked off in runs of this size: all readings of a run are in memory at once. */
const MAX_RUN = 1_000;
/**
 * How long due spans gather. In an app that does other things between its spans, one trace alone finds no code and no
 * data in the processor's caches, and costs twice what it costs as one of twenty.
 */
const GATHER_MILLIS = 100;
/** So many due spans are worked off without gathering longer. */
const GATHERED = 250;

export interface BacklogOptions {
  /** `false`: what is due is worked off in the next turn, since it is to reach the disk soon. */
  readonly gathers: boolean;
  /** Works off spans of one trace that are due together. Yields after each small step, and never throws. */
  readonly work: (run: readonly SpanNode[]) => Generator<void>;
}

export class Backlog {
  readonly #tracker: TraceTracker;
  readonly #options: BacklogOptions;
  readonly #turns = new Turns(() => this.#workOff());
  readonly #timer = new EarliestTimer(() => this.#turns.schedule());
  /** Other work that is to be done in slices, after what is due. */
  #jobs: Generator<void>[] = [];
  /** Called when all that is due by then has been worked off. */
  #marks: (() => void)[] = [];
  /** The timer is set for spans that have become due. */
  #isGathering = false;
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
    } else if (dueCount >= GATHERED || !this.#options.gathers) {
      this.#turns.schedule();
    } else if (!this.#isGathering) {
      this.#workAt(performance.now() + GATHER_MILLIS);
      this.#isGathering = true;
    }
  }

  /** Adds work of another kind. It must not throw. */
  add(job: Generator<void>): void {
    this.#jobs.push(job);
  }

  /** Resolves when all that is due now, and each job that was added before, is done. */
  worked(): Promise<void> {
    return new Promise((resolve) => {
      this.#marks.push(resolve);
      this.#turns.schedule();
    });
  }

  /** Sets no timer any more: from now on only `worked` makes anything happen. */
  close(): void {
    this.#isClosed = true;
    this.#timer.clear();
  }

  *#workOff(): Generator<void> {
    this.#isGathering = false;
    this.#timer.clear();
    do {
      this.#tracker.releaseOverdue(performance.now());
      const marks = this.#marks;
      this.#marks = [];
      for (const due of this.#tracker.takeDue()) {
        for (const run of runsOf(due)) yield* this.#options.work(run);
      }
      for (const job of this.#jobs.splice(0)) yield* job;
      for (const reached of marks) reached();
      // Between the turns of this work somebody may have asked for more.
    } while (this.#marks.length + this.#jobs.length > 0);
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
