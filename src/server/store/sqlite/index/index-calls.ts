/**
 * Lets the index work: on a thread with a connection of its own, which reads and writes words while others write, and is
 * lent the lock for all else that it writes; on this thread where there is no other one, and for a store in memory, which
 * has no second connection.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { explainSqliteError, reasonOf, type SqliteDatabase } from '../../../../sqlite/open.ts';
import { createProgramThread } from '../../../../sqlite/program-thread.ts';
import { ThreadEndedError } from '../../../../sqlite/thread.ts';
import { takeSteps } from '../../steps.ts';
import type { DiskSpace } from '../file/disk-space.ts';
import { explainDamageOfEither, type SearchFile, searchFileOf } from '../file/search-file.ts';
import type { ViewerStatements } from '../viewer/viewer-statements.ts';
import type { WriteTurns } from '../writing/write-turns.ts';
import { createFatalLogs } from './fatal-logs.ts';
import type { IndexCall, IndexWork, ReadSlice, WordsState, WrittenSlice, WrittenWords } from './index-contract.ts';
import { openWorkHere, type WorkHere } from './index-here.ts';
import type { IndexPace } from './index-pace.ts';
import { INDEX_PROGRAM } from './index-program.ts';
import { toIndexSettings } from './index-settings.ts';
import type { MarkedLog } from './index-slice.ts';
import { createIndexWaits, takesLong } from './index-waits.ts';
import type { ErasedWords, Forgotten, Written } from './word-erasure.ts';

/** Another process that has the file of the words has it for a slice, or for a step of a merge. */
const WORDS_PATIENCE_MILLIS = 10_000;
const WORDS_PAUSE_MILLIS = 20;
/** The same of one that closes: longer than a step of a merge. */
const CLOSING_PATIENCE_MILLIS = 500;

export interface IndexCalls {
  /** Throws once a wait for the disk has failed, see `IndexWaits`. */
  checkDisk(): void;
  /** Throws where no words are to be written: also where their file was replaced. */
  check(): void;
  /** Merges words for as long as a slice. */
  tidy(pace: IndexPace): Promise<WordsState>;
  /** Takes the words of some deleted logs out of the index. */
  forgetLogs(pace: IndexPace): Promise<void>;
  /** See `IndexWork`. */
  eraseWords(pace: IndexPace, isFirst: boolean): Promise<ErasedWords>;
  /** Indexes some of what is marked. Without a state of the words, nothing was written. */
  runSlice(pace: IndexPace): Promise<Omit<WrittenSlice, 'millis'> & { readonly words?: WordsState }>;
  /** Whether the thread has ended with logs that wait to be tried again, in ever smaller slices. */
  isSearching(): boolean;
  /** Whether another process has had the file of the words for so long that a close does not wait for it. */
  isHeldUp(): boolean;
  /** Whether another process has written to the file, since the last call. Must be called when somebody has. */
  haveOthersWritten(): boolean;
  /** Resolves when the thread has ended, after what it is in the middle of, for which it waits 5 s. */
  close(): Promise<void>;
}

export interface IndexCallsParts {
  readonly file: string;
  readonly database: SqliteDatabase;
  readonly search: Pick<SearchFile, 'attach' | 'check' | 'createLogSync'>;
  readonly statements: ViewerStatements;
  readonly turns: WriteTurns;
  readonly space: Pick<DiskSpace, 'maxPages' | 'maxPagesOf'>;
  /** Called with the time in which logs were read. `isHere`: on this thread. */
  readonly onRead: (millis: number, isHere: boolean) => void;
  /** The same of words that were written. */
  readonly onWords: (millis: number, isHere: boolean) => void;
  /** Called with the time in which nobody else could write. */
  readonly onWritten: (millis: number) => void;
  /**
   * Called when the other connection may begin, with the time that it has waited while others wrote. The function that it
   * returns is called when it has ended.
   */
  readonly onLent: (waitedMillis: number) => () => void;
  /** Called when no thread begins, so that all is done on this one until one does. */
  readonly onUnusable: () => void;
  /** Whether nothing more is to be begun. Then words that another process holds up stay marked. */
  readonly isClosing: () => boolean;
}

type Options<Name extends keyof IndexWork> = Parameters<IndexWork[Name]>[0];
type Result<Name extends keyof IndexWork> =
  ReturnType<IndexWork[Name]> extends Generator<void, infer Read> ? Read : ReturnType<IndexWork[Name]>;

/** A slice that the thread reads, or has read. */
interface Reading {
  readonly slice: string;
  readonly logs: readonly MarkedLog[];
  readonly read: Promise<ReadSlice>;
  /** Resolves once the disk has what was read. */
  readonly stored: Promise<void>;
}

export function createIndexCalls(parts: IndexCallsParts): IndexCalls {
  const { file, database, search, statements, turns, space } = parts;
  const { onRead, onWords, onWritten, onLent, onUnusable, isClosing } = parts;
  const waits = createIndexWaits(file, database, search);
  const settings = toIndexSettings(database, search, waits);
  let here: WorkHere | undefined;
  /** The names of the last slice that was written, and of the one that is. */
  let [lastSlice, writing] = [readLastSlice(), ''];
  /** Whether there was a transaction of this index since the last look for those of others. */
  let hasWritten = false;
  /** Since when another process has the file of the words. */
  let heldSince: number | undefined;
  /** Whether the last wait for words was long enough to read meanwhile. */
  let isDiskSlow = false;
  /** That of the next slice, if it was begun before its time. */
  let ahead: Reading | undefined;

  function readLastSlice(): string {
    return statements.readLastSlice.get()!['slice'] as string;
  }

  /** Whether the last call has run on this thread: there may be another one again. */
  let hasRunHere = false;
  const runHere = async ({ name, options }: IndexCall): Promise<unknown> => {
    hasRunHere = true;
    here ??= openWorkHere(file, database, settings);
    const { work } = here;
    return name === 'readSlice' ? takeSteps(work.readSlice(options)) : work[name](options as never);
  };

  const fatalLogs = createFatalLogs();
  const thread = createProgramThread<IndexCall>({
    ...{ file, program: INDEX_PROGRAM, runHere, onUnusable },
    setUp: settings,
  });

  const call = <Name extends keyof IndexWork>(name: Name, options: Options<Name>): Promise<Result<Name>> =>
    thread.run({ name, options } as IndexCall) as Promise<Result<Name>>;

  const isHeldUp = (): boolean => heldSince !== undefined && performance.now() >= heldSince + CLOSING_PATIENCE_MILLIS;

  /** Nobody waits for this lock but the indexes of other processes. */
  const writeWords = async <Name extends 'tidy' | 'forgetLogs' | 'eraseWords' | 'writeWords'>(
    name: Name,
    options: Omit<Options<Name>, 'maxPages' | 'sliceMillis'>,
    { sliceMillis }: IndexPace,
  ): Promise<Result<Name>> => {
    const end = performance.now() + WORDS_PATIENCE_MILLIS;
    // The thread does one after the other.
    await ahead?.read.catch(() => {});
    for (;;) {
      try {
        const maxPages = space.maxPagesOf(searchFileOf(file));
        hasRunHere = false;
        const result = await call(name, { ...options, sliceMillis, maxPages } as Options<Name>);
        heldSince = undefined;
        // Somebody waits for an erasure: it has no longer breaks than others need between two steps.
        if (name !== 'eraseWords' || hasRunHere) onWords((result as Written).millis, hasRunHere);
        return result;
      } catch (error) {
        const isLocked = reasonOf(error) === 'locked';
        heldSince = isLocked ? (heldSince ?? performance.now()) : undefined;
        const isOver = performance.now() >= end || (isClosing() && isHeldUp());
        if (isLocked && isOver) throw explainSqliteError(error, searchFileOf(file));
        if (!isLocked) throw explainDamageOfEither(error, file);
      }
      await delay(WORDS_PAUSE_MILLIS);
    }
  };

  const write = async <Name extends 'dropForgotten' | 'resetSessions' | 'writeSlice'>(
    name: Name,
    options: Omit<Options<Name>, 'maxPages' | 'sliceMillis'>,
    { sliceMillis, isUrgent }: IndexPace,
  ): Promise<Result<Name>> => {
    hasWritten = true;
    // Nobody should wait for the lock meanwhile.
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

  const startReading = (logs: readonly MarkedLog[], { isUrgent }: IndexPace, after?: string): Reading => {
    const slice = randomUUID();
    const isLong = isDiskSlow || isUrgent;
    hasRunHere = false;
    const read = call('readSlice', { slice, after, logs, fatal: fatalLogs.found(), listsNext: isUrgent, isLong });
    const stored = read.then(waits.forDatabase);
    // Whoever takes it hears of it.
    stored.catch(() => {});
    return { slice, logs, read, stored };
  };

  /** Returns undefined if no log is marked. */
  const nextReading = async (pace: IndexPace): Promise<Reading | undefined> => {
    // Also where it is known which logs come next: a thread that ends with this does not end for a log.
    const marked = await call('listLogs', { isLate: pace.isLate });
    const logs = fatalLogs.suspects() ?? marked;
    return logs.length === 0 ? undefined : startReading(logs, pace);
  };

  /** Returns undefined if it is not known what comes next, and where sessions are reset before that. */
  const readAhead = (logs: readonly MarkedLog[], pace: IndexPace, after?: string): Reading | undefined => {
    if (logs.length === 0 || hasRunHere || fatalLogs.isSearching()) return undefined;
    return statements.listDueSessions.get(Date.now()) ? undefined : startReading(logs, pace, after);
  };

  const noteEnd = (logs: readonly MarkedLog[]) => (error: unknown) => {
    if (error instanceof ThreadEndedError) fatalLogs.noteEnd(logs);
    throw error;
  };

  /** Resolves when it is read, or whoever takes it hears why not. Rejects if the thread has ended, with all that it knew. */
  const untilRead = ({ logs, read }: Reading): Promise<void> =>
    read.then(
      ({ millis }) => onRead(millis, hasRunHere),
      (error: unknown) => {
        if (error instanceof ThreadEndedError) noteEnd(logs)(error);
      },
    );

  const indexLogs = async ({ slice, logs, read, stored }: Reading, isAhead: boolean, pace: IndexPace) => {
    const { logs: count, millis, next } = await read.catch(noteEnd(logs));
    // What was read in a break, or before it, has not made that longer.
    onRead(isAhead ? 0 : millis, hasRunHere);
    await stored;
    writing = slice;
    const words: WrittenWords = await writeWords('writeWords', { slice }, pace).catch(noteEnd(logs));
    if (words.outcome !== 'written') return { ...words, changed: null, passedOver: [], words };
    const onDisk = waits.forWords();
    isDiskSlow = !hasRunHere && (await takesLong(onDisk));
    const early = isDiskSlow ? readAhead(next, pace, slice) : undefined;
    await onDisk;
    if (early) await untilRead(early);
    ahead = early;
    const written = await write('writeSlice', { slice }, pace).catch(noteEnd(logs));
    if (written.outcome !== 'written') return { ...written, words };
    lastSlice = slice;
    fatalLogs.notePassed(count);
    ahead ??= readAhead(next, pace);
    return { ...written, words };
  };

  return {
    checkDisk: waits.check,

    check: () => {
      waits.check();
      search.check();
    },

    tidy: (pace) => writeWords('tidy', {}, pace),

    forgetLogs: async (pace) => {
      const { entries }: Forgotten = await writeWords('forgetLogs', {}, pace);
      if (entries.length === 0) return;
      await waits.forWords();
      await write('dropForgotten', { entries }, pace);
    },

    eraseWords: (pace, isFirst) => writeWords('eraseWords', { isFirst }, pace),

    runSlice: async (pace) => {
      const reset = await resetSessions(pace);
      const early = ahead;
      ahead = undefined;
      const reading = early ?? (await nextReading(pace));
      if (!reading) return { outcome: 'written', changed: reset, passedOver: [] };
      const written = await indexLogs(reading, early !== undefined, pace);
      return { ...written, changed: reset && written.changed && [...new Set([...reset, ...written.changed])] };
    },

    isSearching: fatalLogs.isSearching,
    isHeldUp,

    haveOthersWritten: () => {
      const isOwn = hasWritten && [lastSlice, writing].includes(readLastSlice());
      hasWritten = false;
      return !isOwn;
    },

    close: async () => {
      await thread.close();
      await here?.close();
      await waits.close();
    },
  };
}
