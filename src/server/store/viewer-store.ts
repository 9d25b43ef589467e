/** What the viewer reads: a view of the same store, with pages by key. The page in the browser imports these types. */
import type { LogResponse } from '../../wire/v4.ts';

export interface ViewerStore {
  /**
   * In the order of `sort`; with `search`, sessions of that name first, then those that have all the words, in one log
   * or in several, newest match first. Unknown `ids` are left out.
   */
  listSessions(query: SessionQuery): Promise<SessionPage>;
  /** Resolves to `undefined` if there is no such session. Reads one portion of its logs: `next` leads to the others. */
  readSession(id: string, portion?: SessionPortion): Promise<SessionLogs | undefined>;
  /** Resolves to `undefined` if there is no such log. */
  readLog(id: string): Promise<ViewerLog | undefined>;
  /**
   * Finds a session by anything that names it: its id or reference, the id or reference of one of its logs, a trace id.
   * Resolves to `undefined` if nothing has that name.
   */
  findSession(name: string): Promise<FoundName | undefined>;
  /** Resolves to a portion of the complete logs of a session, oldest first; `undefined` if there is no such session. */
  exportSession(id: string, cursor?: string): Promise<SessionExport | undefined>;
  listFilters(): Promise<SessionFilters>;
  /** Counts by day of `created_at`, in UTC, and by model. */
  readOverview(query: OverviewQuery): Promise<Overview>;
  /** Resolves to what a search does not find yet. Cheap enough to be asked with each search. */
  indexLag(): Promise<IndexLag>;
  /**
   * Resolves to the version of the last change, see `SessionChange`. Listeners that were there before it was called hear of
   * each change that cannot be read yet when it resolves.
   */
  version(): Promise<number>;
  /** Calls the listener after each change that can be read and searched. Returns a function that stops it. */
  onChange(listener: (change: SessionChange) => void): () => void;
}

/**
 * `activity` is when its last log ended, by the times that the logs have; `changed` is when the server last took
 * something in. Highest first.
 */
export type SessionSort = 'activity' | 'started' | 'changed' | 'duration' | 'cost';

export interface SessionQuery {
  /** Each filter that is given must hold for at least one log of the session. */
  readonly project?: string;
  readonly model?: string;
  readonly type?: string;
  readonly hasError?: boolean;
  /** `type: value`, or `*` for any. */
  readonly feedback?: string;
  readonly user?: string;
  readonly environment?: string;
  /** All of them must hold for the same log. */
  readonly metadata?: readonly MetadataFilter[];
  /** Something of the session happened between these times, inclusive, in the form of `toTimestamp`. */
  readonly since?: string;
  readonly until?: string;
  /** Seconds from the first start to the last end, at least. */
  readonly minDuration?: number;
  /** Words, or the name of a session, log or trace (see `findSession`). */
  readonly search?: string;
  /** Default `activity`. A search, and filters by metadata, have their own order. */
  readonly sort?: SessionSort;
  /** Only these sessions. A page that is open reads those that changed. */
  readonly ids?: readonly string[];
  /** The `next` of the page before. */
  readonly cursor?: string;
  readonly size: number;
}

export interface MetadataFilter {
  /** Names from the outermost on, with dots between: `order.id`. */
  readonly key: string;
  /** Letters match in either case; `*` is any value. */
  readonly value: string;
}

export interface SessionPage {
  sessions: SessionSummary[];
  /**
   * The cursor of the next page. A page with one need not be full, since one request looks at a bounded number of rows.
   * In the order of `activity` it begins with `<ended_at> <key>`: sessions that are not below that are on this page or one
   * before it.
   */
  next: string | null;
  /** Version of the newest change that this includes, see `SessionChange`. */
  version: number;
  /** Present while logs wait for the index: they are listed, but not found by words or filters. */
  indexing?: IndexLag;
}

export interface IndexLag {
  /**
   * Stored or changed, and not yet in the search index, the filters and the texts of their sessions. A session of which
   * something was deleted counts as one.
   */
  logs: number;
  /** Of the oldest of these logs; absent if no log waits. */
  oldestCreatedAt?: string;
}

export interface SessionSummary {
  /** Sorts sessions with the same `ended_at`, highest first. */
  key: number;
  /** Id of the session, or of the log if that is in no session. */
  id: string;
  reference_id?: string;
  projects: string[];
  logs: number;
  errors: number;
  /** How many of its logs are `running`, see `SessionLog`. */
  running: number;
  prompt_tokens?: number;
  output_tokens?: number;
  cost?: number;
  first_input?: string;
  last_output?: string;
  /** Present if `last_output` is an error. */
  last_is_error?: true;
  started_at: string;
  /** When its last log ended, in seconds since 1970. */
  ended_at: number;
  /** Seconds from the first start to the last end. */
  duration: number;
  updated_at: string;
  /** A few of each; absent if none is known. */
  users?: string[];
  models?: string[];
  /** The best and the worst rating, if there is one. */
  ratings?: ('good' | 'bad')[];
  /** Where a search found the session: the newest matching log, and the words around the match. */
  match?: { log_id: string; text: string };
}

export interface SessionFilters {
  projects: string[];
  models: string[];
  types: string[];
  feedback: string[];
  environments: string[];
}

export interface SessionPortion {
  /** In the form of `toTimestamp`: leaves out logs that have not changed since. */
  readonly changedSince?: string;
  /** The `next` of the portion before. */
  readonly cursor?: string;
}

export interface SessionLogs {
  session: SessionSummary;
  /** Count of all its logs. `logs` has fewer if only changes were asked for, or if they are too many for one answer. */
  total: number;
  logs: SessionLog[];
  /** Those of `logs`. */
  configs: Record<number, LogLabel>;
  /** The cursor of the next portion. */
  next: string | null;
  /** Changes up to this time are included: the `changedSince` that asks for later ones. */
  as_of: string;
  /** Version of the newest change that this includes, see `SessionChange`. */
  version: number;
}

export interface LogLabel {
  type: string;
  name: string;
  model?: string;
}

/** What the tree needs of a log; `readLog` has the rest. */
export interface SessionLog {
  key: number;
  id: string;
  /** Key of the parent, which need not be in this session. */
  parent?: number;
  /** Reference id of a parent that is not stored. */
  missing_parent?: string;
  trace?: string;
  project: string;
  config?: number;
  created_at: string;
  updated_at: string;
  /** Seconds. */
  duration?: number;
  /**
   * Present while the log has no duration, no output and no error. The server decides this, for a log and in the sums
   * of a session, and knows no more: a process that died leaves its logs running. How long after its last change a log
   * is still shown as at work is the page's rule (`STALE_MILLIS` in still-running.ts), since it depends on the reader's
   * clock.
   */
  running?: true;
  prompt_tokens?: number;
  output_tokens?: number;
  cost?: number;
  /** The first 300 characters; of the output, 160. */
  error?: string;
  output?: string;
  /** The first tool that the answer calls, if it has no text. */
  calls?: string;
  feedback?: { type: string; value: unknown }[];
}

export interface ViewerLog {
  log: LogResponse;
  /** Id of the session in whose tree it is shown, as in `SessionSummary`. */
  session: string;
}

export interface FoundName {
  /** Id of the session, as in `SessionSummary`. */
  session: string;
  /** Id of the log, where the name is that of a log. */
  log?: string;
}

export interface SessionExport {
  records: LogResponse[];
  next: string | null;
}

export interface OverviewQuery {
  /** How many days, up to and with that of `until`, in the form of `toTimestamp`. */
  readonly days: number;
  readonly until: string;
  readonly project?: string;
}

export interface Overview {
  /** Newest first; days without logs are left out. */
  days: OverviewDay[];
  /** Over all of the days, most calls first. */
  models: OverviewModel[];
}

export interface OverviewDay {
  /** `2026-01-31`, in UTC. */
  day: string;
  logs: number;
  errors: number;
  /** Absent if no log has a cost. */
  cost?: number;
  /** Most calls first. A call is a log with a config of type `model`. */
  models: OverviewModel[];
  /** Of all calls of the day. */
  p50?: number;
  p95?: number;
}

export interface OverviewModel {
  model: string;
  calls: number;
  errors: number;
  prompt_tokens: number;
  output_tokens: number;
  cost?: number;
  /** Durations in seconds, exact to 10 %; absent if no call has one. */
  p50?: number;
  p95?: number;
}

export interface SessionChange {
  /** Ids of the sessions that changed; `null` if they are not named, because they are too many. */
  sessions: readonly string[] | null;
  /** Goes up with each change, and does not start again when the server does. */
  version: number;
}

/** What the server puts into the page itself, according to its address. */
export interface FirstData {
  readonly sessions?: SessionPage;
  readonly session?: SessionLogs;
}
