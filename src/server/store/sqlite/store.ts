/**
 * The store in one SQLite file (WAL). Reads run at once; writes go through turns (write-turns.ts).
 * Limit: the engine is synchronous, so a search through a very large project holds up the event loop.
 */
import { resolve } from 'node:path';
import { explainSqliteError, openSqlite, type SqliteDatabase, type SqliteRow } from '../../../sqlite/open.ts';
import { createStatementCache } from '../../../sqlite/statement-cache.ts';
import type { CreatedLog, FeedbackRequest, LogRequest, LogResponse, Page } from '../../../wire/v4.ts';
import { newIdentifier } from '../identifiers.ts';
import { mapItems, RejectedFieldError } from '../rejected-item.ts';
import type { FeedbackResponse, LogQuery, ProjectQuery, Store } from '../store.ts';
import { timestampNow } from '../timestamps.ts';
import { toProject, toSession } from './container-row.ts';
import { type SqlQuery, toLogListSql, toProjectListSql } from './list-query.ts';
import { storableText, toLogResponse, toLogRow } from './log-row.ts';
import { type EncodedLog, LogWrites } from './log-writes.ts';
import { migrateSqlite } from './migrations.ts';
import { prepareStatements, type Statements } from './statements.ts';
import { createViewerIndex } from './viewer-index.ts';
import { prepareViewerStatements } from './viewer-statements.ts';
import { createSqliteViewerStore } from './viewer-store.ts';
import { createWriteTurns } from './write-turns.ts';

/** `file` is a path, made absolute and its directory created, or `:memory:`. Rejects with a `SqliteError`. */
export async function openSqliteStore(options: { file: string; busyTimeoutMillis?: number }): Promise<Store> {
  const database = openSqlite(options);
  const file = options.file === ':memory:' ? options.file : resolve(options.file);
  try {
    migrateSqlite(database, file);
    return createSqliteStore(database, file);
  } catch (error) {
    database.close();
    throw explainSqliteError(error, file);
  }
}

function createSqliteStore(database: SqliteDatabase, file: string): Store {
  const prepare = createStatementCache(database);
  const statements = prepareStatements(prepare);
  const viewerStatements = prepareViewerStatements(prepare);
  const turns = createWriteTurns(database, file);
  const index = createViewerIndex(viewerStatements, turns.run);
  let closed = false;

  const query = ({ sql, parameters }: SqlQuery): SqliteRow[] => prepare(sql).all(...parameters);
  const readLog = (key: SqliteRow[string]): LogResponse => toLogResponse(statements.readLog.get(key)!);
  const inTurn = async <Result>(work: (writes: LogWrites) => Result): Promise<Result> => {
    if (closed) throw new Error('The store is closed.');
    index.schedule();
    return turns.run(() => work(new LogWrites(statements)));
  };

  return {
    createLogs: async (requests) => {
      const encoded = mapItems(requests, encodeLog);
      return inTurn((writes): CreatedLog[] => mapItems(encoded, (log) => writes.create(log)));
    },

    updateLog: (selector, update) =>
      inTurn((writes) => {
        const key = writes.update(selector, update);
        return key === undefined ? undefined : readLog(key);
      }),

    getLog: async (id) => {
      const found = statements.findLogById.get(id);
      return found && readLog(found['key']!);
    },

    listLogs: async (listQuery: LogQuery) => {
      const project = statements.findProjectById.get(listQuery.projectId);
      if (!project) return undefined;
      const { count, keys } = toLogListSql(project['key']!, listQuery);
      const records = query(keys).map((row) => readLog(row['key']!));
      return toPage(records, listQuery, query(count));
    },

    deleteLogs: (ids) =>
      inTurn(() => {
        for (const id of ids) {
          const deleted = statements.deleteLog.get(id);
          if (deleted?.['session_key']) statements.unlinkSessionFromProject.run({ ...deleted });
        }
      }),

    createSession: () =>
      inTurn(() => {
        const session = { id: newIdentifier('sesh'), reference_id: null, now: timestampNow() };
        statements.insertSession.get(session);
        return { id: session.id };
      }),

    getSession: async (id) => {
      const row = statements.readSession.get(id);
      return row && toSession(row, statements);
    },

    listSessions: async ({ projectId, page, size }) => {
      const project = statements.findProjectById.get(projectId);
      if (!project) return undefined;
      const key = project['key']!;
      const rows = statements.listSessionsOfProject.all({ project_key: key, size, offset: (page - 1) * size });
      const records = rows.map((row) => toSession(row, statements));
      return toPage(records, { page, size }, statements.countSessionsOfProject.all(key));
    },

    createProject: (name) =>
      inTurn(() => {
        const id = newIdentifier('pr');
        const created = statements.insertProject.get({ id, name: storableText(name), now: timestampNow() });
        return created && toProject(statements.readProject.get(id)!, statements);
      }),

    getProject: async (id) => {
      const row = statements.readProject.get(id);
      return row && toProject(row, statements);
    },

    listProjects: async (listQuery: ProjectQuery) => {
      const { count, rows } = toProjectListSql(listQuery);
      const records = query(rows).map((row) => toProject(row, statements));
      return toPage(records, listQuery, query(count));
    },

    addFeedback: (requests) =>
      inTurn((writes) => mapItems(requests, (request) => changeFeedback(statements, writes, request))),

    viewer: createSqliteViewerStore(prepare, viewerStatements, index, readLog),

    close: async () => {
      if (closed) return;
      closed = true;
      index.close();
      turns.drain();
      database.close();
    },
  };
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
    return { ...answer, value, ...writes.insertFeedback(log['key']!, { type, value: value!, user, created_at }) };
  }
  const removed = statements.deleteFeedback.all({
    ...{ log_key: log['key']!, type, user: user ?? null },
    value: value === undefined ? null : JSON.stringify(value),
  });
  const last = removed.at(-1);
  if (!last) return { ...answer, value: value ?? null, id: newIdentifier('ann') };
  return { ...answer, value: JSON.parse(last['value'] as string), id: last['id'] as string };
}

function toPage<Item>(records: Item[], { page, size }: { page: number; size: number }, total: SqliteRow[]): Page<Item> {
  return { records, page, size, total: Number(total[0]!['total']) };
}
