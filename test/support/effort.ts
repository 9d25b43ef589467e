/**
 * What work costs, as ratios within this process: a slow machine, and what others do on it, change both sides. Milliseconds
 * are measured in `bench/`, and no test compares them with a figure.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Between that of work in proportion to its size, and that of its square, for four times as much. */
export const MOST_RATIO = 9;
const TRIES = 4;
/** Ratios of less are those of chance. */
const LEAST_MILLIS = 1;

/** CPU time of this process in milliseconds: what other processes take does not count. */
function cpuMillis(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

async function cpuMillisOf(run: () => unknown): Promise<number> {
  const before = cpuMillis();
  await run();
  return cpuMillis() - before;
}

/**
 * Returns how many times as much CPU time `more` takes as `less`, each the best of some tries, which end once that is below
 * `most`. Work in proportion to its size takes 4 times as long for four times as much, that of its square 16 times as long.
 */
export async function ratioOf(less: () => unknown, more: () => unknown, most = MOST_RATIO): Promise<number> {
  // The first time runs code that is not compiled yet.
  await less();
  let [bestLess, bestMore, ratio] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let attempt = 0; attempt < TRIES && ratio >= most; attempt += 1) {
    bestLess = Math.min(bestLess, await cpuMillisOf(less));
    bestMore = Math.min(bestMore, await cpuMillisOf(more));
    ratio = bestMore / Math.max(bestLess, LEAST_MILLIS);
  }
  return ratio;
}

/**
 * Returns the CPU time of a fixed piece of work, some 50 ms on a machine of 2025. It is the unit of limits that are far above
 * what is seen, against what takes many times as long.
 */
export async function yardstickMillis(): Promise<number> {
  const text = JSON.stringify(Array.from({ length: 200_000 }, (_, index) => ({ index, text: `item ${index}` })));
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    best = Math.min(best, await cpuMillisOf(() => JSON.parse(text)));
  }
  return best;
}

/**
 * Returns what `work` resolves to, its CPU time, and that of the longest turn that the event loop took meanwhile. These are
 * for comparisons with each other, and with other work.
 */
export async function watchTurns<Result>(
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly wholeMillis: number; readonly longestMillis: number }> {
  let [isDone, longestMillis, wholeMillis] = [false, 0, 0];
  const watching = (async () => {
    while (!isDone) {
      const millis = await cpuMillisOf(() => nextTurn());
      longestMillis = Math.max(longestMillis, millis);
      wholeMillis += millis;
    }
  })();
  const result = await work().finally(() => {
    isDone = true;
  });
  await watching;
  return { result, wholeMillis, longestMillis };
}
