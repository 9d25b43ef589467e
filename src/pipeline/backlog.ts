/**
 * Works off due spans, in slices between turns of the event loop. `intake.ts` decides when, apart from held spans whose time
 * is over; `log-writer.ts` does the work. Between slices the app runs, so each slice catches up with it first.
 */
import { Deadline } from '../scheduling/deadline.ts';
import { EarliestTimer } from '../scheduling/earliest-timer.ts';
import { letGo } from '../scheduling/let-go.ts';
import { Turns } from '../scheduling/turns.ts';
import type { SpanNode } from '../trace/span-node.ts';
import type { TraceTracker } from '../trace/trace-tracker.ts';

/** Spans in a run. A larger trace is cut, since all readings of a run are in memory at once. */
const MAX_RUN = 1_000;
/** SDKs do not bound the time in which they find out what a resource is. */
const MAX_POSTPONED_MILLIS = 5_000;

export interface BacklogOptions {
  /** Makes the tracker follow what has happened. Never throws. */
  readonly catchUp: () => void;
  /**
   * Works off spans of one trace that are due together, up to a small step. The result, if there is one, does the rest,
   * and yields after each small step. Neither throws. The list is emptied afterwards.
   */
  readonly work: (run: readonly SpanNode[]) => Generator<void> | undefined;
  /** Called when all that was due is worked off. */
  readonly onIdle: () => void;
}

export class Backlog {
  readonly #tracker: TraceTracker;
  readonly #options: BacklogOptions;
  readonly #turns = new Turns(() => this.#workOff());
  readonly #timer = new EarliestTimer(() => this.work());
  /** Other work in slices, done after the due spans. */
  #jobs: Generator<void>[] = [];
  /** Called when the spans that are due now have been worked off. */
  #waiting: (() => void)[] = [];
  /** The work was asked for since it last began. */
  #isWanted = false;
  #isWorking = false;
  /** Work waits for what `postponeUntil` was given. */
  #isPostponed = false;
  #isClosed = false;

  constructor(tracker: TraceTracker, options: BacklogOptions) {
    this.#tracker = tracker;
    this.#options = options;
  }

  get isIdle(): boolean {
    return !this.#isWanted && !this.#isWorking;
  }

  /** Begins to work off what is due, in the next turn or after the work in hand. */
  work(): void {
    this.#isWanted = true;
    if (!this.#isPostponed) this.#turns.schedule();
  }

  /** Adds other work, which must not throw. `work` or `workedOff` has to follow. */
  add(job: Generator<void>): void {
    this.#jobs.push(job);
  }

  /** Starts no work until the promise is settled, for at most `MAX_POSTPONED_MILLIS`. */
  postponeUntil(settled: Promise<unknown>): void {
    if (this.#isPostponed) return;
    this.#isPostponed = true;
    const resume = () => {
      this.#isPostponed = false;
      if (this.#isWanted) this.#turns.schedule();
    };
    void new Deadline(MAX_POSTPONED_MILLIS).within(settled, 'postponed for too long').then(resume, resume);
  }

  /** Resolves when the spans that are due now, and the jobs that were added before, are worked off. */
  workedOff(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.work();
    });
  }

  /** Stops the timer of held spans. */
  close(): void {
    this.#isClosed = true;
    this.#timer.clear();
  }

  *#workOff(): Generator<void> {
    this.#timer.clear();
    this.#isWorking = true;
    while (this.#isWanted) {
      this.#isWanted = false;
      this.#options.catchUp();
      if (this.#isPostponed) {
        this.#isWanted = true;
        break;
      }
      this.#tracker.releaseOverdue(performance.now());
      const waiting = this.#waiting;
      this.#waiting = [];
      const runs = this.#takeRuns();
      for (let at = 0; at < runs.length; at++) {
        const run = runs[at] as SpanNode[];
        const rest = this.#options.work(run);
        if (rest) yield* this.#finish(rest);
        letGo(run);
        // At the end too: many traces are so small that none of them yields itself.
        yield;
        this.#options.catchUp();
      }
      letGo(runs);
      for (const job of this.#jobs.splice(0)) {
        yield* this.#finish(job);
        yield;
        this.#options.catchUp();
      }
      for (const resolve of waiting) resolve();
    }
    this.#isWorking = false;
    this.#options.onIdle();
    const atMillis = this.#tracker.nextReleaseMillis;
    if (atMillis !== undefined && !this.#isClosed) this.#timer.fireAt(atMillis);
  }

  *#finish(work: Generator<void>): Generator<void> {
    while (!work.next().done) {
      yield;
      this.#options.catchUp();
    }
  }

  /** Takes the spans that are due, in runs. */
  #takeRuns(): SpanNode[][] {
    const all = this.#tracker.takeDue();
    return all.some(({ length }) => length > MAX_RUN) ? all.flatMap(cut) : all;
  }
}

function cut(due: SpanNode[]): SpanNode[][] {
  if (due.length <= MAX_RUN) return [due];
  const runs: SpanNode[][] = [];
  for (let start = 0; start < due.length; start += MAX_RUN) runs.push(due.slice(start, start + MAX_RUN));
  letGo(due);
  return runs;
}
