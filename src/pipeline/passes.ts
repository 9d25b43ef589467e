/** Passes over the spans of a run, one after the other. */
import type { Run } from './run.ts';

/** Never throws. If it is not done when it returns, the result does the rest, and yields after small steps. */
export type Pass = (run: Run) => Generator<void> | undefined;

/** The result is as that of a pass. In a loop, V8 compiles what the passes share once, and not for each of them. */
export function passOver(run: Run, passes: readonly Pass[], from = 0): Generator<void> | undefined {
  for (let at = from; at < passes.length; at++) {
    const rest = passes[at]?.(run);
    if (rest) return passRest(rest, run, passes, at + 1);
  }
  return undefined;
}

function* passRest(rest: Generator<void>, run: Run, passes: readonly Pass[], next: number): Generator<void> {
  yield* rest;
  const others = passOver(run, passes, next);
  if (others) yield* others;
}
