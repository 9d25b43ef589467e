/** Durations of calls are counted in buckets, each 10 % longer than the one before, from which percentiles are read. */
const BUCKET_GROWTH = Math.log(1.1);
/** Bucket 0: a tenth of a millisecond and less. */
export const SHORTEST_SECONDS = 0.0001;
/** A day and more are one bucket. */
export const LONGEST_SECONDS = 86_400;
/** The bucket of calls without a duration. */
export const NO_DURATION = -1;

export function toBucket(seconds: number | null): number {
  if (seconds === null) return NO_DURATION;
  const within = Math.min(Math.max(seconds, SHORTEST_SECONDS), LONGEST_SECONDS);
  return Math.round(Math.log(within / SHORTEST_SECONDS) / BUCKET_GROWTH);
}

/** Returns the duration in the middle of the bucket; `undefined` for the bucket of calls without one. */
export function fromBucket(bucket: number): number | undefined {
  return bucket === NO_DURATION ? undefined : SHORTEST_SECONDS * Math.exp(bucket * BUCKET_GROWTH);
}
