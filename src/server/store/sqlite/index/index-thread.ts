/** The program of the index's thread: runs the calls of `IndexWork` on the thread's own connection. */
import type { SqliteDatabase } from '../../../../sqlite/open.ts';
import { createStatementCache } from '../../../../sqlite/statement-cache.ts';
import { toEnd } from '../../steps.ts';
import { createLogSync } from '../file/log-sync.ts';
import type { IndexCall, IndexWork } from './index-contract.ts';
import { createIndexWork } from './index-work.ts';

export function start(database: SqliteDatabase): (call: IndexCall) => unknown {
  const prepare = createStatementCache(database);
  const file = prepare('PRAGMA database_list').get()!['file'] as string;
  let work: IndexWork | undefined;

  /** With a snapshot, the engine does not have to look for a newer state before each statement. */
  const inSnapshot = <Result>(read: () => Result): Result => {
    prepare('BEGIN').run();
    try {
      return read();
    } finally {
      prepare('COMMIT').run();
    }
  };

  return ({ name, options }) => {
    // Not at the start: where the file cannot be read now, it is this call that fails, and not the thread.
    work ??= createIndexWork(database, prepare, createLogSync(database, { file }));
    const { readSlice } = work;
    if (name === 'readSlice') return inSnapshot(() => toEnd(readSlice(options)));
    return work[name](options as never);
  };
}
