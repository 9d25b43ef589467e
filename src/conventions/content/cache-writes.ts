/**
 * Anthropic counts apart what it keeps in its cache for five minutes and for an hour. Where a source has only these two counts,
 * both together are what was written.
 */
import { countOf } from '../values/attributes.ts';

/** The two counts, as they are read before they are summed up. */
export interface CacheWrites {
  readonly cacheWritesForMinutes?: number | undefined;
  readonly cacheWritesForAnHour?: number | undefined;
}

export const CACHE_WRITE_NAMES: Readonly<Record<keyof CacheWrites, readonly string[]>> = {
  cacheWritesForMinutes: namesFor('5m'),
  cacheWritesForAnHour: namesFor('1h'),
};

function namesFor(time: string): string[] {
  return [
    `ephemeral_${time}_input_tokens`,
    `cache_creation.ephemeral_${time}_input_tokens`,
    `cache_creation_ephemeral_${time}_input_tokens`,
    `input_cache_creation_${time}`,
    `prompt_cache_creation_${time}_tokens`,
    `cache_creation_${time}_tokens`,
    `cache_write_${time}_tokens`,
    `input_tokens_details.ephemeral_${time}_input_tokens`,
    `input_token_details.ephemeral_${time}_input_tokens`,
  ];
}

/** Returns all that was written; some sources say 0 for it beside the two counts. */
export function sumOfCacheWrites(all: unknown, minutes: unknown, hour: unknown): number | undefined {
  const [total, short, long] = [countOf(all), countOf(minutes), countOf(hour)];
  if (total || (short === undefined && long === undefined)) return total;
  return (short ?? 0) + (long ?? 0);
}
