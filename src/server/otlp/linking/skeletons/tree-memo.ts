/**
 * Spares reading the bytes of a large trace again for each request. A tree is found by the parts that it stands for, so
 * what a transaction has not committed, or another server has added, is never mistaken for what is stored.
 */
import type { NewPart } from '../../../store/ingest.ts';
import { Tree } from './tree.ts';

/** Of all trees: about 50 MB. */
const MAX_SKELETONS = 50_000;
/** Smaller trees are read as fast as they are found. */
const MIN_SKELETONS = 64;
/** Applications send every few seconds while a trace goes on. After a longer pause its bytes are read again. */
const MAX_PAUSE_MILLIS = 30_000;

interface Remembered {
  readonly partCount: number;
  readonly byteCount: number;
  readonly lastPart: Uint8Array;
  readonly tree: Tree;
  /** Of `performance.now()`. */
  readonly usedAtMillis: number;
}

export class TreeMemo {
  /** By trace id, least recently used first. */
  readonly #trees = new Map<string, Remembered>();
  #skeletonCount = 0;

  /** Takes the tree out: it may be changed. Yields after small steps. */
  *take(traceId: string, parts: readonly Uint8Array[]): Generator<void, Tree> {
    this.#bound();
    const known = this.#forget(traceId);
    const lastPart = parts.at(-1);
    const isSame =
      known !== undefined &&
      lastPart !== undefined &&
      known.partCount === parts.length &&
      known.byteCount === countBytes(parts) &&
      Buffer.compare(known.lastPart, lastPart) === 0;
    return isSame ? known.tree : yield* Tree.read(parts);
  }

  /** Puts a tree back that stands for these parts and, if that is committed, the new one. */
  put(traceId: string, parts: readonly Uint8Array[], part: NewPart | undefined, tree: Tree): void {
    const lastPart = part?.bytes ?? parts.at(-1);
    if (tree.size < MIN_SKELETONS || !lastPart) return;
    // Another write may have put its own there, if this one has lost its lock between two steps.
    this.#forget(traceId);
    const others = part?.replacesOthers ? [] : parts;
    const partCount = others.length + (part ? 1 : 0);
    const byteCount = countBytes(others) + (part?.bytes.length ?? 0);
    this.#trees.set(traceId, { partCount, byteCount, lastPart, tree, usedAtMillis: performance.now() });
    this.#skeletonCount += tree.size;
    this.#bound();
  }

  #bound(): void {
    const earliestMillis = performance.now() - MAX_PAUSE_MILLIS;
    for (const [oldest, { usedAtMillis }] of this.#trees) {
      if (this.#skeletonCount <= MAX_SKELETONS && usedAtMillis >= earliestMillis) return;
      this.#forget(oldest);
    }
  }

  #forget(traceId: string): Remembered | undefined {
    const known = this.#trees.get(traceId);
    this.#skeletonCount -= known?.tree.size ?? 0;
    this.#trees.delete(traceId);
    return known;
  }
}

function countBytes(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
