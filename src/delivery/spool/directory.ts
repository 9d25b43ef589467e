/**
 * The directory that processes share. Each process has its own file and keeps it locked as long as it lives. A file
 * that can be locked was left by a dead process, and belongs to the process that locks it first.
 */
import { closeSync, constants, existsSync, openSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { diag } from '@opentelemetry/api';
import type { SpoolOptions } from '../../options.ts';
import { explainSqliteError, openSqlite, type SqliteDatabase } from '../../sqlite/open.ts';
import { createPrivateDirectory } from '../../sqlite/private-directory.ts';
import { removeSpoolFile, SpoolFile } from './file.ts';
import type { TakenOver } from './take-over-rows.ts';

const SUFFIX = '.spool';
const COMPANION = /\.spool-(wal|shm|journal)$/;
/** Of a file that is set aside. */
const CORRUPT = '.corrupt';
/** A file that is empty for longer than this stays empty: its process ended right after it had created it. */
const MAX_EMPTY_MILLIS = 60_000;

/** Creates and locks this process's file, readable by its owner only. */
export function openSpoolFile(directory: string): SpoolFile {
  createPrivateDirectory(directory, { isOwn: true });
  const { randomUUID } = process.getBuiltinModule('node:crypto');
  const path = join(directory, `${process.pid}-${randomUUID()}${SUFFIX}`);
  // Created here and not by SQLite, for the mode, and so that a link with this name is not followed.
  closeSync(openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_RDWR, 0o600));
  try {
    return lockSpoolFile(path);
  } catch (error) {
    removeSpoolFile(path);
    throw error;
  }
}

/**
 * Moves the rows of dead processes' files into this process's file and returns what it moved. Yields after each step. A
 * file that cannot be read is kept under another name.
 */
export function* takeOverFiles(options: SpoolOptions, own: SpoolFile): Generator<void, TakenOver> {
  const takenOver: TakenOver = { logs: [], expired: [] };
  for (const name of readdirSync(options.directory)) {
    const path = join(options.directory, name);
    if (COMPANION.test(name)) removeLeftOver(path);
    if (!name.endsWith(SUFFIX) || path === own.path) continue;
    try {
      if (isFilled(path)) yield* own.takeOver(path, Date.now() - options.maxAgeMillis, takenOver);
    } catch (cause) {
      const error = explainSqliteError(cause, path);
      // A locked file has a live process, or another one was quicker. If our own file cannot be written, try later.
      if (error.reason === 'corrupt' || error.reason === 'other') setAside(path, error);
    }
    if (own.isClosed) break;
  }
  return takenOver;
}

function lockSpoolFile(path: string): SpoolFile {
  const database = openSqlite({ file: path, busyTimeoutMillis: 0 });
  try {
    lock(database);
    return new SpoolFile(path, database);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Locks the file at once, until the connection closes or the process ends in any way. */
function lock(database: SqliteDatabase): void {
  database.exec('PRAGMA locking_mode = EXCLUSIVE');
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = NORMAL');
  database.exec('BEGIN IMMEDIATE; COMMIT');
}

/** Returns false for an empty file: its process may have created it just now and not locked it yet. */
function isFilled(path: string): boolean {
  const { size, mtimeMs } = statSync(path);
  if (size > 0) return true;
  if (Date.now() - mtimeMs > MAX_EMPTY_MILLIS) removeSpoolFile(path);
  return false;
}

/**
 * A process that is killed while it deletes its file leaves a companion of it: the file itself goes first. What is beside
 * a file that was set aside is part of what can be inspected.
 */
function removeLeftOver(companion: string): void {
  const path = companion.slice(0, companion.lastIndexOf('-'));
  if (!existsSync(path) && !existsSync(path + CORRUPT)) removeSpoolFile(path);
}

/** Renames the file: it can still be inspected, and the next start does not find it. */
function setAside(path: string, error: Error): void {
  diag.warn(`humanloop-otel: a spool file cannot be read; kept as ${path}${CORRUPT}`, error);
  renameSync(path, path + CORRUPT);
}
