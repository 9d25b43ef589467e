/**
 * Runs a long job in slices of `SLICE_MILLIS` between turns of the event loop.
 *
 * The job is a generator that yields after each small step. An unfinished job keeps the process alive until it is done:
 * its immediates are not unref'ed, since Node would run those only after another event.
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
    // Cleared before it runs, so that a later turn does not resume a job that has thrown.
    this.#job = undefined;
    while (!job.next().done) {
      if (performance.now() < untilMillis) continue;
      this.#job = job;
      return this.schedule();
    }
  }
}
