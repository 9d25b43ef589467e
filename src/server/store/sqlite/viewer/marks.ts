/**
 * How logs are marked for the index (table `unindexed_logs`). It reads a log, and writes what it makes of it later, on
 * another connection: only if the mark is still the one that it had when it was read.
 */

/** Another one each time. Below 2^53, as the engine's larger numbers cannot be read. */
export const NEW_MARK = 'random() & 0x1fffffffffffff';
/** Marks what is selected: key and `NEW_MARK`. */
export const MARK_LOGS = 'INSERT INTO unindexed_logs (key, mark)';
/** One that is marked already gets another mark. */
export const MARK_AGAIN = 'ON CONFLICT (key) DO UPDATE SET mark = excluded.mark';
