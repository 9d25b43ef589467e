/** What is asked of the engine by pragmas: its numbers, and its write-ahead log. */
import { reasonOf, type SqliteDatabase } from '../../../../sqlite/open.ts';
import { pause } from './pause.ts';

/** Between the first two looks whether reads have ceased to need the log. */
const PAUSE_MILLIS = 10;
/** Between two later ones, and how long a look keeps writes out. */
const MAX_PAUSE_MILLIS = 250;
const MAX_PATIENCE_MILLIS = 50;

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

/** Tries it until that is done, or `isOver`. */
export async function truncateLog(database: SqliteDatabase, isOver: () => boolean): Promise<void> {
  for (let look = 0; !isOver(); look += 1) {
    if (tryTruncateLog(database, patienceOf(look))) return;
    await pause(Math.min(PAUSE_MILLIS * (look + 1), MAX_PAUSE_MILLIS));
  }
}

/** All of the process stands still meanwhile, so a read that goes on and on is waited for now and then only. */
function patienceOf(look: number): number {
  const millis = look * PAUSE_MILLIS;
  return millis <= MAX_PATIENCE_MILLIS ? millis : look % 10 === 0 ? MAX_PATIENCE_MILLIS : 0;
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
