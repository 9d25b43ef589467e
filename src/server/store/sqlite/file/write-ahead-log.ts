/** What is asked of the engine by pragmas: its numbers, and its write-ahead log. */
import { reasonOf, type SqliteDatabase } from '../../../../sqlite/open.ts';

/**
 * Brings the write-ahead log back into the file, and empties it. Returns false where a transaction or another
 * connection's read is in the way, or the disk is full. It waits so many milliseconds for those that are nearly done, and
 * keeps writes out meanwhile: not where a read needs what is in the log, which may take much longer.
 */
export function tryTruncateLog(database: SqliteDatabase, millis = 0): boolean {
  if (checkpoint(database) !== 'done') return false;
  const busy = readNumber(database, 'busy_timeout', 'timeout');
  try {
    database.exec(`PRAGMA busy_timeout = ${millis}`);
    return readNumber(database, 'wal_checkpoint(TRUNCATE)', 'busy') === 0;
  } catch {
    return false;
  } finally {
    database.exec(`PRAGMA busy_timeout = ${busy}`);
  }
}

/**
 * Brings the write-ahead log back into the file. The log keeps its space, and the next transaction begins at its start.
 * `busy`: a transaction or a read is in the way. `full`: the file cannot grow.
 */
export function checkpoint(database: SqliteDatabase): 'done' | 'busy' | 'full' {
  try {
    const { busy, log, checkpointed } = database.prepare('PRAGMA wal_checkpoint(PASSIVE)').get()!;
    return busy === 0 && log === checkpointed ? 'done' : 'busy';
  } catch (error) {
    return reasonOf(error) === 'full' ? 'full' : 'busy';
  }
}

export function readNumber(database: SqliteDatabase, pragma: string, column = pragma): number {
  return Number(database.prepare(`PRAGMA ${pragma}`).get()![column]);
}
