/** The program of the index's thread: runs the calls of `IndexWork` on the thread's own connection. */
import type { SqliteDatabase } from '../../../../sqlite/open.ts';
import { createStatementCache } from '../../../../sqlite/statement-cache.ts';
import { toEnd } from '../../steps.ts';
import { createIndexWork, type IndexCall } from './index-work.ts';

export function start(database: SqliteDatabase): (call: IndexCall) => unknown {
  const prepare = createStatementCache(database);
  const work = createIndexWork(database, prepare);

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
    if (name === 'readSlice') return inSnapshot(() => toEnd(work.readSlice(options)));
    return work[name](options as never);
  };
}
