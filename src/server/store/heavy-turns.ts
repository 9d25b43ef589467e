/**
 * Divides heavy work. Each of its steps has a turn of the event loop of its own, and no other heavy step is in that turn,
 * whoever's it is: all other requests wait for one step only. There is one queue, as there is one event loop. Turns of
 * writes, which many wait for, overtake the others, but never twice in a row.
 */

/** How long the parts of a step may take together. */
const STEP_MILLIS = 10;

const waiting: (() => void)[] = [];
const overtaking: (() => void)[] = [];
let hasOvertaken = false;
let isScheduled = false;

/** Resolves in a turn in which nothing else heavy runs. What follows has to be one step of at most some 40 ms. */
export function nextHeavyTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    schedule();
  });
}

/** Runs a turn of writes, which may be heavy, in such a turn. */
export function overtake(run: () => void): void {
  overtaking.push(run);
  schedule();
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(runNext);
}

function runNext(): void {
  isScheduled = false;
  hasOvertaken = overtaking.length > 0 && !(hasOvertaken && waiting.length > 0);
  const next = (hasOvertaken ? overtaking : waiting).shift();
  // An immediate that is set here runs after the next look at timers and sockets.
  if (waiting.length + overtaking.length > 0) schedule();
  next?.();
}

/** Returns a function to call between parts of any size. It gives way when those since the last time took long. */
export function createPauses(): () => Promise<void> {
  let begun = performance.now();
  return async () => {
    if (performance.now() - begun < STEP_MILLIS) return;
    await nextHeavyTurn();
    begun = performance.now();
  };
}
