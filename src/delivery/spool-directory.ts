/**
 * The directory that processes share: each has a file of its own, which it holds locked as long as it lives. A file
 * that can be locked was left by a process that is no more, and belongs to whoever locks it first.
 */

import { randomUUID } from 'node:crypto';
import { closeSync, constants, mkdirSync, openSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { SpoolOptions } from '../options.ts';
import { openSqlite, type SqliteDatabase, SqliteError } from '../sqlite/open.ts';
import { type OrphanedLog, removeSpoolFile, SpoolFile } from './spool-file.ts';

const SUFFIX = '.spool';

/** Creates this process's file, readable by its owner only. */
export function openSpoolFile(directory: string): SpoolFile {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `${process.pid}-${randomUUID()}${SUFFIX}`);
  // Made here and not by SQLite, for the mode, and so that no link that waits there is followed.
  closeSync(openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_RDWR, 0o600));
  const database = openSqlite({ file: path, busyTimeoutMillis: 0 });
  hold(database);
  return new SpoolFile(path, database);
}

/** Moves what dead processes have left into this process's file. A file that cannot be read is left where it is. */
export function takeOrphans(options: SpoolOptions, own: SpoolFile): { logs: OrphanedLog[]; expired: string[] } {
  const logs: OrphanedLog[] = [];
  const expired: string[] = [];
  for (const name of readdirSync(options.directory)) {
    const path = join(options.directory, name);
    if (!name.endsWith(SUFFIX) || path === own.path || !isOrphan(path)) continue;
    const taken = own.takeOver(path, Date.now() - options.maxAgeMillis);
    logs.push(...taken.logs);
    expired.push(...taken.expired);
    removeSpoolFile(path);
  }
  return { logs, expired };
}

/** Takes the file's lock at once and keeps it until the connection closes, or the process ends in whatever way. */
function hold(database: SqliteDatabase): void {
  database.exec('PRAGMA locking_mode = EXCLUSIVE');
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = NORMAL');
  database.exec('BEGIN IMMEDIATE; COMMIT');
}

function isOrphan(path: string): boolean {
  try {
    const database = openSqlite({ file: path, busyTimeoutMillis: 0 });
    try {
      hold(database);
      return true;
    } finally {
      database.close();
    }
  } catch (error) {
    // Kept for whoever wants to look into it, and out of the way of the next start.
    if (error instanceof SqliteError && error.reason === 'corrupt') renameSync(path, `${path}.corrupt`);
    return false;
  }
}
