/**
 * Runs a long job in slices between turns of the event loop: a slice ends after `SLICE_MILLIS`, whatever is left.
 *
 * The job is a generator that yields after each small step. Immediates are unref'ed: work that is left does not keep
 * the process alive, a flush that somebody awaits does.
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
    setImmediate(() => this.#run()).unref();
  }

  #run(): void {
    this.#isScheduled = false;
    const untilMillis = performance.now() + SLICE_MILLIS;
    this.#job ??= this.#createJob();
    while (!this.#job.next().done) {
      if (performance.now() >= untilMillis) return this.schedule();
    }
    this.#job = undefined;
  }
}
