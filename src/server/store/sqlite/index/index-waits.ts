/**
 * The waits of the index for the disk, beside all that its thread does: the words of a slice are written once the disk has
 * what was read for them, and its marks go once the disk has the words. Where that takes long, the thread of a late index
 * reads the next slice meanwhile; else the marks, for which others wait, come first.
 *
 * Where a power cut would undo what the words are of, they would be those of no log, and where it would undo the words, no
 * mark would say that they are missing.
 */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { SqliteDatabase } from '../../../../sqlite/open.ts';
import { createLogSync } from '../file/log-sync.ts';
import type { SearchFile } from '../file/search-file.ts';

/** Most disks are quicker. */
const LONG_MILLIS = 15;

export interface IndexWaits {
  /** Resolves once the disk has all that was committed to the database before the call. */
  forDatabase(): Promise<void>;
  /** The same for the file of the words. Rejects where the one of that name is not the one that is waited for. */
  forWords(): Promise<void>;
  /** Throws a `SqliteError` once a wait has failed: whatever is written then may be lost, and is written again. */
  check(): void;
  /** Whether the engine has to wait within each commit of words. */
  readonly areWordsSynced: boolean;
  close(): Promise<void>;
}

/**
 * `database` is the connection of all other writes, whose store waits for the disk by itself: who is answered does not wait
 * for these waits, nor they for others.
 */
export function createIndexWaits(
  file: string,
  database: SqliteDatabase,
  search: Pick<SearchFile, 'check' | 'createLogSync'>,
): IndexWaits {
  const [ofDatabase, ofWords] = [createLogSync(database, { file, isSecond: true }), search.createLogSync()];
  return {
    forDatabase: async () => ofDatabase?.wait(),
    forWords: async () => {
      search.check();
      await ofWords?.wait();
    },
    check: () => {
      ofDatabase?.check();
      ofWords?.check();
    },
    areWordsSynced: ofWords === undefined,
    close: async () => {
      await Promise.all([ofDatabase?.close(), ofWords?.close()]);
    },
  };
}

/** Resolves as soon as it is known whether the wait takes long. Rejects where it does. */
export function takesLong(wait: Promise<void>): Promise<boolean> {
  // A wait that is over while this thread is busy is heard of after the timer.
  const isLong = delay(LONG_MILLIS).then(() => nextTurn(true));
  return Promise.race([wait.then(() => false), isLong]);
}
