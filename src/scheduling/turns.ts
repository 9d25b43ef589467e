/**
 * Runs a long job in slices between turns of the event loop: a slice ends after `SLICE_MILLIS`, whatever is left.
 *
 * The job is a generator that yields after each small step. The immediates are not unref'ed: Node then sleeps until
 * some other event comes, and does not look at them before. So a job that is left keeps the process alive until it is
 * done, which is a matter of milliseconds.
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
    // A job that throws is over. It is not left here, where every later turn would take it up again.
    this.#job = undefined;
    while (!job.next().done) {
      if (performance.now() < untilMillis) continue;
      this.#job = job;
      return this.schedule();
    }
  }
}
