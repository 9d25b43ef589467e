/** A connection to a database of the store and to the file of its search index. */
import { toAttachSql } from '../../src/server/store/sqlite/file/search-file.ts';
import { type OpenSqliteOptions, openSqlite, type SqliteDatabase } from '../../src/sqlite/open.ts';

export function openWithSearch(options: OpenSqliteOptions): SqliteDatabase {
  const database = openSqlite(options);
  database.exec(toAttachSql(options.file));
  return database;
}
