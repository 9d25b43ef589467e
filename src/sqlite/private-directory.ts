/** Directories and files that have prompts in them: for their owner only, and not for git. */
import { closeSync, existsSync, mkdirSync, openSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** The directory that this package uses where the app names no other. */
const OWN_NAME = '.humanloop';

/**
 * Creates the directory and those above it. A new `.humanloop` has a `.gitignore` that leaves out all that is in it.
 *
 * @param isOwn the directory has only files of this package, whatever its name: it gets the same `.gitignore`.
 */
export function createPrivateDirectory(directory: string, { isOwn = false } = {}): void {
  const topmostNew = createDirectories(resolve(directory));
  // It was there before, and the app decides what git sees of it.
  if (topmostNew === undefined) return;
  if (basename(topmostNew) === OWN_NAME) leaveOutOfGit(topmostNew);
  else if (isOwn || basename(resolve(directory)) === OWN_NAME) leaveOutOfGit(directory);
}

/**
 * Returns the topmost directory that was not there before. The option `recursive` of Node is not used: it never returns
 * where a file system answers "no such file or directory" for a directory whose parent exists, as `/proc` does.
 */
function createDirectories(directory: string): string | undefined {
  const parent = dirname(directory);
  const topmostNew = existsSync(parent) ? undefined : createDirectories(parent);
  try {
    mkdirSync(directory, { mode: 0o700 });
    return topmostNew ?? directory;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !statSync(directory).isDirectory()) throw error;
    return topmostNew;
  }
}

function leaveOutOfGit(directory: string): void {
  try {
    writeFileSync(join(directory, '.gitignore'), '*\n', { flag: 'wx', mode: 0o600 });
  } catch {
    // A full disk, or another process was quicker. Everything else works without this file.
  }
}

/**
 * Creates an empty file, if there is none. SQLite takes it for a new database, and gives the files that it makes beside
 * it the same mode. The mode of a file that is there is its owner's decision.
 */
export function createPrivateFile(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
