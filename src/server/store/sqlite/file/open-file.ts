/** Opens the files of a store: the database and that of the words, with a connection for writes and one for reads. */
import {
  explainSqliteError,
  type OpenSqliteOptions,
  openSqlite,
  type SqliteDatabase,
} from '../../../../sqlite/open.ts';
import { migrateSqlite } from './migrations.ts';
import { openSearchFile, type SearchFile } from './search-file.ts';

export interface OpenFile {
  readonly file: string;
  readonly database: SqliteDatabase;
  /** A connection for reads, which does not see a transaction that is not committed. In memory it is the same one. */
  readonly readDatabase: SqliteDatabase;
  /** Connections that read have it, and that of the index; the one that writes logs has not. */
  readonly search: SearchFile;
  readonly lockTimeoutMillis: number | undefined;
}

/** `file` is absolute. Throws a `SqliteError`. */
export function openFile(file: string, options: OpenSqliteOptions): OpenFile {
  const database = openSqlite(options);
  let search: SearchFile | undefined;
  try {
    migrateSqlite(database, file);
    search = openSearchFile(database, file);
    const lockTimeoutMillis = options.busyTimeoutMillis;
    if (file === ':memory:') return { file, database, readDatabase: database, search, lockTimeoutMillis };
    const readDatabase = openSqlite({ ...options, readOnly: true });
    readDatabase.exec(search.attach);
    return { file, database, readDatabase, search, lockTimeoutMillis };
  } catch (error) {
    search?.close();
    database.close();
    throw explainSqliteError(error, file);
  }
}
