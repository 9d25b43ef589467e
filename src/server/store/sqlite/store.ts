/**
 * The store in one SQLite file (WAL). Writes go through turns (write-turns.ts). Reads have connections of their own:
 * one on this thread for single rows, others on other threads for what looks at more rows the larger the file is.
 */
import { resolve } from 'node:path';
import {
  explainSqliteError,
  openSqlite,
  type SqliteDatabase,
  SqliteError,
  type SqliteRow,
  type SqliteStatement,
} from '../../../sqlite/open.ts';
import { createSqliteReader } from '../../../sqlite/reader-threads.ts';
import { createStatementCache } from '../../../sqlite/statement-cache.ts';
import type { FeedbackRequest, LogRequest, LogResponse, Page } from '../../../wire/v4.ts';
import { newIdentifier } from '../identifiers.ts';
import { toLogResponse, toLogRow } from '../log-row.ts';
import type { ProjectResponse } from '../project-store.ts';
import { mapItems, RejectedFieldError } from '../rejected-item.ts';
import { countCharacters } from '../row-size.ts';
import { storableText } from '../storable-text.ts';
import type { FeedbackResponse, LogQuery, ProjectQuery, Store } from '../store.ts';
import { timestampNow } from '../timestamps.ts';
import { StoreUnavailableError, withExplainedErrors } from '../unavailable-error.ts';
import { toProject, toSession } from './container-row.ts';
import { type SqlQuery, toLogListSql, toProjectListSql } from './list-query.ts';
import { type EncodedLog, LogWrites } from './log-writes.ts';
import { migrateSqlite } from './migrations.ts';
import { createProjectStore, type SqliteProjectStore } from './project-store.ts';
import {
  COUNT_SESSIONS_OF_PROJECT,
  LIST_SESSIONS_OF_PROJECT,
  prepareStatements,
  READ_PROJECT,
  type Statements,
} from './statements.ts';
import { createViewerIndex } from './viewer-index.ts';
import { prepareViewerStatements } from './viewer-statements.ts';
import { createSqliteViewerStore } from './viewer-store.ts';
import { createWriteTurns } from './write-turns.ts';

/** In all texts of one page. */
const MAX_PAGE_CHARACTERS = 4 * 1024 * 1024;

export interface SqliteStoreOptions {
  readonly file: string;
  readonly busyTimeoutMillis?: number;
  /** Called with failures that no request is answered with. */
  readonly onError?: (error: unknown) => void;
}

/** `file` is a path, made absolute and its directory created, or `:memory:`. Rejects with a `SqliteError`. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const database = openSqlite(options);
  const file = options.file === ':memory:' ? options.file : resolve(options.file);
  try {
    migrateSqlite(database, file);
    const readDatabase = file === ':memory:' ? database : openSqlite({ ...options, readOnly: true });
    const store = createSqliteStore({ file, database, readDatabase }, options.onError ?? (() => {}));
    return withExplainedErrors(store, explainUnavailable);
  } catch (error) {
    database.close();
    throw explainSqliteError(error, file);
  }
}

function explainUnavailable(error: unknown): unknown {
  if (!(error instanceof SqliteError)) return error;
  const reason = ({ 'too-slow': 'too-slow', locked: 'unreachable', full: 'full' } as const)[error.reason as 'locked'];
  return reason ? new StoreUnavailableError(reason, error.message, { cause: error }) : error;
}

interface OpenFile {
  readonly file: string;
  readonly database: SqliteDatabase;
  /** A connection for reads, which does not see a transaction that is not committed. In memory it is the same one. */
  readonly readDatabase: SqliteDatabase;
}

function createSqliteStore({ file, database, readDatabase }: OpenFile, onError: (error: unknown) => void): Store {
  const prepareWrite = createStatementCache(database);
  const statements = prepareStatements(prepareWrite);
  const turns = createWriteTurns(database, { file, canInterrupt: readDatabase !== database });
  const index = createViewerIndex(prepareViewerStatements(prepareWrite), turns, onError);
  const prepare = createStatementCache(readDatabase);
  const reads = prepareStatements(prepare);
  let closed = false;

  const reader = createSqliteReader({ file, prepare });
  const query = ({ sql, parameters }: SqlQuery): Promise<SqliteRow[]> => reader.all(sql, parameters);
  const readLog = (key: SqliteRow[string]): LogResponse | undefined => {
    const row = reads.readLog.get(key);
    return row && toLogResponse(row);
  };
  const inTurn = async <Result>(work: (writes: LogWrites) => Result | Generator<void, Result>): Promise<Result> => {
    if (closed) throw new Error('The store is closed.');
    index.schedule();
    return turns.run(() => work(new LogWrites(statements)));
  };

  const readProject = async (id: string): Promise<ProjectResponse | undefined> => {
    const [row] = await reader.all(READ_PROJECT, [id]);
    return row && withActiveConfigs([row], projects)[0];
  };
  const projects = createProjectStore({ prepareWrite, prepare, statements, reader, inTurn, readProject, readWithin });

  return {
    createLogs: (requests) => inTurn((writes) => mapItems(requests, (request) => writes.create(encodeLog(request)))),

    updateLog: (selector, update) =>
      inTurn((writes) => {
        const key = writes.update(selector, update);
        return key === undefined ? undefined : toLogResponse(statements.readLog.get(key)!);
      }),

    getLog: async (id) => {
      const found = reads.findLogById.get(id);
      return found && readLog(found['key']!);
    },

    listLogs: async (listQuery: LogQuery) => {
      const project = reads.findProjectById.get(listQuery.projectId);
      if (!project) return undefined;
      const { count, keys } = toLogListSql(project['key']!, listQuery);
      const total = await query(count);
      const records = readWithin(await query(keys), reads.readLog, toLogResponse);
      return toPage(records, listQuery, total);
    },

    deleteLogs: (ids) =>
      inTurn(function* () {
        for (const id of ids) {
          const deleted = statements.deleteLog.get(id);
          if (deleted?.['session_key']) statements.unlinkSessionFromProject.run({ ...deleted });
          yield;
        }
      }),

    createSession: () =>
      inTurn(() => {
        const session = { id: newIdentifier('sesh'), reference_id: null, now: timestampNow() };
        statements.insertSession.get(session);
        return { id: session.id };
      }),

    getSession: async (id) => {
      const found = reads.findSessionById.get(id);
      return found && toSession(reads.readSession.get(found['key']!)!, reads);
    },

    listSessions: async ({ projectId, page, size }) => {
      const project = reads.findProjectById.get(projectId);
      if (!project) return undefined;
      const key = project['key']!;
      const total = await reader.all(COUNT_SESSIONS_OF_PROJECT, [key]);
      const keys = await reader.all(LIST_SESSIONS_OF_PROJECT, [key, size, (page - 1) * size]);
      const records = readWithin(keys, reads.readSession, (row) => toSession(row, reads));
      return toPage(records, { page, size }, total);
    },

    createProject: (name) =>
      inTurn(() => {
        const id = newIdentifier('pr');
        const created = statements.insertProject.get({ id, name: storableText(name), now: timestampNow() });
        return created && toProject(statements.readNewProject.get(id)!);
      }),

    getProject: readProject,

    listProjects: async (listQuery: ProjectQuery) => {
      const { count, rows } = toProjectListSql(listQuery);
      const total = await query(count);
      return toPage(withActiveConfigs(await query(rows), projects), listQuery, total);
    },

    addFeedback: (requests) =>
      inTurn((writes) => mapItems(requests, (request) => changeFeedback(statements, writes, request))),

    readiness: async () => (closed ? { status: 'unavailable', message: 'the store is closed' } : { status: 'ok' }),

    projects,

    viewer: createSqliteViewerStore({ prepare, reader, statements: prepareViewerStatements(prepare), index, readLog }),

    close: async () => {
      if (closed) return;
      closed = true;
      index.close();
      turns.drain();
      await reader.close();
      if (readDatabase !== database) readDatabase.close();
      database.close();
    },
  };
}

/**
 * Reads the rows of a page one by one, until they have more text than one answer may have: the page then has fewer
 * records, and the same `total`. It has at least one. Rows that were deleted meanwhile are left out.
 */
function readWithin<Item>(
  keys: readonly SqliteRow[],
  statement: SqliteStatement,
  toItem: (row: SqliteRow) => Item,
): Item[] {
  const items: Item[] = [];
  let characters = 0;
  for (const { key } of keys) {
    const row = statement.get(key!);
    if (!row) continue;
    characters += countCharacters(row);
    if (items.length > 0 && characters > MAX_PAGE_CHARACTERS) break;
    items.push(toItem(row));
  }
  return items;
}

/** The same for projects, whose active configs can be large. */
function withActiveConfigs(rows: readonly SqliteRow[], { readConfigRow }: SqliteProjectStore): ProjectResponse[] {
  const projects: ProjectResponse[] = [];
  let characters = 0;
  for (const row of rows) {
    const key = row['active_config_key']!;
    const config = key === null ? undefined : readConfigRow(key);
    characters += countCharacters(row) + (config ? countCharacters(config) : 0);
    if (projects.length > 0 && characters > MAX_PAGE_CHARACTERS) break;
    projects.push(toProject(row, config));
  }
  return projects;
}

function encodeLog(request: LogRequest): EncodedLog {
  try {
    return { request, row: toLogRow(request) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RejectedFieldError('inputs', 'the datapoint is nested too deeply to be stored');
  }
}

function changeFeedback(statements: Statements, writes: LogWrites, request: FeedbackRequest): FeedbackResponse {
  const { type, value, data_id: dataId, user, created_at } = request;
  const log = dataId === undefined ? undefined : statements.findLogById.get(dataId);
  if (!log) throw new RejectedFieldError('data_id', 'datapoint not found');
  const answer = { type, ...(dataId !== undefined && { data_id: dataId }), ...(user !== undefined && { user }) };
  if (!request.unset) {
    return {
      ...answer,
      value,
      ...writes.insertFeedback(log['key']!, { type, value: value!, user, created_at }, 'value'),
    };
  }
  const removed = statements.deleteFeedback.all({
    ...{ log_key: log['key']!, type, user: user ?? null },
    value: value === undefined ? null : JSON.stringify(value),
  });
  const last = removed.at(-1);
  // Nothing was removed. v4 requires a value in the answer.
  if (!last) return { ...answer, value: value ?? '', id: newIdentifier('ann') };
  return { ...answer, value: JSON.parse(last['value'] as string), id: last['id'] as string };
}

function toPage<Item>(records: Item[], { page, size }: { page: number; size: number }, total: SqliteRow[]): Page<Item> {
  return { records, page, size, total: Number(total[0]!['total']) };
}
