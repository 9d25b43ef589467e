/** The work of the index on the main thread: of a store in memory, and where there is no other thread. */
import { openSqlite, type SqliteDatabase } from '../../../../sqlite/open.ts';
import { createStatementCache } from '../../../../sqlite/statement-cache.ts';
import { createLogSync } from '../file/log-sync.ts';
import type { IndexWork } from './index-contract.ts';
import { createIndexWork } from './index-work.ts';

export interface WorkHere {
  readonly work: IndexWork;
  close(): Promise<void>;
}

/** The connection of all other writes has not the file of the words: its transactions would take both locks. */
export function openWorkHere(file: string, database: SqliteDatabase, settings: string): WorkHere {
  if (file === ':memory:') {
    return { work: createIndexWork(database, createStatementCache(database)), close: async () => {} };
  }
  const own = openSqlite({ file });
  own.exec(settings);
  const logSync = createLogSync(own, { file });
  return {
    work: createIndexWork(own, createStatementCache(own), logSync),
    close: async () => {
      await logSync?.close();
      own.close();
    },
  };
}
