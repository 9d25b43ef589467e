/** Writes batches on another thread, one after another; on this one where there are no threads. */
import { type BatchResult, createBatchWriter, type SqliteBatch } from './batch.ts';
import type { SqliteDatabase } from './open.ts';
import type { Prepare } from './statement-cache.ts';
import { SqliteThread, stopThreads } from './thread.ts';

export interface SqliteWriter {
  /**
   * Resolves once the batch is committed. Rejects with the engine's error, or where the thread has ended: all is
   * undone.
   */
  write(batch: SqliteBatch): Promise<BatchResult>;
  /** Resolves when the thread has ended, after the batch that it is in the middle of, for which it waits 5 s. */
  close(): Promise<void>;
}

export interface WriterOptions {
  /** An absolute path, or `:memory:`, which has no second connection. */
  readonly file: string;
  /** This thread's connection. It must have no transaction open while a batch is written. */
  readonly database: SqliteDatabase;
  readonly prepare: Prepare;
  /** Settings of the other connection, as SQL. */
  readonly setUp: string;
}

export function createSqliteWriter({ file, database, prepare, setUp }: WriterOptions): SqliteWriter {
  const writeHere = createBatchWriter(database, prepare);
  let thread: SqliteThread | undefined;
  let hasThreads = file !== ':memory:';

  const start = (): SqliteThread | undefined => {
    try {
      return new SqliteThread({ file, canWrite: true, setUp });
    } catch {
      hasThreads = false;
      return undefined;
    }
  };

  const writeThere = (writing: SqliteThread, batch: SqliteBatch): Promise<BatchResult> =>
    new Promise((resolve, reject) => {
      void writing.run({ work: { batch }, resolve, reject }).then((state) => {
        if (state === 'idle') return;
        thread = undefined;
        if (state === 'gone') return;
        hasThreads = false;
        try {
          resolve(writeHere(batch));
        } catch (error) {
          reject(error);
        }
      }, reject);
    });

  return {
    write: async (batch) => {
      if (thread?.hasEnded) thread = undefined;
      if (hasThreads) thread ??= start();
      return thread ? writeThere(thread, batch) : writeHere(batch);
    },
    close: async () => {
      if (thread) await stopThreads([thread]);
    },
  };
}
