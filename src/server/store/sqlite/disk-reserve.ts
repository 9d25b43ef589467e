/**
 * A file beside the database that only takes space. When the disk is full, not even a deletion can be written, since
 * every write needs space in the write-ahead log first: then this file goes, and deletions have its space. Until it can
 * be made again, all other writes are refused, or they would use up that space too.
 */
import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const MAX_BYTES = 8 * 1024 * 1024;
/** Of the space that is free when the file is opened. */
const SHARE = 1 / 8;
/** Not worth a file. */
const MIN_BYTES = 64 * 1024;
const BLOCK_BYTES = 64 * 1024;

export interface DiskReserve {
  /** 0 where there is none. */
  readonly bytes: number;
  /** True between `use` and `restore`. */
  readonly isInUse: boolean;
  /** Frees the space, if that has not been done. */
  use(): void;
  /** Takes the space again where there is enough of it. Returns whether it has it. */
  restore(): boolean;
  /** Returns whether a write has a chance. */
  hasSpace(): boolean;
}

/** `file` is the database. One reserve serves all processes that use it, and stays when they end. */
export function createDiskReserve(file: string): DiskReserve {
  const reserve = `${file}-reserve`;
  const known = statSync(reserve, { throwIfNoEntry: false })?.size ?? 0;
  const chosen = Math.min(MAX_BYTES, Math.floor((freeBytes(file) * SHARE) / BLOCK_BYTES) * BLOCK_BYTES);
  const bytes = Math.max(known, chosen) < MIN_BYTES ? 0 : Math.max(known, chosen);
  let isInUse = false;

  const take = (): boolean => {
    if ((statSync(reserve, { throwIfNoEntry: false })?.size ?? 0) >= bytes) return true;
    try {
      writeReserve(reserve, bytes);
      return true;
    } catch {
      rmSync(reserve, { force: true });
      return false;
    }
  };

  if (bytes > 0) take();
  return {
    bytes,
    get isInUse() {
      return isInUse;
    },
    use: () => {
      isInUse = bytes > 0;
      rmSync(reserve, { force: true });
    },
    restore: () => {
      // As much again has to be free, or the next write would fail.
      if (isInUse && freeBytes(file) >= 2 * bytes && take()) isInUse = false;
      return !isInUse;
    },
    hasSpace: () => !isInUse && freeBytes(file) >= Math.max(bytes, MIN_BYTES),
  };
}

/** Random bytes: a file system that compresses would give zeros no space. */
function writeReserve(reserve: string, bytes: number): void {
  const block = randomFillSync(Buffer.alloc(BLOCK_BYTES));
  const descriptor = openSync(reserve, 'w', 0o600);
  try {
    for (let written = 0; written < bytes; written += block.length) writeSync(descriptor, block);
  } finally {
    closeSync(descriptor);
  }
}

export function freeBytes(file: string): number {
  try {
    const { bavail, bsize } = statfsSync(dirname(file));
    return bavail * bsize;
  } catch {
    return 0;
  }
}
