/**
 * Tells whether this thread has time to spare besides the viewer's index. What is compared is the time that the event
 * loop has waited for something to do with the time in which the index did not work: however much the index takes, it
 * cannot make the thread look saturated before it takes nearly all that was idle. While the index's own thread has the
 * lock, requests wait for it, and this thread for them: that time is left out.
 */
import { performance } from 'node:perf_hooks';

/** So long the load is watched before it is judged. */
const WINDOW_MILLIS = 1_000;
/** With less than this part of the time idle, who writes has to wait for others. */
const LEAST_IDLE = 0.1;

/** Milliseconds since the loop began. Both stay 0 in a runtime that does not count them. */
export interface LoopTimes {
  readonly idle: number;
  readonly active: number;
}

export interface ThreadLoad {
  /** Must be called with what the index has worked. */
  addIndexing(millis: number): void;
  /** Leaves out the time from this call on until that of the function which it returns. */
  leaveOut(): () => void;
  /** Counts that time as work: who writes waits for the disk, and writes no more meanwhile. */
  countAll(): () => void;
  /** Says it of the last whole window; of a thread that is not known yet, that it is not. */
  isSaturated(): boolean;
}

export function createThreadLoad(readTimes: () => LoopTimes = readLoopTimes): ThreadLoad {
  let last = readTimes();
  let [idleMillis, activeMillis] = [0, 0];
  /** How many times each of them has begun and not ended. */
  const open = { leftOut: 0, countedWhole: 0 };
  let indexingMillis = 0;
  let isSaturated = false;

  const addPast = (): void => {
    const now = readTimes();
    const [idle, active] = [now.idle - last.idle, now.active - last.active];
    last = now;
    if (open.leftOut > 0) return;
    idleMillis += open.countedWhole > 0 ? 0 : idle;
    activeMillis += open.countedWhole > 0 ? idle + active : active;
  };

  const begin = (kind: keyof typeof open): (() => void) => {
    addPast();
    open[kind] += 1;
    return () => {
      addPast();
      open[kind] -= 1;
    };
  };

  return {
    addIndexing: (millis) => {
      indexingMillis += millis;
    },
    leaveOut: () => begin('leftOut'),
    countAll: () => begin('countedWhole'),
    isSaturated: () => {
      addPast();
      const millis = idleMillis + activeMillis;
      if (millis < WINDOW_MILLIS) return isSaturated;
      isSaturated = idleMillis < LEAST_IDLE * Math.max(0, millis - indexingMillis);
      [idleMillis, activeMillis, indexingMillis] = [0, 0, 0];
      return isSaturated;
    },
  };
}

const NOT_COUNTED: LoopTimes = { idle: 0, active: 0 };

/** Some releases of other runtimes return nothing, or throw. */
function readLoopTimes(): LoopTimes {
  try {
    return performance.eventLoopUtilization() ?? NOT_COUNTED;
  } catch {
    return NOT_COUNTED;
  }
}
