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
import { chmodSync, existsSync, rmSync, statSync } from 'node:fs';
import { openSqlite, reasonOf, type SqliteDatabase } from '../../../../sqlite/open.ts';
import { createPrivateFile } from '../../../../sqlite/private-directory.ts';
import type { Prepare } from '../../../../sqlite/statement-cache.ts';
import { NEW_MARK } from '../viewer/marks.ts';
import { readNumber } from './write-ahead-log.ts';

/** The name by which statements have it where it is not that of the table. */
export const SEARCH = 'search';
const SUFFIXES = ['', '-wal', '-shm'];
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
const SCHEMA = `
  CREATE VIRTUAL TABLE ${SEARCH}.logs_search USING fts5(
    text, session, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2"
  );
  INSERT INTO logs_search (logs_search, rank) VALUES
    ('automerge', 0), ('crisismerge', 256), ('deletemerge', 0), ('usermerge', 16), ('hashsize', 8388608);
  CREATE TABLE ${SEARCH}.word_slices (key INTEGER PRIMARY KEY CHECK (key = 1), last TEXT NOT NULL, names TEXT NOT NULL);
  PRAGMA ${SEARCH}.application_id = ${APPLICATION_ID};
  PRAGMA ${SEARCH}.user_version = ${VERSION};`;

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

export function searchFileOf(file: string): string {
  return `${file}-search`;
}

export function toAttachSql(file: string): string {
  return `ATTACH '${file === ':memory:' ? file : searchFileOf(file).replaceAll("'", "''")}' AS ${SEARCH}`;
}

export function removeSearchFile(file: string): void {
  for (const suffix of SUFFIXES) rmSync(searchFileOf(file) + suffix, { force: true });
}

/**
 * Opens the file of a database that is open and has this version's schema, or makes it. As long as it is not closed,
 * connections that only read can have it. Throws a `SqliteError` for the database, or the engine's error.
 */
export function openSearchFile(database: SqliteDatabase, file: string): SearchFile {
  const attach = toAttachSql(file);
  if (file === ':memory:') {
    database.exec(attach);
    inTransaction(database, () => create(database));
    return { attach, usedBytes: () => usedBytes(database), close: () => {} };
  }
  const own = openOwn(file);
  return { attach, usedBytes: () => usedBytes(own), close: () => own.close() };
}

/** Returns a connection to the database that has the file too. */
function openOwn(file: string): SqliteDatabase {
  for (let attempt = 1; ; attempt += 1) {
    createWithModeOf(file);
    const connection = openSqlite({ file });
    try {
      connection.exec(toAttachSql(file));
      // One that is as it should be is not written to: the disk may be full.
      if (readNumber(connection, `${SEARCH}.auto_vacuum`, 'auto_vacuum') === 0) {
        connection.exec(`PRAGMA ${SEARCH}.auto_vacuum = INCREMENTAL`);
      }
      connection.exec(`PRAGMA ${SEARCH}.journal_mode = WAL`);
      connection.exec('PRAGMA secure_delete = ON');
      // Both locks: nobody is between two transactions of a slice.
      const isOurs = inTransaction(
        connection,
        () => isBound(connection) || (isEmpty(connection) && create(connection)),
      );
      if (isOurs) return connection;
      connection.close();
    } catch (error) {
      connection.close();
      if (reasonOf(error) !== 'corrupt' || attempt > 1) throw error;
    }
    removeSearchFile(file);
  }
}

/** Whoever may use the database may use its words. */
function createWithModeOf(file: string): void {
  const search = searchFileOf(file);
  if (existsSync(search)) return;
  createPrivateFile(search);
  chmodSync(search, statSync(file).mode & 0o777);
}

function isEmpty(connection: SqliteDatabase): boolean {
  return connection.prepare(`SELECT 1 FROM ${SEARCH}.sqlite_schema LIMIT 1`).get() === undefined;
}

function isBound(connection: SqliteDatabase): boolean {
  if (readNumber(connection, `${SEARCH}.user_version`, 'user_version') !== VERSION) return false;
  return connection.prepare(WORD_SLICE_SQL.isBound).get() !== undefined;
}

/** Makes the tables, and marks all logs. */
function create(connection: SqliteDatabase): true {
  const name = randomUUID();
  connection.exec(SCHEMA);
  connection.prepare('INSERT INTO word_slices (key, last, names) VALUES (1, ?, ?)').run(name, name);
  connection.prepare('UPDATE last_index_slice SET slice = ?, words = ?').run(name, name);
  connection.exec(`DELETE FROM forgotten_logs;
    INSERT INTO unindexed_logs (key, mark) SELECT key, ${NEW_MARK} FROM logs WHERE true ON CONFLICT DO NOTHING`);
  return true;
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

function usedBytes(connection: SqliteDatabase): number {
  const read = (pragma: string) => readNumber(connection, `${SEARCH}.${pragma}`, pragma);
  return (read('page_count') - read('freelist_count')) * read('page_size');
}
