/**
 * Lets the index work: on a thread with a connection of its own, which reads while others write, and is lent the lock
 * when it writes; on this thread where there is no other one, and for a store in memory, which has no second connection.
 */
import { randomUUID } from 'node:crypto';
import type { SqliteDatabase } from '../../../../sqlite/open.ts';
import { createProgramThread } from '../../../../sqlite/program-thread.ts';
import type { Prepare } from '../../../../sqlite/statement-cache.ts';
import { ThreadEndedError } from '../../../../sqlite/thread.ts';
import { takeSteps } from '../../steps.ts';
import type { DiskSpace } from '../file/disk-space.ts';
import type { ViewerStatements } from '../viewer/viewer-statements.ts';
import type { WriteTurns } from '../writing/write-turns.ts';
import { createFatalLogs } from './fatal-logs.ts';
import type { IndexPace } from './index-pace.ts';
import { INDEX_PROGRAM } from './index-program.ts';
import { toIndexSettings } from './index-settings.ts';
import type { MarkedLog } from './index-slice.ts';
import {
  createIndexWork,
  type IndexCall,
  type IndexWork,
  type ReadSlice,
  type Written,
  type WrittenSlice,
} from './index-work.ts';

export interface IndexCalls {
  /** Merges words for as long as a slice. */
  tidy(pace: IndexPace): Promise<Pick<WrittenSlice, 'isTidy' | 'isOverdue'>>;
  /** Indexes some of what is marked. */
  runSlice(pace: IndexPace): Promise<Omit<WrittenSlice, 'millis'>>;
  /** Whether the thread has ended with logs that wait to be tried again, in ever smaller slices. */
  isSearching(): boolean;
  /** Whether another process has written to the file, since the last call. Must be called when somebody has. */
  haveOthersWritten(): boolean;
  /** Resolves when the thread has ended, after what it is in the middle of, for which it waits 5 s. */
  close(): Promise<void>;
}

export interface IndexCallsParts {
  readonly file: string;
  readonly database: SqliteDatabase;
  readonly prepare: Prepare;
  readonly statements: ViewerStatements;
  readonly turns: WriteTurns;
  readonly space: Pick<DiskSpace, 'maxPages'>;
  /** Called with the time in which logs were read. `isHere`: on this thread. */
  readonly onRead: (millis: number, isHere: boolean) => void;
  /** Called with the time in which nobody else could write. */
  readonly onWritten: (millis: number) => void;
  /**
   * Called when the other connection may begin, with the time that it has waited while others wrote. The function that it
   * returns is called when it has ended.
   */
  readonly onLent: (waitedMillis: number) => () => void;
  /** Called when no thread begins, so that all is done on this one until one does. */
  readonly onUnusable: () => void;
}

type Options<Name extends keyof IndexWork> = Parameters<IndexWork[Name]>[0];
type Result<Name extends keyof IndexWork> =
  ReturnType<IndexWork[Name]> extends Generator<void, infer Read> ? Read : ReturnType<IndexWork[Name]>;

/** A slice that the thread reads, or has read. */
interface Reading {
  readonly slice: string;
  readonly logs: readonly MarkedLog[];
  readonly read: Promise<ReadSlice>;
}

export function createIndexCalls(parts: IndexCallsParts): IndexCalls {
  const { file, database, prepare, statements, turns, space, onRead, onWritten, onLent, onUnusable } = parts;
  let here: IndexWork | undefined;
  /** The names of the last slice that was written, and of the one that is. */
  let [lastSlice, writing] = [readLastSlice(), ''];
  /** Whether there was a transaction of this index since the last look for those of others. */
  let hasWritten = false;
  /** That of the next slice, if it was begun before its time. */
  let ahead: Reading | undefined;

  function readLastSlice(): string {
    return statements.readLastSlice.get()!['slice'] as string;
  }

  /** Whether the last call has run on this thread: there may be another one again. */
  let hasRunHere = false;
  const runHere = async ({ name, options }: IndexCall): Promise<unknown> => {
    hasRunHere = true;
    here ??= createIndexWork(database, prepare);
    return name === 'readSlice' ? takeSteps(here.readSlice(options)) : here[name](options as never);
  };

  const fatalLogs = createFatalLogs();
  const thread = createProgramThread<IndexCall>({
    ...{ file, program: INDEX_PROGRAM, runHere, onUnusable },
    setUp: toIndexSettings(database),
  });

  const call = <Name extends keyof IndexWork>(name: Name, options: Options<Name>): Promise<Result<Name>> =>
    thread.run({ name, options } as IndexCall) as Promise<Result<Name>>;

  const write = async <Name extends 'tidy' | 'resetSessions' | 'writeSlice'>(
    name: Name,
    options: Omit<Options<Name>, 'maxPages' | 'sliceMillis'>,
    { sliceMillis, isUrgent }: IndexPace,
  ): Promise<Result<Name>> => {
    hasWritten = true;
    // The thread does one after the other, and nobody should wait for the lock meanwhile.
    await ahead?.read.catch(() => {});
    const askedAt = performance.now();
    const result = await turns.lend(async () => {
      // Not before: the disk may have become full meanwhile.
      const maxPages = space.maxPages();
      const end = onLent(performance.now() - askedAt);
      return call(name, { ...options, sliceMillis, maxPages } as Options<Name>).finally(end);
    }, isUrgent);
    hasWritten = true;
    onWritten((result as Written).millis);
    return result;
  };

  const resetSessions = async (pace: IndexPace): Promise<readonly string[] | null> => {
    if (!statements.listDueSessions.get(Date.now())) return [];
    writing = randomUUID();
    const { changed } = await write('resetSessions', { slice: writing }, pace);
    lastSlice = writing;
    // What was read before does not follow this slice.
    ahead = undefined;
    return changed;
  };

  const startReading = (logs: readonly MarkedLog[], { isUrgent }: IndexPace): Reading => {
    const slice = randomUUID();
    hasRunHere = false;
    const read = call('readSlice', { slice, logs, fatal: fatalLogs.found(), listsNext: isUrgent });
    // Whoever takes it hears of it.
    read.catch(() => {});
    return { slice, logs, read };
  };

  /** Returns undefined if no log is marked. */
  const nextReading = async (pace: IndexPace): Promise<Reading | undefined> => {
    // Also where it is known which logs come next: a thread that ends with this does not end for a log.
    const marked = await call('listLogs', { isLate: pace.isLate });
    const logs = fatalLogs.suspects() ?? marked;
    return logs.length === 0 ? undefined : startReading(logs, pace);
  };

  const indexLogs = async ({ slice, read }: Reading, isAhead: boolean, pace: IndexPace): Promise<WrittenSlice> => {
    const { logs, millis, next } = await read;
    // What was read in a break has not made that longer.
    onRead(isAhead ? 0 : millis, hasRunHere);
    writing = slice;
    const written = await write('writeSlice', { slice }, pace);
    if (written.outcome !== 'written') return written;
    lastSlice = slice;
    fatalLogs.notePassed(logs);
    if (next.length > 0 && !hasRunHere && !fatalLogs.isSearching()) ahead = startReading(next, pace);
    return written;
  };

  return {
    tidy: (pace) => write('tidy', {}, pace),

    runSlice: async (pace) => {
      const reset = await resetSessions(pace);
      const early = ahead;
      ahead = undefined;
      const reading = early ?? (await nextReading(pace));
      if (!reading) return { outcome: 'written', changed: reset, passedOver: [], isTidy: true, isOverdue: false };
      const written = await indexLogs(reading, early !== undefined, pace).catch((error: unknown) => {
        if (error instanceof ThreadEndedError) fatalLogs.noteEnd(reading.logs);
        throw error;
      });
      return { ...written, changed: reset && written.changed && [...new Set([...reset, ...written.changed])] };
    },

    isSearching: fatalLogs.isSearching,

    haveOthersWritten: () => {
      const isOwn = hasWritten && [lastSlice, writing].includes(readLastSlice());
      hasWritten = false;
      return !isOwn;
    },

    close: thread.close,
  };
}
