/** What the viewer reads: a view of the same store, with pages by key. The page in the browser imports these types. */
import type { LogResponse } from '../../wire/v4.ts';

export interface ViewerStore {
  /** Newest change first; with `search`, newest matching log first. Unknown `ids` are left out. */
  listSessions(query: SessionQuery): Promise<SessionPage>;
  /**
   * Resolves to `undefined` if there is no such session. `changedSince`, in the form of `toTimestamp`, leaves out older
   * logs.
   */
  readSession(id: string, changedSince?: string): Promise<SessionLogs | undefined>;
  /** Resolves to `undefined` if there is no such log. */
  readLog(id: string): Promise<ViewerLog | undefined>;
  listFilters(): Promise<SessionFilters>;
  /** Resolves to what a search does not find yet. Cheap enough to be asked with each search. */
  readBacklog(): Promise<Backlog>;
  /** Resolves to the version of the last change, see `SessionChange`. */
  version(): Promise<number>;
  /** Calls the listener after each change that can be read and searched. Returns a function that stops it. */
  onChange(listener: (change: SessionChange) => void): () => void;
}

export interface SessionQuery {
  /** Each filter that is given must hold for at least one log of the session. */
  readonly project?: string;
  readonly model?: string;
  readonly type?: string;
  readonly hasError?: boolean;
  /** `type: value`, or `*` for any. */
  readonly feedback?: string;
  /** Bounds of the session's last change, inclusive, in the form of `toTimestamp`. */
  readonly since?: string;
  readonly until?: string;
  readonly search?: string;
  /** Only these sessions. A page that is open reads those that changed. */
  readonly ids?: readonly string[];
  /** The `next` of the page before. */
  readonly cursor?: string;
  readonly size: number;
}

export interface SessionPage {
  sessions: SessionSummary[];
  /**
   * The cursor of the next page. A page with one need not be full, since one request looks at a bounded number of rows.
   */
  next: string | null;
  /** Version of the newest change that this includes, see `SessionChange`. */
  version: number;
}

export interface SessionSummary {
  /** Sorts sessions with the same `updated_at`, highest first. */
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
  /** Seconds from the first start to the last end. */
  duration: number;
  updated_at: string;
  /** Where a search found the session: the newest matching log, and the words around the match. */
  match?: { log_id: string; text: string };
}

export interface SessionFilters {
  projects: string[];
  models: string[];
  types: string[];
  feedback: string[];
}

export interface Backlog {
  /**
   * Stored or changed, and not yet in the search index, the filters and the texts of their sessions. A session of which
   * something was deleted counts as one.
   */
  logs: number;
  /** When the oldest of these logs was last changed, in the form of `toTimestamp`. Absent if there is none. */
  since?: string;
}

export interface SessionLogs {
  session: SessionSummary;
  /** Count of all its logs. `logs` has fewer if only changes were asked for, or if they are too many for one answer. */
  total: number;
  logs: SessionLog[];
  configs: Record<number, LogLabel>;
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
