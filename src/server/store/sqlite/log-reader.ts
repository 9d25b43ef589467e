/** Reads one log by its key, which may be large. */
import type { SqliteValue } from '../../../sqlite/open.ts';
import type { SqliteReader } from '../../../sqlite/reader-threads.ts';
import type { LogResponse } from '../../../wire/v4.ts';
import { nextHeavyTurn } from '../heavy-turns.ts';
import { createOneAtATime } from '../one-at-a-time.ts';
import { toLogResponse } from '../rows/log-row.ts';
import { READ_LOG, type Statements } from './writing/statements.ts';

const LARGE_BYTES = 256 * 1024;

export type ReadLog = (key: SqliteValue) => Promise<LogResponse | undefined>;

export function createLogReader(
  reads: Pick<Statements, 'readLog' | 'sizeOfLog' | 'sizeOfOthers'>,
  reader: SqliteReader,
): ReadLog {
  // Each is in memory twice until its answer is written.
  const alone = createOneAtATime();
  /** It takes long to read, as long to convert, and then to be written as JSON: each by itself. */
  const readLarge: ReadLog = async (key) => {
    const [row] = await reader.all(READ_LOG, [key]);
    await nextHeavyTurn();
    const log = row && toLogResponse(row);
    await nextHeavyTurn();
    return log;
  };
  return async (key) => {
    if (isLarge(reads, key)) return alone(() => readLarge(key));
    const row = reads.readLog.get(key);
    return row && toLogResponse(row);
  };
}

export function isLarge(
  { sizeOfLog, sizeOfOthers }: Pick<Statements, 'sizeOfLog' | 'sizeOfOthers'>,
  key: SqliteValue,
): boolean {
  const bytes = Number(sizeOfLog.get(key)?.['bytes'] ?? 0);
  return bytes > LARGE_BYTES || bytes + Number(sizeOfOthers.get(key)?.['bytes'] ?? 0) > LARGE_BYTES;
}
