/** What is written in one transaction, possibly step by step. */

/** A generator is a long work, which can be interrupted where it yields. */
export type Work<Result> = () => Result | Generator<void, Result>;

export function* toSteps(work: Work<unknown>): Generator<void, unknown> {
  const result = work();
  return isGenerator(result) ? yield* result : result;
}

function isGenerator(value: unknown): value is Generator<void, unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value && 'next' in value;
}
