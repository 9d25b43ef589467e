/**
 * The part of the store's contract for logs that the server itself derives from spans. What is remembered of a trace is
 * bytes to the store; `server/linking/` knows what they mean.
 */
import type { Feedback, LogRequest } from '../../wire/v4.ts';

/**
 * Decides what to write, from what is known of the traces. It may be called again, with the same memory and more logs or
 * from the beginning: it must be pure. What takes long is a generator, and other work is done where it yields.
 *
 * `memory` has the parts of each trace, in the order in which they were written; a trace that is not known has none.
 */
export type IngestWork = (
  memory: ReadonlyMap<string, readonly Uint8Array[]>,
  stored: ReadonlyMap<string, StoredLog>,
) => IngestResult | Generator<void, IngestResult>;

export type IngestResult = Ingest | IngestReads;

/** `work` needs these logs. It is called again with them, and with those that it had. */
export interface IngestReads {
  /** Reference ids of logs, which may be unknown. */
  readonly reads: readonly string[];
}

/** What is stored under a reference id. */
export interface StoredLog {
  /** Undefined if there is no such log. */
  readonly log: LogRequest | undefined;
  /** What `Ingest.kept` had for it. */
  readonly kept: string | undefined;
}

/** All of it is written in one transaction, in this order. */
export interface Ingest {
  /** As for `createLogs`: a known reference completes the log that is there. */
  readonly creates: readonly LogRequest[];
  readonly revisions: readonly Revision[];
  /** Added unless the log has the same already. */
  readonly feedback: readonly FeedbackForLog[];
  /**
   * Spans that have no log, by reference id, and the reference of the log above them; null where there is none. Logs that
   * wait for such a span as their parent, since another process has named it, hang there instead. A log that stands for itself
   * is linked with those that wait for it, where that would have closed a circle before the revisions.
   */
  readonly places: ReadonlyMap<string, string | null>;
  /** New parts of traces, by trace id. */
  readonly parts: ReadonlyMap<string, NewPart>;
  /** What spans of other traces are to find; those that are there already are left as they are. */
  readonly calls: readonly CallKey[];
  /**
   * What is kept beside a log, by reference id, until the trace is forgotten; undefined to keep nothing any more. It may
   * have content: it is deleted with any log of the trace that a client deletes.
   */
  readonly kept: ReadonlyMap<string, string | undefined>;
}

export interface NewPart {
  readonly bytes: Uint8Array;
  /** Whether it has all that the parts before it had. */
  readonly replacesOthers: boolean;
}

/** A change that the v4 API does not allow. Nothing happens if there is no such log. */
export interface Revision {
  readonly referenceId: string;
  /** Null for the top of the session. Absent: as it is. */
  readonly parentReferenceId?: string | null;
  /** A session that is left without logs is deleted. */
  readonly sessionReferenceId?: string;
  /**
   * What the log says instead: config, inputs, messages, output, error, tokens, costs, metadata, provider's request and
   * response. Those that are absent are cleared.
   */
  readonly content?: LogRequest;
  /**
   * What the log said when it was read. Where it says something else now, a client has updated it meanwhile, and `content`
   * does not replace that. An engine in which nobody else writes meanwhile need not look.
   */
  readonly readAs?: Pick<LogRequest, 'output' | 'error'>;
  /** In seconds, where the log's span has ended only now. */
  readonly duration?: number;
  /** Entries of the metadata to set; null removes one. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Deletes the log; its feedback goes to the log of this reference. It stays if that one is not stored. */
  readonly mergedInto?: string;
}

export interface FeedbackForLog {
  readonly referenceId: string;
  readonly feedback: Feedback;
  /** Reference id of a log that has it so far, and does not keep it. */
  readonly takenFrom?: string;
}

/** By what spans of several traces find each other that may report the same call. */
export interface CallKey {
  /** 16 hexadecimal digits: a hash of what the call is known by. */
  readonly key: string;
  readonly referenceId: string;
  /** 16 hexadecimal digits: a hash of who reports it. */
  readonly reporter: string;
  /** Whole Unix milliseconds; 0 for what is about a call, and has no time of its own. */
  readonly startMillis: number;
  readonly endMillis: number;
}

/** By which the times of two spans of one call may differ. */
export const CLOCKS_MILLIS = 5;
/** Calls that are longer are not found by what happens within them. */
export const MAX_CALL_MILLIS = 3_600_000;
/** So many with one key are found, those that started last first. */
export const MAX_CALLS_FOUND = 64;

/** What could not be stored. All else is. */
export interface IngestFault {
  readonly referenceId: string;
  readonly message: string;
}
