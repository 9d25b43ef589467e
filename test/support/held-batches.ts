/** Keeps from the index's thread that it is to write, until it is let go: as if the thread were slow. */
import { Worker } from 'node:worker_threads';
import { onTestFinished, vi } from 'vitest';

const post = Worker.prototype.postMessage;

interface HeldBatches {
  /** How many wait. */
  count(): number;
  /** Lets the oldest one go on. */
  release(): void;
  /** Lets all go on, and holds none any more. */
  releaseAll(): void;
}

/** Returns the threads that have written for an index since this call. */
export function watchWriters(): () => Worker[] {
  const posted = vi.spyOn(Worker.prototype, 'postMessage');
  onTestFinished(() => posted.mockRestore());
  return () => [...new Set(posted.mock.contexts.filter((_, at) => isBatch(posted.mock.calls[at]![0])) as Worker[])];
}

/** What the thread does with the lock of the database, for which others wait. */
const BATCHES = ['writeSlice', 'resetSessions', 'dropForgotten'];

function isBatch(work: unknown): boolean {
  const call = (work as { call?: { name: string } } | null)?.call;
  return call !== undefined && BATCHES.includes(call.name);
}

/** Holds those of all threads, or of one. */
export function holdBatches(of?: Worker): HeldBatches {
  const held: (() => void)[] = [];
  let isHolding = true;
  const spy = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, work: unknown) {
    if (isHolding && isBatch(work) && (!of || of === this)) held.push(() => post.call(this, work));
    else post.call(this, work);
  });
  const releaseAll = () => {
    isHolding = false;
    for (const release of held.splice(0)) release();
  };
  onTestFinished(() => {
    releaseAll();
    spy.mockRestore();
  });
  return { count: () => held.length, release: () => held.shift()!(), releaseAll };
}
