/**
 * The contract of a store. Every method is one transaction; a write's promise resolves when its data is on disk.
 * Reference ids of logs and sessions are unique in the whole store, not in a project.
 */
import type { CreatedLog, FeedbackRequest, LogRequest, LogResponse, LogUpdate, Page } from '../../wire/v4.ts';
import type { CallKey, IngestFault, IngestWork } from './ingest.ts';
import type { ProjectResponse, ProjectSelector, ProjectStore } from './project-store.ts';
import type { ViewerStore } from './viewer-store.ts';

export interface Store {
  /** Stores all or none. A known `reference_id` completes the log that is there. Rejects with `RejectedItemError`. */
  createLogs(requests: readonly LogRequest[]): Promise<CreatedLog[]>;
  /** Resolves to `undefined` if there is no such log. Rejects with `RejectedFieldError`. */
  updateLog(log: LogSelector, update: LogUpdate): Promise<LogResponse | undefined>;
  /** Resolves to `undefined` if there is no such log. */
  getLog(id: string): Promise<LogResponse | undefined>;
  /** Resolves to `undefined` if there is no such project. */
  listLogs(query: LogQuery): Promise<Page<LogResponse> | undefined>;
  /** Ignores unknown ids. Children stay, and are linked again if the parent's reference is logged again. */
  deleteLogs(ids: readonly string[]): Promise<DeletedCounts>;

  createSession(): Promise<{ id: string }>;
  getSession(id: string): Promise<SessionResponse | undefined>;
  /** Resolves to `undefined` if there is no such project. Pages count from 1. */
  listSessions(query: PageQuery & { projectId: string }): Promise<Page<SessionResponse> | undefined>;

  /** Resolves to `undefined` if the name is taken. */
  createProject(name: string): Promise<ProjectResponse | undefined>;
  getProject(id: string): Promise<ProjectResponse | undefined>;
  /** Pages count from 0. */
  listProjects(query: ProjectQuery): Promise<Page<ProjectResponse>>;

  /** Stores all or none. Rejects with `RejectedItemError`. */
  addFeedback(requests: readonly FeedbackRequest[]): Promise<FeedbackResponse[]>;

  /** Resolves within a few seconds to whether the store can read and write, also where it is away. Never rejects. */
  readiness(): Promise<StoreReadiness>;

  /** What projects have besides logs. */
  readonly projects: ProjectStore;
  /**
   * The deletions from here on can be long. They are done in several transactions, between which others read and write,
   * and take the logs that are there when they begin. A session that has no logs left is deleted, and so is a config
   * that no log has.
   *
   * Resolves to `undefined` if there is no such session. The id of a log that is in no session stands for that log and
   * all below it, as in the viewer.
   */
  deleteSession(session: SessionSelector): Promise<DeletedCounts | undefined>;
  /** Resolves to `undefined` if there is no such project. A project that is logged to meanwhile stays, with those logs. */
  deleteProject(project: ProjectSelector): Promise<DeletedCounts | undefined>;
  /** Deletes the logs whose metadata name this user (`listUsers`), and the feedback that this user gave on other logs. */
  deleteLogsOfUser(user: string): Promise<DeletedCounts>;
  /** Deletes the sessions, each as a whole, whose last change is the oldest. */
  prune(bounds: PruneBounds): Promise<DeletedCounts>;
  /**
   * Resolves when nothing of what was deleted before is left in the store's files, which have also become smaller.
   * This happens without the call too, within seconds; for what `prune` deleted, within a day.
   */
  eraseDeleted(): Promise<void>;

  /** Resolves at once, also where reads and writes fail. */
  health(): Promise<StoreHealth>;
  /** What an operator watches of this engine, as it is now. Resolves at once, also where reads and writes fail. */
  measures(): Promise<readonly StoreMeasure[]>;
  /**
   * Writes what the server derived from spans: what is remembered of these traces is read and locked, `work` decides, and
   * all is written together. Resolves to what could not be stored, once all else is.
   */
  ingest(traceIds: readonly string[], work: IngestWork): Promise<readonly IngestFault[]>;
  /**
   * Resolves to what has one of the keys, whoever reports it, and some of its time; or none of its own. About
   * `MAX_CALLS_FOUND` for each that is wanted: of a key that very many have, only the latest are found. What is wanted, and
   * what else its reporter has, may be among what is found, or left out: calls of one reporter are not compared.
   */
  findCalls(wanted: readonly CallKey[]): Promise<readonly CallKey[]>;
  /** Resolves to those of these traces of which anything is remembered. */
  findTraces(traceIds: readonly string[]): Promise<readonly string[]>;
  /** Forgets what is remembered of traces that were last seen before the given time, in Unix milliseconds. Logs stay. */
  forgetTraces(seenBeforeMillis: number): Promise<void>;

  /** The viewer's reads. */
  readonly viewer: ViewerStore;

  /** Finishes the writes that were accepted. Idempotent. */
  close(): Promise<void>;
}

export interface StoreReadiness {
  readonly status: 'ok' | 'unavailable';
  /** What is wrong, without addresses or names of users. */
  readonly message?: string;
}

export type LogSelector = { readonly id: string } | { readonly referenceId: string };

export type SessionSelector = { readonly id: string } | { readonly referenceId: string };

export interface DeletedCounts {
  readonly logs: number;
  /** Those that have gone, because they had no other logs. Logs in no session are not counted. */
  readonly sessions: number;
}

/** Both may be given: what either of them asks for is deleted. */
export interface PruneBounds {
  /** Deletes sessions whose last change is older, in the form of `toTimestamp`. */
  readonly olderThan?: string;
  /** If the store's data have more bytes than this, deletes sessions until they have 5 % less. */
  readonly maxBytes?: number;
}

/**
 * `full`: writes are refused until there is space; reads and deletions work. `gone`: the store's data were deleted or
 * replaced, and everything is refused until the server is started again. `failed`: the disk could not store what was
 * written, and writes are refused until then.
 */
export interface StoreHealth {
  readonly status: 'ok' | 'full' | 'gone' | 'failed';
  readonly message?: string;
}

/** Named as Prometheus has it: `humanloop_…`, base units, `_total` for what is counted. */
export interface StoreMeasure {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[];
}

export interface PageQuery {
  readonly page: number;
  readonly size: number;
}

export type LogSortColumn = 'source' | 'model' | 'timestamp' | { readonly feedback: string };

/** Pages count from 0. Newest first unless `sort` says otherwise. The values of a list are alternatives. */
export interface LogQuery extends PageQuery {
  readonly projectId: string;
  /** Text to find in inputs, messages or output. ASCII letters match in either case. */
  readonly search?: string;
  readonly metadataSearch?: string;
  /** Bounds of `created_at`, inclusive, in the form of `toTimestamp`. */
  readonly startDate?: string;
  readonly endDate?: string;
  readonly sources: readonly string[];
  readonly models: readonly string[];
  /** The latest feedback of each type must be one of its values. */
  readonly feedback: ReadonlyMap<string, readonly string[]>;
  readonly sort: readonly { readonly column: LogSortColumn; readonly descending: boolean }[];
}

export interface ProjectQuery extends PageQuery {
  /** A part of the name. */
  readonly filter?: string;
  readonly sortBy: 'created_at' | 'updated_at' | 'name';
  readonly descending: boolean;
}

export interface SessionResponse {
  id: string;
  reference_id?: string;
  projects: { id: string; name: string; type: 'prompt' | 'tool' | 'flow' }[];
  datapoints_count: number;
  first_inputs?: Record<string, unknown>;
  last_output?: string;
  created_at: string;
  updated_at: string;
}

export interface FeedbackResponse {
  id: string;
  type: string;
  value: FeedbackRequest['value'];
  data_id?: string;
  user?: string;
  created_at?: string;
}
