/** Work that may take long: a generator, which yields where other work may be done. */
import { createPauses } from './heavy-turns.ts';

/** The shortest time that is worth a look for other work. */
const STEPS_MILLIS = 5;

/** A generator is a long work, which can be interrupted where it yields. */
export type Work<Result> = () => Result | Generator<void, Result>;

export function* toSteps<Result>(work: Work<Result>): Generator<void, Result> {
  const result = work();
  return isGenerator(result) ? yield* result : result;
}

/** Takes all steps at once. */
export function toEnd<Result>(steps: Generator<void, Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Takes the steps, and lets other work of the process run between them, and at the end. */
export async function takeSteps<Result>(steps: Generator<void, Result>): Promise<Result> {
  const pause = createPauses();
  for (;;) {
    const step = takeSome(steps);
    await pause();
    if (step.done) return step.value;
  }
}

function takeSome<Result>(steps: Generator<void, Result>): IteratorResult<void, Result> {
  const end = performance.now() + STEPS_MILLIS;
  let step = steps.next();
  while (!step.done && performance.now() < end) step = steps.next();
  return step;
}

function isGenerator<Result>(value: Result | Generator<void, Result>): value is Generator<void, Result> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value && 'next' in value;
}
