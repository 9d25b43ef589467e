/** Directories and files that have prompts in them: for their owner only, and not for git. */
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

/** The directory that this package uses where the app names no other. */
const OWN_NAME = '.humanloop';

/**
 * Creates the directory and those above it. A new `.humanloop` has a `.gitignore` that leaves out all that is in it.
 *
 * @param isOwn the directory has only files of this package, whatever its name: it gets the same `.gitignore`.
 */
export function createPrivateDirectory(directory: string, { isOwn = false } = {}): void {
  const topmostNew = mkdirSync(directory, { recursive: true, mode: 0o700 });
  // It was there before, and the app decides what git sees of it.
  if (topmostNew === undefined) return;
  if (basename(topmostNew) === OWN_NAME) leaveOutOfGit(topmostNew);
  else if (isOwn || basename(resolve(directory)) === OWN_NAME) leaveOutOfGit(directory);
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
