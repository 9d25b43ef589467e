/**
 * A file beside the database that only takes space. When the disk is full, not even a deletion can be written, since
 * every write needs space in the write-ahead log first: then this file goes, and deletions have its space. Until it can
 * be made again, all other writes are refused, or they would use up that space too.
 */
import { randomFillSync } from 'node:crypto';
import { closeSync, existsSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { searchFileOf } from './search-file.ts';

const MAX_BYTES = 8 * 1024 * 1024;
/** Of the space that is free or the database's own. */
const SHARE = 1 / 8;
/** Not worth a file. */
const MIN_BYTES = 64 * 1024;
const BLOCK_BYTES = 64 * 1024;

export interface DiskReserve {
  /** 0 where there is none: the disk is too small. */
  readonly bytes: number;
  /** Returns whether the file is there as a whole. Another process may have freed its space. */
  isThere(): boolean;
  /** Frees the space. */
  use(): void;
  /** Takes the space again where as much again is free. */
  restore(): void;
}

/** `file` is the database. One reserve serves all processes that use it, and stays when they end. */
export function createDiskReserve(file: string): DiskReserve {
  const reserve = reserveOf(file);
  const known = sizeOf(reserve);
  const used = [file, searchFileOf(file)].reduce((sum, each) => sum + sizeOf(each) + sizeOf(`${each}-wal`), 0);
  const total = freeBytes(file) + used + known;
  const share = Math.min(MAX_BYTES, Math.floor((total * SHARE) / BLOCK_BYTES) * BLOCK_BYTES);
  const chosen = share < MIN_BYTES ? 0 : share;
  // One that is there and smaller does, until there is the space for a larger one.
  const bytes = known >= MIN_BYTES && freeBytes(file) < 2 * chosen ? known : Math.max(known, chosen);

  const isThere = (): boolean => sizeOf(reserve) >= bytes;

  const restore = (): void => {
    if (isThere() || freeBytes(file) < 2 * bytes) return;
    try {
      writeReserve(reserve, bytes);
    } catch {
      rmSync(reserve, { force: true });
    }
  };

  restore();
  return { bytes, isThere, restore, use: () => removeReserve(file) };
}

/** Frees the space where the file cannot even be opened without it. Returns whether there was any. */
export function removeReserve(file: string): boolean {
  if (!existsSync(reserveOf(file))) return false;
  rmSync(reserveOf(file), { force: true });
  return true;
}

function reserveOf(file: string): string {
  return `${file}-reserve`;
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

/** 0 where there is no such file. */
export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** On the disk of the file, for this user. Infinite where the file system does not say. */
export function freeBytes(file: string): number {
  try {
    const { bavail, bsize } = statfsSync(dirname(file));
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
