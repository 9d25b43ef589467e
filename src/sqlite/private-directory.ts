/** Directories for files that have prompts in them: for their owner only, and not for git. */
import { mkdirSync, writeFileSync } from 'node:fs';
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
