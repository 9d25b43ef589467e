/** Prints the progress of a run if its output goes to a file or another program, not to a terminal. */
import type { Reporter } from 'vitest/node';

/** Number of test files between two lines. */
const STEP = 10;

export default class ProgressReporter implements Reporter {
  #files = 0;
  #done = 0;
  #startedAtMillis = 0;

  onTestRunStart(specifications: readonly unknown[]): void {
    this.#files = specifications.length;
    this.#done = 0;
    this.#startedAtMillis = performance.now();
  }

  onTestModuleEnd(): void {
    this.#done++;
    if (process.stdout.isTTY || this.#done % STEP !== 0) return;
    const seconds = Math.round((performance.now() - this.#startedAtMillis) / 1_000);
    console.log(`\n   ${this.#done} of ${this.#files} files after ${seconds} s\n`);
  }
}
