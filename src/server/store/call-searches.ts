/** Calls that are looked for together, by key and time: their searches read the same rows. Pure. */
import type { CallKey } from './ingest.ts';

/** What is wanted of one key that starts within so long is looked for together. */
const TOGETHER_MILLIS = 60_000;

export interface CallSearch {
  /** The earliest of what is wanted. */
  readonly first: CallKey;
  endMillis: number;
  wantedCount: number;
  /** Whether all that is wanted has the reporter of the first. */
  isOfOne: boolean;
}

export function toCallSearches(wanted: readonly CallKey[]): CallSearch[] {
  const searches: CallSearch[] = [];
  /** The last one of each key. */
  const latest = new Map<string, CallSearch>();
  for (const first of [...wanted].sort((a, b) => a.startMillis - b.startMillis)) {
    const { key, startMillis, endMillis } = first;
    const known = latest.get(key);
    if (known && startMillis <= known.first.startMillis + TOGETHER_MILLIS) {
      known.endMillis = Math.max(known.endMillis, endMillis);
      known.wantedCount += 1;
      known.isOfOne &&= known.first.reporter === first.reporter;
      continue;
    }
    const search = { first, endMillis, wantedCount: 1, isOfOne: true };
    searches.push(search);
    latest.set(key, search);
  }
  return searches;
}
