/** Prunes the store again and again, while the server runs. */
import type { DeletedCounts, Store } from './store.ts';
import { toTimestamp } from './timestamps.ts';

const FIRST_MILLIS = 1_000;
/** The bound of the size is looked at as often. */
const MAX_PAUSE_MILLIS = 10_000;
/** Of the age: a session is deleted at most so much later. */
const PRECISION = 1 / 10;

export interface RetentionOptions {
  readonly keepMillis?: number | undefined;
  readonly maxSizeBytes?: number | undefined;
  /** Called where something was deleted. */
  readonly onPrune: (deleted: DeletedCounts) => void;
  readonly onError: (error: unknown) => void;
}

export function startRetention(store: Store, options: RetentionOptions): { close(): void } {
  const { keepMillis, maxSizeBytes, onPrune, onError } = options;
  if (keepMillis === undefined && maxSizeBytes === undefined) return { close: () => {} };
  const pauseMillis = Math.min(Math.max((keepMillis ?? MAX_PAUSE_MILLIS) * PRECISION, FIRST_MILLIS), MAX_PAUSE_MILLIS);
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  let isFailing = false;

  const run = async (): Promise<void> => {
    try {
      const deleted = await store.prune({
        ...(keepMillis !== undefined && { olderThan: agoFrom(Date.now(), keepMillis) }),
        ...(maxSizeBytes !== undefined && { maxBytes: maxSizeBytes }),
      });
      isFailing = false;
      if (deleted.logs > 0 || deleted.sessions > 0) onPrune(deleted);
    } catch (error) {
      // The store is away for now, or its disk is full. It is reported once, and tried again.
      if (!isFailing && !isClosed) onError(error);
      isFailing = true;
    }
    wait(pauseMillis);
  };

  const wait = (millis: number): void => {
    if (isClosed) return;
    timer = setTimeout(() => void run(), millis);
    timer.unref();
  };

  wait(FIRST_MILLIS);
  return {
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

/** In the form of `toTimestamp`. */
export function agoFrom(nowMillis: number, millis: number): string {
  return toTimestamp(new Date(Math.max(nowMillis - millis, 0)).toISOString())!;
}
