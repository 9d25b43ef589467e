/**
 * The directory that processes share: each has a file of its own, which it holds locked as long as it lives. A file
 * that can be locked was left by a dead process, and belongs to whoever locks it first.
 */

import { randomUUID } from 'node:crypto';
import { closeSync, constants, mkdirSync, openSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { diag } from '@opentelemetry/api';
import type { SpoolOptions } from '../../options.ts';
import { explainSqliteError, openSqlite, type SqliteDatabase } from '../../sqlite/open.ts';
import { removeSpoolFile, SpoolFile } from './file.ts';
import type { TakenOver } from './take-over-rows.ts';

const SUFFIX = '.spool';
/** A file that has been empty for so long is not about to be filled: its process ended right after it made it. */
const MAX_EMPTY_MILLIS = 60_000;

/** Creates this process's file, readable by its owner only. */
export function openSpoolFile(directory: string): SpoolFile {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `${process.pid}-${randomUUID()}${SUFFIX}`);
  // Made here and not by SQLite, for the mode, and so that no link that waits there is followed.
  closeSync(openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_RDWR, 0o600));
  try {
    return lockSpoolFile(path);
  } catch (error) {
    removeSpoolFile(path);
    throw error;
  }
}

/**
 * Moves what dead processes have left into this process's file, in steps between which it yields. A file that cannot be
 * read is kept under another name.
 */
export function* takeOverFiles(options: SpoolOptions, own: SpoolFile): Generator<void, TakenOver> {
  const takenOver: TakenOver = { logs: [], expired: [] };
  for (const name of readdirSync(options.directory)) {
    const path = join(options.directory, name);
    if (!name.endsWith(SUFFIX) || path === own.path) continue;
    try {
      if (isFilled(path)) yield* own.takeOver(path, Date.now() - options.maxAgeMillis, takenOver);
    } catch (cause) {
      const error = explainSqliteError(cause, path);
      // Locked: its process lives, or another one was quicker. Our own file may be what cannot be written: later.
      if (error.reason === 'corrupt' || error.reason === 'other') setAside(path, error);
    }
    if (own.isClosed) break;
  }
  return takenOver;
}

function lockSpoolFile(path: string): SpoolFile {
  const database = openSqlite({ file: path, busyTimeoutMillis: 0 });
  try {
    hold(database);
    return new SpoolFile(path, database);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Takes the file's lock at once and keeps it until the connection closes, or the process ends in whatever way. */
function hold(database: SqliteDatabase): void {
  database.exec('PRAGMA locking_mode = EXCLUSIVE');
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = NORMAL');
  database.exec('BEGIN IMMEDIATE; COMMIT');
}

/** A file is empty between the moment in which its process makes it and the one in which it locks it. */
function isFilled(path: string): boolean {
  const { size, mtimeMs } = statSync(path);
  if (size > 0) return true;
  if (Date.now() - mtimeMs > MAX_EMPTY_MILLIS) removeSpoolFile(path);
  return false;
}

/** Kept for whoever wants to look into it, and out of the way of the next start. */
function setAside(path: string, error: Error): void {
  diag.warn(`humanloop-otel: a spool file cannot be read; kept as ${path}.corrupt`, error);
  renameSync(path, `${path}.corrupt`);
}
