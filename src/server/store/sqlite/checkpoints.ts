/**
 * Brings the write-ahead log back into the file, on a thread of its own. The engine would do so within a commit, which
 * would hold up all requests for twice as long. No transaction begins meanwhile: the engine uses the log from its start
 * again only where all of it is in the file.
 */
import type { SqliteDatabase } from '../../../sqlite/open.ts';
import { createSqliteReader } from '../../../sqlite/reader-threads.ts';
import type { Prepare } from '../../../sqlite/statement-cache.ts';
import { sizeOf } from './disk-reserve.ts';
import { MAX_LOG_PAGES } from './disk-space.ts';
import { readNumber } from './write-ahead-log.ts';

const CHECKPOINT = 'PRAGMA wal_checkpoint(PASSIVE)';
/** Until it is known. */
const PAGES_OF_COMMIT = 50;

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
}

/**
 * The log has about as many pages as the connection would let it have by its `wal_autocheckpoint`. Where these are few,
 * since the disk is small, all is left to the engine: others may fill the disk before a thread has done it.
 */
export function createCheckpoints({ file, database, prepare }: CheckpointsParts): Checkpoints {
  const maxPages = readNumber(database, 'wal_autocheckpoint');
  if (file === ':memory:' || maxPages < MAX_LOG_PAGES) return { afterCommit: () => undefined, close: async () => {} };
  // The engine cuts the log to this size when it uses it from its start again.
  const maxBytes = readNumber(database, 'journal_size_limit');
  database.exec('PRAGMA wal_autocheckpoint = 0');
  const thread = createSqliteReader({ file, prepare, canWrite: true, maxThreads: 1 });
  let pagesOfCommit = PAGES_OF_COMMIT;
  let commits = 0;

  const run = async (): Promise<void> => {
    try {
      const [row] = await thread.all(CHECKPOINT, []);
      const [pages, done] = [Number(row!['log']), Number(row!['checkpointed'])];
      if (pages > 0) pagesOfCommit = Math.max(1, pages / commits);
      if (pages === done) commits = 0;
    } catch {
      // A full disk, or a lock: the log is still there, and the next commit tries again.
    }
  };

  return {
    afterCommit: () => {
      commits += 1;
      // The size says nothing of a log that is shorter than it was.
      return commits * pagesOfCommit < maxPages && sizeOf(`${file}-wal`) <= maxBytes ? undefined : run();
    },
    close: thread.close,
  };
}
