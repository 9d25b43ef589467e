/** Undoes a part of a transaction. Savepoints nest: the statements mean the innermost. */
import type { SqliteDatabase } from '../../../../sqlite/open.ts';

export interface Savepoint {
  begin(): void;
  release(): void;
  /** Throws `cause` where the engine has rolled back everything. */
  undo(cause: unknown): void;
  /** If `work` throws, what it has written is undone, and `failed` makes the result. */
  run<Result>(work: () => Result, failed: (error: unknown) => Result): Result;
}

export function createSavepoint(database: SqliteDatabase): Savepoint {
  const begin = database.prepare('SAVEPOINT item');
  const release = database.prepare('RELEASE item');
  const undoItem = database.prepare('ROLLBACK TO item');

  const undo = (cause: unknown): void => {
    try {
      undoItem.run();
      release.run();
    } catch {
      throw cause;
    }
  };

  return {
    begin: () => void begin.run(),
    release: () => void release.run(),
    undo,
    run: (work, failed) => {
      begin.run();
      try {
        const result = work();
        release.run();
        return result;
      } catch (error) {
        undo(error);
        return failed(error);
      }
    },
  };
}
