/** The settings of the connection of the index. */
import type { SqliteDatabase } from '../../../../sqlite/open.ts';
import { SEARCH, type SearchFile } from '../file/search-file.ts';
import { readNumber } from '../file/write-ahead-log.ts';
import type { IndexWaits } from './index-waits.ts';

/**
 * Where another process has the lock, writes here go on rather than wait for the slice. Besides what it changes, each
 * slice reads logs, which the next one does not read again.
 */
const BUSY_MILLIS = 20;
const CACHE_KILOBYTES = 16_000;

/**
 * Others wait until the disk has the words (index-waits.ts), and nobody for the rest: in a power cut, the marks of what it
 * has written are as they were before, since both are in the same log. `database` is the connection of all other writes,
 * whose checkpoints are for those of the index too.
 */
export function toIndexSettings(
  database: SqliteDatabase,
  { attach }: Pick<SearchFile, 'attach'>,
  { areWordsSynced }: Pick<IndexWaits, 'areWordsSynced'>,
): string {
  const maxLogBytes = readNumber(database, 'journal_size_limit');
  return `${attach};
    PRAGMA busy_timeout = ${BUSY_MILLIS};
    PRAGMA synchronous = NORMAL;
    PRAGMA ${SEARCH}.synchronous = ${areWordsSynced ? 'FULL' : 'NORMAL'};
    PRAGMA ${SEARCH}.cache_size = -${CACHE_KILOBYTES};
    PRAGMA ${SEARCH}.journal_size_limit = ${maxLogBytes};
    PRAGMA foreign_keys = ON;
    PRAGMA secure_delete = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -${CACHE_KILOBYTES};
    PRAGMA wal_autocheckpoint = ${readNumber(database, 'wal_autocheckpoint')};
    PRAGMA journal_size_limit = ${maxLogBytes};`;
}
