/**
 * The words of the logs, in a file of their own beside the database (`logs.db-search`). To write and merge them takes
 * about half of the index's time, in steps of some 0.3 s for words that nearly all of 3 million logs have; who writes logs
 * does not wait for that, since each file has its own lock.
 *
 * Nothing is in it but what can be made again from the logs: where it is missing, no database or that of another one, it
 * is made anew, and all logs are marked. Damage within it shows when it is read or written (`explainDamageOfEither`).
 *
 * What a slice of the index makes is written in two transactions: first the words here, and then the rest and the marks
 * in the database. This one is on disk before the other begins, for which the engine does not wait (index-waits.ts). So
 * after a crash, logs may be marked whose words are here, and they are written again, but never the other way round. Each
 * transaction of words has a name. The database keeps the last one that it knows of (`last_index_slice.words`), and this
 * file that one and all since then, by which it is known that the two belong together. It also keeps of which logs these
 * have written or taken out words (`written_words`): where the database is an older copy of itself, such a log may be
 * there without a mark, and is marked.
 */
import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, realpathSync, rmSync, statSync } from 'node:fs';
import {
  createSqliteError,
  openSqlite,
  reasonOf,
  type SqliteDatabase,
  SqliteError,
  type SqliteErrorReason,
  type SqliteValue,
} from '../../../../sqlite/open.ts';
import { createPrivateFile } from '../../../../sqlite/private-directory.ts';
import type { SqliteReader } from '../../../../sqlite/reader-threads.ts';
import type { Prepare } from '../../../../sqlite/statement-cache.ts';
import { NEW_MARK } from '../viewer/marks.ts';
import { identityOf } from './file-watch.ts';
import { createLogSync, type LogSync } from './log-sync.ts';
import { readNumber } from './write-ahead-log.ts';

/** The name by which statements have it where it is not that of the table. */
export const SEARCH = 'search';
const WORDS_TABLE = 'logs_search';
const SUFFIXES = ['', '-wal', '-shm'];
/** Reasons of a file that is damaged, or has other tables. */
const UNREADABLE: readonly SqliteErrorReason[] = ['corrupt', 'other'];
/** SQLITE_CORRUPT_VTAB: the search index is the only table of its kind. */
const CORRUPT_INDEX = 267;
/** `hlos` in ASCII. */
const APPLICATION_ID = 0x686c6f73;
const VERSION = 1;
/** Of a few hundred pages each. */
const KEPT_TRANSACTIONS = 8;

/**
 * The engine would merge in the middle of whatever is written, and as much at once as it likes: it does nothing by itself
 * (word-merges.ts). The words of one transaction are one segment, or a few where nearly each is new: those of a slice are
 * longer than it would keep in memory by itself.
 */
const toSchema = (name: string) => `
  CREATE VIRTUAL TABLE ${name}.logs_search USING fts5(
    text, session, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2"
  );
  INSERT INTO logs_search (logs_search, rank) VALUES
    ('automerge', 0), ('crisismerge', 256), ('deletemerge', 0), ('usermerge', 16), ('hashsize', 8388608);
  CREATE TABLE ${name}.word_slices (seq INTEGER PRIMARY KEY, name TEXT NOT NULL);
  CREATE TABLE ${name}.written_words (seq INTEGER NOT NULL, key INTEGER NOT NULL, PRIMARY KEY (seq, key)) WITHOUT ROWID;
  PRAGMA ${name}.application_id = ${APPLICATION_ID};
  PRAGMA ${name}.user_version = ${VERSION};`;

/** Of the last slice that the database knows of; NULL where the file is not that of the database. */
const KNOWN = `(SELECT seq FROM word_slices WHERE name = (SELECT words FROM last_index_slice))`;

const NAMED = `(SELECT seq FROM word_slices WHERE name = ?)`;

export const WORD_SLICE_SQL = {
  readLast: `SELECT name AS last FROM word_slices ORDER BY seq DESC LIMIT 1`,
  /** Fails where another process has written words since the slice `?`. It takes the lock of the file. */
  follow: `UPDATE word_slices SET name = name WHERE seq = (SELECT max(seq) FROM word_slices) AND name = ? RETURNING 1`,
  isBound: `SELECT 1 WHERE ${KNOWN} IS NOT NULL`,
  /** Fails where the file is not that of the database. */
  note: `INSERT INTO word_slices (name) SELECT ? WHERE ${KNOWN} IS NOT NULL RETURNING 1`,
  noteKey: `INSERT INTO written_words SELECT max(seq), ? FROM word_slices WHERE true ON CONFLICT DO NOTHING`,
  /** Of a log that is deleted: known as soon as a later slice is. */
  noteForgottenKey: `INSERT INTO written_words SELECT max(seq) + 1, ? FROM word_slices WHERE true ON CONFLICT DO NOTHING`,
  readKnown: `SELECT words AS known FROM last_index_slice`,
  /** Of the slice `?`, which the database has to know of after a power cut too. */
  dropKnownKeys: `DELETE FROM written_words WHERE seq <= ${NAMED}`,
  dropKnownSlices: `DELETE FROM word_slices WHERE seq < ${NAMED}`,
} as const;

export interface SearchFile {
  /** SQL that lets another connection have it too. */
  readonly attach: string;
  /** Bytes of the file, without free pages. */
  usedBytes(): number;
  /**
   * Throws a `SqliteError` where there is another one in its place, which connections that are opened later have. As long as
   * there is none, those that have this one go on with it.
   */
  check(): void;
  /** Returns undefined where the engine has to wait within each commit. */
  createLogSync(): LogSync | undefined;
  close(): void;
}

/** As the engine has its files: beside the one that a link leads to, so that there is one, whatever the path to it. */
export function searchFileOf(file: string): string {
  return `${existsSync(file) ? realpathSync(file) : file}-search`;
}

export function toAttachSql(file: string): string {
  return `ATTACH '${file === ':memory:' ? file : searchFileOf(file).replaceAll("'", "''")}' AS ${SEARCH}`;
}

/** What was done with the words alone has thrown this. Says what to do if they are damaged; other errors stay as they are. */
export function explainDamage(error: unknown, file: string): unknown {
  return reasonOf(error) === 'corrupt' ? toDamaged(error, file) : error;
}

function toDamaged(cause: unknown, file: string): SqliteError {
  const search = searchFileOf(file);
  const message = `${search} is damaged: stop the server, delete this file, and start again: it is made from the logs`;
  return new SqliteError('corrupt', search, message, { cause });
}

/**
 * The same where the database was read as well. Of a page that is damaged, the engine does not say which file has it, and
 * to look through both would take as long as they are large.
 */
export function explainDamageOfEither(error: unknown, file: string): unknown {
  if (reasonOf(error) !== 'corrupt') return error;
  const { errcode, message: text } = error as { errcode?: number; message: string };
  if (errcode === CORRUPT_INDEX || text.startsWith('fts5:')) return toDamaged(error, file);
  const search = searchFileOf(file);
  const message =
    `${search} or ${file} is damaged: stop the server, delete ${search}, and start again: it is made from the logs. ` +
    `Where this is said again, it is ${file}: restore it from a backup, or use another file`;
  return new SqliteError('corrupt', file, message, { cause: error });
}

/** Returns a reader whose searches say what to do where a file is damaged. */
export function noticingDamage({ all, close }: SqliteReader, file: string): SqliteReader {
  return {
    all: (sql, parameters, options) =>
      all(sql, parameters, options).catch((error: unknown) => {
        throw sql.includes(WORDS_TABLE) ? explainDamageOfEither(error, file) : error;
      }),
    close,
  };
}

export function removeSearchFile(file: string): void {
  for (const suffix of SUFFIXES) rmSync(searchFileOf(file) + suffix, { force: true });
}

/**
 * Opens the file of a database that is open and has this version's schema, or makes it. As long as it is not closed,
 * connections that only read can have it. Throws the engine's error.
 */
export function openSearchFile(database: SqliteDatabase, file: string): SearchFile {
  const attach = toAttachSql(file);
  if (file === ':memory:') {
    database.exec(attach);
    inTransaction(database, () => bind(database, fill(database, SEARCH)));
    const usedBytesHere = () => usedBytes(database, SEARCH);
    return { attach, usedBytes: usedBytesHere, check: () => {}, createLogSync: () => undefined, close: () => {} };
  }
  // With the lock of the database, only one process makes it.
  const own =
    openBound(database, file) ?? inTransaction(database, () => openBound(database, file) ?? make(database, file));
  // An index that is at work has perhaps written since: with the lock of the database, it cannot.
  if (listUnknown(database, own)?.length !== 0) {
    inTransaction(database, () => mark(database, listUnknown(database, own) ?? []));
  }
  const search = searchFileOf(file);
  const opened = identityOf(search);
  return {
    attach,
    usedBytes: () => usedBytes(own, 'main'),
    check: () => {
      if (![opened, undefined].includes(identityOf(search))) throw createSqliteError('gone', search);
    },
    createLogSync: () => createLogSync(own, { file: search }),
    close: () => own.close(),
  };
}

/** Returns undefined where there is none, or one that is not of this database and version. */
function openBound(database: SqliteDatabase, file: string): SqliteDatabase | undefined {
  const search = searchFileOf(file);
  if (!(statSync(search, { throwIfNoEntry: false })?.size ?? 0)) return undefined;
  const own = openSqlite({ file: search });
  try {
    if (readNumber(own, 'user_version') === VERSION && listUnknown(database, own)) return own;
  } catch (error) {
    if (!UNREADABLE.includes(reasonOf(error))) throw error;
  }
  own.close();
  return undefined;
}

/**
 * Lists the logs without a mark whose words this file has of another state than the database may have them. Returns
 * undefined where it is not of this database.
 */
function listUnknown(database: SqliteDatabase, own: SqliteDatabase): SqliteValue[] | undefined {
  const { words } = database.prepare('SELECT words FROM last_index_slice').get()!;
  const slice = own.prepare('SELECT seq FROM word_slices WHERE name = ?').get(words!);
  if (!slice) return undefined;
  const isUnmarked = database.prepare(
    'SELECT 1 FROM logs WHERE key = ?1 AND NOT EXISTS (SELECT 1 FROM unindexed_logs WHERE key = ?1)',
  );
  const keys = own
    .prepare('SELECT key FROM written_words WHERE seq > ?')
    .all(slice['seq']!)
    .map(({ key }) => key!);
  return keys.filter((key) => isUnmarked.get(key));
}

function mark(database: SqliteDatabase, keys: readonly SqliteValue[]): void {
  const add = database.prepare(`INSERT INTO unindexed_logs (key, mark) VALUES (?, ${NEW_MARK}) ON CONFLICT DO NOTHING`);
  for (const key of keys) add.run(key);
}

function make(database: SqliteDatabase, file: string): SqliteDatabase {
  removeSearchFile(file);
  createWithModeOf(file);
  const own = openSqlite({ file: searchFileOf(file) });
  try {
    own.exec('PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON');
    bind(
      database,
      inTransaction(own, () => fill(own, 'main')),
    );
    return own;
  } catch (error) {
    own.close();
    throw error;
  }
}

/** Makes the tables in the file of this name. Returns the name of its first slice. */
function fill(connection: SqliteDatabase, name: string): string {
  const slice = randomUUID();
  connection.exec(toSchema(name));
  connection.prepare('INSERT INTO word_slices (name) VALUES (?)').run(slice);
  return slice;
}

/** Notes in the database that the file with this slice is its own, and marks all logs. */
function bind(database: SqliteDatabase, slice: string): void {
  database.prepare('UPDATE last_index_slice SET slice = ?, words = ?').run(slice, slice);
  database.exec(`DELETE FROM forgotten_logs;
    INSERT INTO unindexed_logs (key, mark) SELECT key, ${NEW_MARK} FROM logs WHERE true ON CONFLICT DO NOTHING`);
}

/** Whoever may use the database may use its words. */
function createWithModeOf(file: string): void {
  createPrivateFile(searchFileOf(file));
  chmodSync(searchFileOf(file), statSync(file).mode & 0o777);
}

function inTransaction<Result>(connection: SqliteDatabase, work: () => Result): Result {
  connection.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    connection.exec('COMMIT');
    return result;
  } catch (error) {
    connection.exec('ROLLBACK');
    throw error;
  }
}

/** Returns a function to be called after each transaction of words: brings the write-ahead log back into the file. */
export function createLogKeeper(prepare: Prepare): () => void {
  let transactions = 0;
  return () => {
    transactions += 1;
    if (transactions % KEPT_TRANSACTIONS !== 0) return;
    try {
      prepare(`PRAGMA ${SEARCH}.wal_checkpoint(PASSIVE)`).get();
    } catch {
      // A full disk, or a lock: the log is still there.
    }
  };
}

function usedBytes(connection: SqliteDatabase, name: string): number {
  const read = (pragma: string) => readNumber(connection, `${name}.${pragma}`, pragma);
  return (read('page_count') - read('freelist_count')) * read('page_size');
}
