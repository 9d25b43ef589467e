/**
 * Copies of the whole file: backup, restore, and the file itself written again without its free space. A backup has no
 * search index: it is made again when the copy is used.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { HumanloopError } from '../../../errors.ts';
import {
  createSqliteError,
  explainSqliteError,
  openSqlite,
  reasonOf,
  type SqliteDatabase,
  SqliteError,
} from '../../../sqlite/open.ts';
import { createPrivateDirectory, createPrivateFile } from '../../../sqlite/private-directory.ts';
import { checkIdentity, MIGRATIONS } from './file/migrations.ts';
import { explainDamage, removeSearchFile, SEARCH, searchFileOf, toAttachSql } from './file/search-file.ts';
import { readNumber, tryTruncateLog } from './file/write-ahead-log.ts';

/** How long a command waits for the writes of a server. */
const BUSY_MILLIS = 30_000;

export interface CopyOptions {
  /** Overwrites a file that is there. */
  readonly force?: boolean;
}

/**
 * Writes one consistent copy, as of one moment, while others go on writing. Blocks this thread until it is on disk.
 * Throws a `HumanloopError`.
 */
export function backUpSqlite(givenFile: string, givenTarget: string, { force = false }: CopyOptions = {}): void {
  const [file, target] = [resolve(givenFile), resolve(givenTarget)];
  if (file === target) throw new HumanloopError(`${target} is the database itself: name another file`);
  if (existsSync(target) && !force) throw existing(target);
  withDatabase(file, (database) => copyTo({ database, file }, target, force));
}

/**
 * Puts a copy in the place of the database, where no process uses that. The copy is checked first. Throws a
 * `HumanloopError`.
 */
export function restoreSqlite(givenSource: string, givenFile: string, { force = false }: CopyOptions = {}): void {
  const [source, file] = [resolve(givenSource), resolve(givenFile)];
  if (file === source) throw new HumanloopError(`${file} is the database itself: name the backup`);
  if (!existsSync(source)) throw new HumanloopError(`there is no backup at ${source}`);
  if (existsSync(file) && !force) throw existing(file);
  withDatabase(source, (backup) => {
    const [result] = backup.prepare('PRAGMA quick_check(1)').all();
    if (result?.['quick_check'] !== 'ok') throw createSqliteError('corrupt', source);
    if (existsSync(file)) refuseIfInUse(file);
    copyTo({ database: backup, file: source }, file, force, () => {
      // They belong to the file that goes.
      for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true });
      removeSearchFile(file);
    });
  });
}

/**
 * Writes the file again, without free space and without anything that was deleted, and so that it gives free space back
 * from then on. Others can read meanwhile, and write only afterwards. It needs as much space again. Returns its sizes in
 * bytes. Throws a `HumanloopError`.
 */
export function compactSqlite(givenFile: string): { before: number; after: number } {
  const file = resolve(givenFile);
  const search = searchFileOf(file);
  const countBytes = () => [file, search].reduce((sum, each) => sum + (existsSync(each) ? statSync(each).size : 0), 0);
  return withDatabase(file, (database) => {
    const before = countBytes();
    database.exec('PRAGMA auto_vacuum = INCREMENTAL');
    database.exec('VACUUM');
    if (existsSync(search)) compactSearch(database, file);
    if (readNumber(database, 'user_version') === MIGRATIONS.length) database.exec('DELETE FROM compaction_due');
    tryTruncateLog(database);
    return { before, after: countBytes() };
  });
}

/** Without this, it would be said that the database is damaged. */
function compactSearch(database: SqliteDatabase, file: string): void {
  try {
    database.exec(`${toAttachSql(file)}; VACUUM ${SEARCH}`);
  } catch (error) {
    throw explainDamage(error, file);
  }
}

function withDatabase<Result>(file: string, use: (database: SqliteDatabase) => Result): Result {
  if (!existsSync(file)) throw createSqliteError('missing', file);
  const database = openSqlite({ file, busyTimeoutMillis: BUSY_MILLIS });
  try {
    checkIdentity(database, file);
    return use(database);
  } catch (error) {
    throw error instanceof HumanloopError ? error : explainSqliteError(error, file);
  } finally {
    database.close();
  }
}

interface Original {
  readonly database: SqliteDatabase;
  readonly file: string;
}

/** `target` has either what was there before or the whole copy. `before` is called when the copy is on disk. */
function copyTo(original: Original, target: string, force: boolean, before: () => void = () => {}): void {
  const partial = `${target}.${process.pid}.partial`;
  try {
    createPrivateDirectory(dirname(target));
    removeAbandoned(target);
    removeCopy(partial);
    createPrivateFile(partial);
    writeCopy(original, partial);
    syncToDisk(partial);
    before();
    publish(partial, target, force);
  } catch (error) {
    throw error instanceof HumanloopError ? error : explainSqliteError(error, target);
  } finally {
    removeCopy(partial);
  }
}

function writeCopy({ database, file }: Original, partial: string): void {
  try {
    database.prepare('VACUUM INTO ?').run(partial);
  } catch (error) {
    // The copy is new, and nobody else's: this is of what is read. The rest, such as a full disk, is of what is written.
    throw ['corrupt', 'locked'].includes(reasonOf(error)) ? explainSqliteError(error, file) : error;
  }
}

/** A copy that failed half-way, as on a full disk, leaves a journal beside it. */
function removeCopy(partial: string): void {
  for (const suffix of ['', '-journal']) rmSync(partial + suffix, { force: true });
}

/** Processes that were killed leave unfinished copies, with all that is in them. Those that are still written stay. */
function removeAbandoned(target: string): void {
  const directory = dirname(target);
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(`${basename(target)}.`)) continue;
    const [, rest, pid] = /^(\.(\d+)\.partial)(?:-journal)?$/.exec(name.slice(basename(target).length)) ?? [];
    if (pid === undefined || isRunning(Number(pid))) continue;
    const partial = join(directory, basename(target) + rest);
    try {
      // Processes of other containers are not seen, but their locks are.
      if (existsSync(partial)) refuseIfInUse(partial);
      removeCopy(partial);
    } catch {
      // It is in use, or another user's.
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** A link fails where the name is taken meanwhile. Some file systems have no links. */
function publish(partial: string, target: string, force: boolean): void {
  try {
    if (!force) return linkSync(partial, target);
  } catch (error) {
    if (existsSync(target)) throw existing(target);
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw error;
  }
  renameSync(partial, target);
}

function syncToDisk(file: string): void {
  const descriptor = openSync(file, 'r+');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** A damaged file is used by nobody: that is why it is replaced. */
function refuseIfInUse(file: string): void {
  try {
    openAlone(file).close();
  } catch (error) {
    if (reasonOf(error) === 'locked') throw error;
  }
}

/** No other process can use the file until it is closed. Throws a `SqliteError` (`locked`) while one does. */
export function openAlone(file: string): SqliteDatabase {
  const database = openSqlite({ file, busyTimeoutMillis: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec('BEGIN EXCLUSIVE');
    database.exec('ROLLBACK');
    return database;
  } catch (error) {
    database.close();
    if (reasonOf(error) !== 'locked') throw explainSqliteError(error, file);
    throw new SqliteError('locked', file, `${file} is in use: stop the server first`, { cause: error });
  }
}

function existing(file: string): HumanloopError {
  return new HumanloopError(`${file} exists: use --force to replace it`);
}
