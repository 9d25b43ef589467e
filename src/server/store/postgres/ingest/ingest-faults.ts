/** What of an `ingest` cannot be stored is left out and named; the rest is stored. */
import type { IngestFault } from '../../ingest.ts';
import { RejectedFieldError, type RejectedItemError } from '../../rejected-item.ts';

/** Leaves out what cannot be stored, and says so. */
export function encodeEach<Item, Result>(
  items: readonly Item[],
  faults: IngestFault[],
  encode: (item: Item) => Result,
  nameOf: (item: Item) => string,
): Result[] {
  return items.flatMap((item) => {
    try {
      return [encode(item)];
    } catch (error) {
      if (!(error instanceof RejectedFieldError || error instanceof RangeError)) throw error;
      faults.push(toFault(nameOf(item), error));
      return [];
    }
  });
}

export function toFault(referenceId: string, error: unknown): IngestFault {
  if (error instanceof RangeError) return { referenceId, message: 'the datapoint is nested too deeply to be stored' };
  const { message } = error as RejectedItemError | RejectedFieldError;
  return { referenceId, message };
}
