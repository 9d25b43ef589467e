/**
 * The words of the logs, in a file of their own beside the database (`logs.db-search`). To write and merge them takes
 * most of the index's time, in steps of up to a second for words that nearly all logs have; who writes logs does not
 * wait for that, since each file has its own lock.
 *
 * Nothing is in it but what can be made again from the logs: where it is missing, damaged or of another database, it is
 * made anew, and all logs are marked.
 *
 * What a slice of the index makes is written in two transactions: first the words here, and then the rest and the marks
 * in the database. This one is on disk before the other begins. So after a crash, logs may be marked whose words are
 * here, and they are written again, but never the other way round. Each transaction of words has a name. The database
 * keeps the last one that it knows of (`last_index_slice.words`), and this file all since then, by which it is known
 * that the two belong together.
 */
import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, realpathSync, rmSync, statSync } from 'node:fs';
import { openSqlite, reasonOf, type SqliteDatabase, type SqliteErrorReason } from '../../../../sqlite/open.ts';
import { createPrivateFile } from '../../../../sqlite/private-directory.ts';
import type { Prepare } from '../../../../sqlite/statement-cache.ts';
import { NEW_MARK } from '../viewer/marks.ts';
import { readNumber } from './write-ahead-log.ts';

/** The name by which statements have it where it is not that of the table. */
export const SEARCH = 'search';
const SUFFIXES = ['', '-wal', '-shm'];
/** Reasons of a file that is damaged, or has other tables. */
const UNREADABLE: readonly SqliteErrorReason[] = ['corrupt', 'other'];
/** `hlos` in ASCII. */
const APPLICATION_ID = 0x686c6f73;
const VERSION = 1;
/** Of a few hundred pages each. */
const KEPT_TRANSACTIONS = 8;
/** Slices that have no marks in the database, one after the other, were of one process, and the last one counts. */
const MAX_NAMES_CHARACTERS = 1_000;

/**
 * The engine would merge in the middle of whatever is written, and as much at once as it likes: it does nothing by itself
 * (word-merges.ts). The words of one transaction are one segment: those of a slice are longer than it would keep in
 * memory.
 */
const toSchema = (name: string) => `
  CREATE VIRTUAL TABLE ${name}.logs_search USING fts5(
    text, session, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2"
  );
  INSERT INTO logs_search (logs_search, rank) VALUES
    ('automerge', 0), ('crisismerge', 256), ('deletemerge', 0), ('usermerge', 16), ('hashsize', 8388608);
  CREATE TABLE ${name}.word_slices (key INTEGER PRIMARY KEY CHECK (key = 1), last TEXT NOT NULL, names TEXT NOT NULL);
  PRAGMA ${name}.application_id = ${APPLICATION_ID};
  PRAGMA ${name}.user_version = ${VERSION};`;

export const WORD_SLICE_SQL = {
  readLast: `SELECT last FROM word_slices`,
  /** Fails where another process has written words since the slice `?2`. It takes the lock of the file. */
  follow: `UPDATE word_slices SET last = ?1 WHERE last = ?2 RETURNING 1`,
  isBound: `SELECT 1 FROM word_slices WHERE instr(names, (SELECT words FROM last_index_slice)) > 0`,
  /** Fails where the file is not that of the database. */
  note: `UPDATE word_slices SET names = (SELECT words FROM last_index_slice) || ' ' ||
      CASE WHEN length(names) < ${MAX_NAMES_CHARACTERS}
        THEN substr(names, instr(names, (SELECT words FROM last_index_slice)) + length((SELECT words FROM last_index_slice)))
        ELSE '' END || ' ' || ?
    WHERE instr(names, (SELECT words FROM last_index_slice)) > 0 RETURNING 1`,
} as const;

export interface SearchFile {
  /** SQL that lets another connection have it too. */
  readonly attach: string;
  /** Bytes of the file, without free pages. */
  usedBytes(): number;
  close(): void;
}

/** As the engine has its files: beside the one that a link leads to, so that there is one, whatever the path to it. */
export function searchFileOf(file: string): string {
  return `${existsSync(file) ? realpathSync(file) : file}-search`;
}

export function toAttachSql(file: string): string {
  return `ATTACH '${file === ':memory:' ? file : searchFileOf(file).replaceAll("'", "''")}' AS ${SEARCH}`;
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
    return { attach, usedBytes: () => usedBytes(database, SEARCH), close: () => {} };
  }
  // With the lock of the database, only one process makes it.
  const own =
    openBound(database, file) ?? inTransaction(database, () => openBound(database, file) ?? make(database, file));
  return { attach, usedBytes: () => usedBytes(own, 'main'), close: () => own.close() };
}

/** Returns undefined where there is none, or one that is not of this database and version. */
function openBound(database: SqliteDatabase, file: string): SqliteDatabase | undefined {
  const search = searchFileOf(file);
  if (!(statSync(search, { throwIfNoEntry: false })?.size ?? 0)) return undefined;
  const own = openSqlite({ file: search });
  try {
    if (readNumber(own, 'user_version') === VERSION && isBound(database, own)) return own;
  } catch (error) {
    if (!UNREADABLE.includes(reasonOf(error))) throw error;
  }
  own.close();
  return undefined;
}

function isBound(database: SqliteDatabase, own: SqliteDatabase): boolean {
  const { words } = database.prepare('SELECT words FROM last_index_slice').get()!;
  return own.prepare('SELECT 1 FROM word_slices WHERE instr(names, ?) > 0').get(words!) !== undefined;
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
  connection.prepare('INSERT INTO word_slices (key, last, names) VALUES (1, ?, ?)').run(slice, slice);
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
