/** What the viewer reads: a view on the same store, with pages by key. The page imports these types. */
import type { LogResponse } from '../../wire/v4.ts';

export interface ViewerStore {
  /** Newest change first; with `search`, newest matching log first. */
  listSessions(query: SessionQuery): Promise<SessionPage>;
  /** `undefined` where there is no such session. */
  readSession(id: string, changedSince?: string): Promise<SessionLogs | undefined>;
  readLog(id: string): Promise<ViewerLog | undefined>;
  listFilters(): Promise<SessionFilters>;
  /** The version of the last change, see `SessionChange`. */
  version(): Promise<number>;
  /** Calls the listener after each change that can be read and searched. Returns a function that stops it. */
  onChange(listener: (change: SessionChange) => void): () => void;
}

export interface SessionQuery {
  /** Each given one must hold for at least one log of the session. */
  readonly project?: string;
  readonly model?: string;
  readonly type?: string;
  readonly hasError?: boolean;
  /** `type: value`, or `*` for any. */
  readonly feedback?: string;
  /** Of the last change; both inclusive, in the form of `toTimestamp`. */
  readonly since?: string;
  readonly until?: string;
  readonly search?: string;
  /** Only these, which is how a page that is open follows changes. */
  readonly ids?: readonly string[];
  /** `next` of the page before. */
  readonly cursor?: string;
  readonly size: number;
}

export interface SessionPage {
  sessions: SessionSummary[];
  /** There may be more behind it, even where the page is not full: one request looks at a bounded number. */
  next: string | null;
  /** Of the last change that is in it, see `SessionChange`. */
  version: number;
}

export interface SessionSummary {
  /** Sessions of the same last change are sorted by it, highest first. */
  key: number;
  /** Of the session, or of the log where that is in no session. */
  id: string;
  reference_id?: string;
  projects: string[];
  logs: number;
  errors: number;
  running: number;
  prompt_tokens?: number;
  output_tokens?: number;
  cost?: number;
  first_input?: string;
  last_output?: string;
  /** That is an error, where an output was due. */
  last_is_error?: true;
  started_at: string;
  /** Seconds from the first start to the last end. */
  duration: number;
  updated_at: string;
  /** Where a search found it: the newest log, and the words around. */
  match?: { log_id: string; text: string };
}

export interface SessionFilters {
  projects: string[];
  models: string[];
  types: string[];
  feedback: string[];
}

export interface SessionLogs {
  session: SessionSummary;
  /** Of all its logs; `logs` has fewer where only changes were asked for, or where they are too many for one answer. */
  total: number;
  logs: SessionLog[];
  configs: Record<number, LogLabel>;
  /** Of the last change that is in it, see `SessionChange`. */
  version: number;
}

export interface LogLabel {
  type: string;
  name: string;
  model?: string;
}

/** A log as the tree needs it; `readLog` has the rest. */
export interface SessionLog {
  key: number;
  id: string;
  /** Key of the parent, which need not be in this session. */
  parent?: number;
  /** A parent that was named and is not there. */
  missing_parent?: string;
  trace?: string;
  project: string;
  config?: number;
  created_at: string;
  updated_at: string;
  /** Seconds. */
  duration?: number;
  running?: true;
  prompt_tokens?: number;
  output_tokens?: number;
  cost?: number;
  /** Beginnings only. */
  error?: string;
  output?: string;
  /** The first tool that the answer calls, where it has no text. */
  calls?: string;
  feedback?: { type: string; value: unknown }[];
}

export interface ViewerLog {
  log: LogResponse;
  /** Id of the page that shows it in its tree. */
  session: string;
}

export interface SessionChange {
  /** Ids of the sessions that changed; `null` for too many to name. */
  sessions: readonly string[] | null;
  /** Goes up with each change, also over a new start of the server. */
  version: number;
}

/** In the page itself, for its address. */
export interface FirstData {
  readonly sessions?: SessionPage;
  readonly session?: SessionLogs;
}
