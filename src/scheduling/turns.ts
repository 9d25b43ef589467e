/**
 * Runs a long job in slices between turns of the event loop. A slice ends after `SLICE_MILLIS`, whatever is left.
 *
 * The job is a generator that yields after each small step. An unfinished job keeps the process alive, for some
 * milliseconds: its immediates are not unref'ed, since Node would not run those before some other event wakes it.
 */
const SLICE_MILLIS = 4;

export class Turns {
  readonly #createJob: () => Generator<void>;
  #job: Generator<void> | undefined;
  #isScheduled = false;

  constructor(createJob: () => Generator<void>) {
    this.#createJob = createJob;
  }

  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#run());
  }

  #run(): void {
    this.#isScheduled = false;
    const untilMillis = performance.now() + SLICE_MILLIS;
    const job = this.#job ?? this.#createJob();
    // Cleared before it runs: a job that throws is over, and must not be resumed by later turns.
    this.#job = undefined;
    while (!job.next().done) {
      if (performance.now() < untilMillis) continue;
      this.#job = job;
      return this.schedule();
    }
  }
}
