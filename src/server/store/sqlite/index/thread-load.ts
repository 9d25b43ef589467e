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
  /** Says it of the last whole window; of a thread that is not known yet, that it is not. */
  isSaturated(): boolean;
}

export function createThreadLoad(readTimes: () => LoopTimes = readLoopTimes): ThreadLoad {
  let start = readTimes();
  let indexingMillis = 0;
  let isSaturated = false;
  return {
    addIndexing: (millis) => {
      indexingMillis += millis;
    },
    leaveOut: () => {
      const from = readTimes();
      return () => {
        const now = readTimes();
        start = {
          idle: start.idle + now.idle - Math.max(from.idle, start.idle),
          active: start.active + now.active - Math.max(from.active, start.active),
        };
      };
    },
    isSaturated: () => {
      const now = readTimes();
      const idleMillis = now.idle - start.idle;
      const millis = idleMillis + now.active - start.active;
      if (millis < WINDOW_MILLIS) return isSaturated;
      isSaturated = idleMillis < LEAST_IDLE * Math.max(0, millis - indexingMillis);
      start = now;
      indexingMillis = 0;
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
