/** Prunes the store again and again, while the server runs. */
import type { DeletedCounts, Store } from './store.ts';
import { toTimestamp } from './timestamps.ts';

const FIRST_MILLIS = 1_000;
/** The bound of the size is looked at as often, or more rarely: see `MEASURING_SHARE`. */
const MAX_PAUSE_MILLIS = 10_000;
/** Of the time: a store may have to read all of its data to know how large it is. */
const MEASURING_SHARE = 1 / 20;
/** Of the age: a session is deleted at most so much later. */
const PRECISION = 1 / 10;
const NOTHING: DeletedCounts = { logs: 0, sessions: 0 };

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
  /** By `performance.now()`: the bound of the size is not looked at before. */
  let measureAtMillis = 0;

  const pruneBySize = async (maxBytes: number): Promise<DeletedCounts> => {
    const startMillis = performance.now();
    if (startMillis < measureAtMillis) return NOTHING;
    const deleted = await store.prune({ maxBytes });
    const endMillis = performance.now();
    if (deleted.sessions === 0) measureAtMillis = endMillis + (endMillis - startMillis) / MEASURING_SHARE;
    return deleted;
  };

  const run = async (): Promise<void> => {
    try {
      const old =
        keepMillis === undefined ? NOTHING : await store.prune({ olderThan: agoFrom(Date.now(), keepMillis) });
      const large = maxSizeBytes === undefined ? NOTHING : await pruneBySize(maxSizeBytes);
      isFailing = false;
      const deleted = { logs: old.logs + large.logs, sessions: old.sessions + large.sessions };
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
