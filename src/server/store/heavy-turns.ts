/**
 * Divides heavy work. Each of its steps has a turn of the event loop of its own, and no other heavy step is in that turn,
 * whoever's it is: all other requests wait for one step only. There is one queue, as there is one event loop.
 */

/** How long the parts of a step may take together. */
const STEP_MILLIS = 10;

const waiting: (() => void)[] = [];

/** Resolves in a turn in which nothing else heavy runs. What follows has to be one step of at most some 40 ms. */
export function nextHeavyTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(runNext);
  });
}

function runNext(): void {
  waiting.shift()!();
  // An immediate that is set here runs after the next look at timers and sockets.
  if (waiting.length > 0) setImmediate(runNext);
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
