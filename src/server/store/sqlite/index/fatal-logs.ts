/**
 * Finds logs for which the index's thread ends, for want of memory: nobody is there then to say which log it
 * was. The thread may also have ended for another reason, so it is given the same logs again, then
 * halves of them, until it ends with one log alone.
 */
import type { SqliteValue } from '../../../../sqlite/open.ts';
import type { MarkedLog } from './index-slice.ts';

/** The thread has ended so often before a log is given up. */
const MIN_ENDS = 3;

export interface FatalLogs {
  /** Whether the thread has ended, and it is not known yet for which log. */
  isSearching(): boolean;
  /** The logs that the next slice must have; undefined if any will do. */
  suspects(): readonly MarkedLog[] | undefined;
  /** What was found, until its slice is written: such logs must be passed over. */
  found(): readonly SqliteValue[];
  /** The thread has ended with a slice of these. */
  noteEnd(logs: readonly MarkedLog[]): void;
  /** It has not ended with the first `count` of the logs that it was given. */
  notePassed(count: number): void;
}

export function createFatalLogs(): FatalLogs {
  /** Those with which the thread has ended, in parts. */
  const parts: (readonly MarkedLog[])[] = [];
  const found = new Set<SqliteValue>();
  let ends = 0;

  return {
    isSearching: () => parts.length > 0,
    suspects: () => parts[0],
    found: () => [...found],

    noteEnd: (logs) => {
      parts.shift();
      ends += 1;
      if (ends === 1) parts.unshift(logs);
      else if (logs.length > 1) {
        const middle = Math.ceil(logs.length / 2);
        parts.unshift(logs.slice(0, middle), logs.slice(middle));
      } else {
        parts.unshift(logs);
        if (ends >= MIN_ENDS) found.add(logs[0]!.key);
      }
    },

    notePassed: (count) => {
      const [part, ...others] = parts;
      if (!part) return;
      for (const { key } of part.slice(0, count)) found.delete(key);
      parts.splice(0, parts.length, part.slice(count), ...others);
      if (parts[0]!.length === 0) parts.shift();
      if (parts.length === 0) ends = 0;
    },
  };
}
