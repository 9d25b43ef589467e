/**
 * Brings the write-ahead log back into the file, on a thread of its own. The engine would do so within a commit, which
 * would hold up all requests for twice as long.
 *
 * Transactions go on meanwhile, and make the log longer: the engine uses it from its start again only where all of it is
 * in the file. Once it is long, or where the disk has little space, the next transaction waits for that.
 */
import type { SqliteDatabase } from '../../../../sqlite/open.ts';
import { createSqliteReader } from '../../../../sqlite/reader-threads.ts';
import type { Prepare } from '../../../../sqlite/statement-cache.ts';
import { freeBytes, sizeOf } from './disk-reserve.ts';
import { MAX_LOG_PAGES } from './disk-space.ts';
import { readNumber } from './write-ahead-log.ts';

const CHECKPOINT = 'PRAGMA wal_checkpoint(PASSIVE)';
/** Until it is known. */
const PAGES_OF_COMMIT = 50;
/**
 * Of the length at which it is brought back: so long may the log become meanwhile, 128 MB. Each time, all that writes
 * waits until the thread has come to its end.
 */
const LONG_FACTOR = 32;
/** In sizes of the log: so much has to be free, as others may fill the disk before all of it is in the file. */
const ROOMY_FACTOR = 16;
/** The same for a log that is shorter than this, of the length at which it is brought back. */
const ROOMY_LENGTHS = 8;

export interface Checkpoints {
  /** Must be called after each commit. Returns what the next transaction has to wait for; it never rejects. */
  afterCommit(): Promise<void> | undefined;
  close(): Promise<void>;
}

export interface CheckpointsParts {
  readonly file: string;
  readonly database: SqliteDatabase;
  /** Prepares on this thread's connection, for where there are no threads. */
  readonly prepare: Prepare;
  /** Bytes that are free on the disk of a file. */
  readonly readFreeBytes?: (file: string) => number;
  /** Bytes of a file; throws if it cannot be looked at. */
  readonly readSize?: (file: string) => number;
}

/**
 * As soon as the log has about as many pages as the connection would let it have by its `wal_autocheckpoint`, they are
 * brought back. Where these are few, since the disk is small, all is left to the engine: others may fill the disk before a
 * thread has done it.
 */
export function createCheckpoints(parts: CheckpointsParts): Checkpoints {
  const { file, database, prepare, readFreeBytes = freeBytes, readSize = sizeOf } = parts;
  const maxPages = readNumber(database, 'wal_autocheckpoint');
  if (file === ':memory:' || maxPages < MAX_LOG_PAGES) return { afterCommit: () => undefined, close: async () => {} };
  // The engine cuts the log to this size when it uses it from its start again.
  const maxBytes = readNumber(database, 'journal_size_limit');
  /** Whether transactions may go on while a log of this size is brought back. */
  const isRoomy = (bytes: number): boolean =>
    bytes <= LONG_FACTOR * maxBytes && readFreeBytes(file) >= ROOMY_FACTOR * Math.max(bytes, ROOMY_LENGTHS * maxBytes);
  const bytesOfPage = maxBytes / maxPages;
  const logBytes = () => {
    try {
      return readSize(`${file}-wal`);
    } catch {
      // A file that cannot be looked at: the number of commits decides alone.
      return 0;
    }
  };
  database.exec('PRAGMA wal_autocheckpoint = 0');
  const thread = createSqliteReader({ file, prepare, canWrite: true, maxThreads: 1 });
  let pagesOfCommit = PAGES_OF_COMMIT;
  /** That are not in the file, nor being brought there. */
  let commits = 0;
  /** Pages of the log, and bytes of its file, when it was last brought back. */
  let [knownPages, knownBytes] = [0, 0];
  let running: Promise<void> | undefined;

  /** The file is as long as the log has ever been since it was cut; a connection of others may never cut it. */
  const isDue = (): boolean => {
    const bytes = logBytes();
    if (bytes < knownBytes) knownBytes = 0;
    const added = bytes > maxBytes ? (bytes - knownBytes) / bytesOfPage : 0;
    return Math.max(added, commits * pagesOfCommit) >= maxPages;
  };

  /** Resolves to whether all that was committed before is in the file. */
  const bringBack = async (): Promise<boolean> => {
    const [covered, bytes] = [commits, logBytes()];
    commits = 0;
    try {
      const [row] = await thread.all(CHECKPOINT, []);
      const [pages, done] = [Number(row!['log']), Number(row!['checkpointed'])];
      // Nothing is said, nor done, while another connection does it.
      if (Number(row!['busy']) === 0 && pages >= 0) {
        const added = pages < knownPages ? pages : pages - knownPages;
        if (added > 0 && covered > 0) pagesOfCommit = Math.max(1, added / covered);
        [knownPages, knownBytes] = [pages, bytes];
        if (pages === done) return true;
      }
    } catch {
      // A full disk, or a lock: the log is still there.
    }
    // The next commit tries again.
    commits += covered;
    return false;
  };

  const bringBackWhatIsDue = async (): Promise<void> => {
    while ((await bringBack()) && commits > 0 && isDue());
    running = undefined;
  };

  const bringBackAll = async (): Promise<void> => {
    await running;
    await bringBack();
  };

  return {
    afterCommit: () => {
      commits += 1;
      const bytes = logBytes();
      if (!isDue() && bytes <= maxBytes) return undefined;
      if (!isRoomy(bytes)) return bringBackAll();
      if (isDue()) running ??= bringBackWhatIsDue();
      return undefined;
    },
    close: thread.close,
  };
}
