/**
 * Numbers from 0 to below 1, the same ones for the same seed. A linear congruential generator: cheap, and the same
 * everywhere.
 */
export function createRandom(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
