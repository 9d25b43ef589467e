/** What the index does (index-work.ts), and what comes of it, as it is sent to another thread and back. */
import type { SqliteValue } from '../../../../sqlite/open.ts';
import type { MarkedLog } from './index-slice.ts';
import type { Bounds, WordErasure, Written } from './word-erasure.ts';

export interface ReadSlice {
  readonly logs: number;
  readonly millis: number;
  /** Marked logs for the next slice, as `listLogs` has them for an index that is late; none unless asked for. */
  readonly next: readonly MarkedLog[];
}

export interface PassedOver {
  readonly key: SqliteValue;
  readonly cause: string;
}

/**
 * `written`: all of it, but for logs that have changed meanwhile. `outdated`: nothing, since others have indexed since it
 * was read, or it is not known any more. `failed`: nothing, and the log that it has failed for is left out next time.
 */
export type SliceOutcome = 'written' | 'outdated' | 'failed';

export interface WrittenSlice extends Written {
  readonly outcome: SliceOutcome;
  /** The ids of the sessions that changed; null where they are many, or not known. */
  readonly changed: readonly string[] | null;
  readonly passedOver: readonly PassedOver[];
}

/** What is left to merge of the words. */
export interface WordsState {
  /** Whether the words of all slices so far are merged. */
  readonly isTidy: boolean;
  /** Whether so much is left to merge that it comes before the next slice. */
  readonly isOverdue: boolean;
}

export interface WrittenWords extends Written, WordsState {
  readonly outcome: SliceOutcome;
}

/** Options and results can be sent to another thread. `slice` is the name of one, another one each time. */
export interface IndexWork extends WordErasure {
  /** Merges words for as long as a slice. */
  tidy(bounds: Bounds): Written & WordsState;
  /** For sessions of which a log or feedback was deleted: all of their logs are marked, to be indexed again. */
  resetSessions(options: Bounds & { readonly slice: string }): Written & Pick<WrittenSlice, 'changed'>;
  /** Lists marked logs: the newest, or the oldest each second time where it is late. */
  listLogs(options: { readonly isLate: boolean }): MarkedLog[];
  /**
   * Reads the first of these logs, as many as one slice may have, without the `fatal` ones. Yields between two logs.
   * `after`: the slice that has written its words, and writes the rest between this call and the next one for words.
   * `isLong`: the slice may have more text, since each waits: for the disk, the other thread, and whoever writes.
   */
  readSlice(options: {
    readonly slice: string;
    readonly after?: string | undefined;
    readonly logs: readonly MarkedLog[];
    readonly fatal: readonly SqliteValue[];
    readonly listsNext: boolean;
    readonly isLong?: boolean;
  }): Generator<void, ReadSlice>;
  /**
   * Writes the words of what was read, once the disk has all that the database had then. They are on disk later. May be
   * called again where the file was locked.
   */
  writeWords(options: Bounds & { readonly slice: string }): WrittenWords;
  /** Writes the rest, once the disk has the words. May be called again where the file was locked. */
  writeSlice(options: Bounds & { readonly slice: string }): WrittenSlice;
}

export type IndexCall = {
  [Name in keyof IndexWork]: { readonly name: Name; readonly options: Parameters<IndexWork[Name]>[0] };
}[keyof IndexWork];
