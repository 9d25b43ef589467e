/**
 * Opens a SQLite file with whichever engine there is: `node:sqlite` (Node 22.13 and later, Bun, Deno), else the package
 * `@photostructure/sqlite`, which has the same interface and which apps on Node 20 install themselves: it is larger than
 * the rest of an installation, and most apps only export. Nothing here knows what the file is for.
 */
import { dirname, resolve } from 'node:path';
import { HumanloopError } from '../errors.ts';
import { loadBuiltin, loadInstalled } from '../load-module.ts';
import { createPrivateDirectory, createPrivateFile } from './private-directory.ts';

export type SqliteValue = string | number | bigint | null | Uint8Array;
export type SqliteRow = Record<string, SqliteValue>;
type Parameters = readonly SqliteValue[] | readonly [Record<string, SqliteValue>];

export interface SqliteStatement {
  run(...parameters: Parameters): { changes: number | bigint; lastInsertRowid: number | bigint };
  get(...parameters: Parameters): SqliteRow | undefined;
  all(...parameters: Parameters): SqliteRow[];
}

/** The part of `DatabaseSync` that both engines have and that is used here. */
export interface SqliteDatabase {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

export type SqliteErrorReason =
  /** Neither engine is there, or could be loaded. */
  | 'no-engine'
  /** Another process holds the file's lock for longer than the busy time-out. */
  | 'locked'
  /** The file is damaged, or is not a SQLite database. */
  | 'corrupt'
  /** The file, its directory or its file system may not be written. */
  | 'read-only'
  | 'full'
  /** A read takes longer than it may. */
  | 'too-slow'
  /** The file or its directory could not be created or opened. */
  | 'cannot-open'
  /** There is no such file, and it is not to be created. */
  | 'missing'
  /** The file was deleted or replaced while it was open. */
  | 'gone'
  /** The disk could not store what was written. */
  | 'failed'
  /** The file was written by a newer version of this package, or by another program. */
  | 'foreign'
  | 'other';

/** A failure of the database as a whole, explained for the operator. `file` is the absolute path. */
export class SqliteError extends HumanloopError {
  override readonly name = 'SqliteError';
  readonly reason: SqliteErrorReason;
  readonly file: string;

  constructor(reason: SqliteErrorReason, file: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.reason = reason;
    this.file = file;
  }
}

export interface OpenSqliteOptions {
  /** A path, made absolute and created with its directory, both for their owner only, or `:memory:`. */
  readonly file: string;
  /** How long a statement waits for another process's lock; it blocks the event loop meanwhile. */
  readonly busyTimeoutMillis?: number;
  readonly readOnly?: boolean;
}

type Engine = new (file: string, options: { readOnly: boolean; timeout: number }) => SqliteDatabase;

/** @throws {SqliteError} never the engine's own error. */
export function openSqlite(options: OpenSqliteOptions): SqliteDatabase {
  const file = options.file === ':memory:' ? options.file : resolve(options.file);
  const Database = loadEngine(file);
  try {
    const { readOnly = false, busyTimeoutMillis = 2000 } = options;
    if (file !== ':memory:') {
      createPrivateDirectory(dirname(file));
      if (!readOnly) createPrivateFile(file);
    }
    return closingWithCheckpoint(new Database(file, { readOnly, timeout: busyTimeoutMillis }));
  } catch (cause) {
    throw explainSqliteError(cause, file);
  }
}

/**
 * `@photostructure/sqlite` keeps the file open after `close()` until its statements are collected, and so never brings
 * the write-ahead log back into the file, as SQLite does at the last close. This does so for both engines.
 */
function closingWithCheckpoint(database: SqliteDatabase): SqliteDatabase {
  return {
    exec: (sql) => database.exec(sql),
    prepare: (sql) => database.prepare(sql),
    close: () => {
      try {
        // The checkpoint keeps all writers out while it waits for readers, so it must not wait for other processes.
        database.exec('PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)');
      } catch {
        // The file is read-only, or another process uses it and will do this at its own close. Nothing is lost.
      }
      database.close();
    },
  };
}

/** Synchronous, so that a constructor can say at once that there is no engine. */
function loadEngine(file: string): Engine {
  const builtin = loadBuiltin('node:sqlite') as { DatabaseSync: Engine } | undefined;
  if (builtin) return builtin.DatabaseSync;
  try {
    return (loadInstalled('@photostructure/sqlite') as { DatabaseSync: Engine }).DatabaseSync;
  } catch (cause) {
    const { code, message: failure } = cause as NodeJS.ErrnoException;
    const remedy =
      code === 'MODULE_NOT_FOUND'
        ? 'or run: npm install @photostructure/sqlite'
        : `or repair @photostructure/sqlite, which is installed and does not load (${failure})`;
    const message = `No SQLite engine: Node ${process.versions.node} has none of its own. Use Node 22.13 or later, ${remedy}`;
    throw new SqliteError('no-engine', file, message, { cause });
  }
}

/** Turns an engine's error into one that says what is wrong with the file, and what to do about it. */
export function explainSqliteError(cause: unknown, file: string): SqliteError {
  if (cause instanceof SqliteError) return cause;
  const reason = reasonOf(cause);
  const text = cause instanceof Error ? cause.message : String(cause);
  return new SqliteError(reason, file, `${MESSAGES[reason](file)} (${text})`, { cause });
}

export function createSqliteError(reason: SqliteErrorReason, file: string): SqliteError {
  return new SqliteError(reason, file, MESSAGES[reason](file));
}

const MESSAGES: Record<SqliteErrorReason, (file: string) => string> = {
  'no-engine': () => 'No SQLite engine',
  locked: (file) => `${file} is locked by another process: stop that process, or use another file`,
  corrupt: (file) => `${file} is damaged or is not a SQLite database: restore it from a backup, or use another file`,
  'read-only': (file) => `${file} cannot be written: check the permissions of the file and of its directory`,
  full: (file) => `the disk of ${file} is full: free some space`,
  'too-slow': (file) => `${file}: a read takes too long`,
  'cannot-open': (file) => `${file} cannot be opened: check that its directory exists and can be written`,
  missing: (file) => `there is no database at ${file}: name the one of the server`,
  gone: (file) => `${file} was deleted or replaced while it was in use: start the server again`,
  failed: (file) => `${file}: the disk could not store what was written: check it, and start the server again`,
  foreign: (file) => `${file} does not belong to this version of humanloop-otel`,
  other: (file) => `${file}: the database failed`,
};

/** SQLite's primary result codes; the low byte of an extended one. https://www.sqlite.org/rescode.html */
const REASONS: Record<number, SqliteErrorReason> = {
  3: 'read-only',
  5: 'locked',
  6: 'locked',
  8: 'read-only',
  11: 'corrupt',
  13: 'full',
  14: 'cannot-open',
  26: 'corrupt',
};

/**
 * How the engine's messages begin. A read of `@photostructure/sqlite` that fails has no code, and damage within the pages of
 * a search index has none of its own.
 */
const REASONS_IN_WORDS: readonly (readonly [beginning: string, SqliteErrorReason])[] = [
  ['attempt to write a readonly database', 'read-only'],
  ['database is locked', 'locked'],
  ['database table is locked', 'locked'],
  ['database schema is locked', 'locked'],
  ['database disk image is malformed', 'corrupt'],
  ['malformed database schema', 'corrupt'],
  ['fts5: corruption', 'corrupt'],
  ['file is not a database', 'corrupt'],
  ['database or disk is full', 'full'],
  ['unable to open database file', 'cannot-open'],
];

/** Returns `other` for what is not an error of the engine, too. */
export function reasonOf(cause: unknown): SqliteErrorReason {
  if (cause instanceof SqliteError) return cause.reason;
  const { errcode, code, message } = cause as { errcode?: number; code?: string; message?: string };
  const ofCode = errcode === undefined ? undefined : REASONS[errcode & 0xff];
  const known = ofCode ?? REASONS_IN_WORDS.find(([beginning]) => message?.startsWith(beginning))?.[1];
  if (known) return known;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return 'read-only';
  if (code === 'ENOSPC') return 'full';
  return code?.startsWith('E') && !code.startsWith('ERR_') ? 'cannot-open' : 'other';
}
