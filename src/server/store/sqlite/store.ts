/**
 * The store in one SQLite file (WAL). Writes go through turns (write-turns.ts). Reads have connections of their own:
 * one on this thread for single rows, others on other threads for what looks at more rows the larger the file is.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  createSqliteError,
  explainSqliteError,
  reasonOf,
  type SqliteRow,
  type SqliteValue,
} from '../../../sqlite/open.ts';
import { createSqliteReader } from '../../../sqlite/reader-threads.ts';
import { createStatementCache } from '../../../sqlite/statement-cache.ts';
import { newIdentifier } from '../identifiers.ts';
import type { ProjectResponse } from '../project-store.ts';
import { mapItems } from '../rejected-item.ts';
import { toLogResponse } from '../rows/log-row.ts';
import type { Work } from '../steps.ts';
import { storableText } from '../storable-text.ts';
import type { LogQuery, ProjectQuery, Store, StoreHealth } from '../store.ts';
import { timestampNow } from '../timestamps.ts';
import { withExplainedErrors } from '../unavailable-error.ts';
import { CLOSED, explainFailure, explainUnavailable, toReadiness } from './availability.ts';
import { toProject, toSession } from './container-row.ts';
import { createCompaction } from './erasure/compaction.ts';
import { createErasure } from './erasure/erasure.ts';
import { prepareErasureStatements } from './erasure/erasure-statements.ts';
import { createPruning } from './erasure/pruning.ts';
import { createScrub } from './erasure/scrub.ts';
import { changeFeedback } from './feedback.ts';
import { createCheckpoints } from './file/checkpoints.ts';
import { removeReserve } from './file/disk-reserve.ts';
import { createDiskSpace } from './file/disk-space.ts';
import { checkingFirst, createFileWatch } from './file/file-watch.ts';
import { createLogSync } from './file/log-sync.ts';
import { type OpenFile, openFile } from './file/open-file.ts';
import { noticingDamage } from './file/search-file.ts';
import { createThreadLoad } from './index/thread-load.ts';
import { createViewerIndex } from './index/viewer-index.ts';
import { forgetTraces, ingest } from './ingest/ingest.ts';
import { prepareIngestStatements } from './ingest/ingest-statements.ts';
import { createTraceReads } from './ingest/trace-reads.ts';
import { type SqlQuery, toLogListSql, toProjectListSql } from './list-query.ts';
import { toMeasures } from './measures.ts';
import { activeConfigOf, readProjectsWithin, readWithin, toPage } from './pages.ts';
import { createProjectStore } from './project-store.ts';
import { createSingleReads, isLarge } from './single-reads.ts';
import { prepareViewerStatements } from './viewer/viewer-statements.ts';
import { createSqliteViewerStore } from './viewer-store.ts';
import { writeLongTexts } from './writing/encoded-logs.ts';
import { LogWrites } from './writing/log-writes.ts';
import {
  COUNT_SESSIONS_OF_PROJECT,
  LIST_SESSIONS_OF_PROJECT,
  prepareStatements,
  READ_PROJECT,
  READ_PROJECTS,
} from './writing/statements.ts';
import { createWriteTurns } from './writing/write-turns.ts';

/** For the traces of deletions. What is left of them is taken out after the next start. */
const CLOSE_MILLIS = 3_000;

export interface SqliteStoreOptions {
  readonly file: string;
  readonly busyTimeoutMillis?: number;
  /** Rejects where there is no such file, and creates none. */
  readonly mustExist?: boolean;
  /** Called with failures that no request is answered with. */
  readonly onError?: (error: unknown) => void;
}

/** `file` is a path, made absolute and its directory created, or `:memory:`. Rejects with a `SqliteError`. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const file = options.file === ':memory:' ? options.file : resolve(options.file);
  if (options.mustExist && !existsSync(file)) throw createSqliteError('missing', file);
  const onError = (error: unknown) => options.onError?.(explainFailure(error, file));
  const open = () =>
    withExplainedErrors(createSqliteStore(openFile(file, options), onError), (error) =>
      explainUnavailable(error, file),
    );
  try {
    return open();
  } catch (error) {
    // A full disk may have no space for what the engine needs to open the file.
    const { reason } = explainSqliteError(error, file);
    if (!['full', 'cannot-open', 'other'].includes(reason) || !removeReserve(file)) throw error;
    return open();
  }
}

function createSqliteStore(openFile: OpenFile, onError: (error: unknown) => void): Store {
  const { file, database, readDatabase, search, lockTimeoutMillis } = openFile;
  const prepareWrite = createStatementCache(database);
  const statements = prepareStatements(prepareWrite);
  const space = createDiskSpace({ file, database, onChange: (isFull) => onSpaceChange(isFull) });
  const checkpoints = createCheckpoints({ file, database, prepare: prepareWrite });
  const load = createThreadLoad();
  const sync = createLogSync(database, { file, onWait: load.countAll });
  const turns = createWriteTurns(database, {
    ...{ file, lockTimeoutMillis, canInterrupt: readDatabase !== database, sync },
    ...{ beforeCommit: space.checkGrowth, afterCommit: checkpoints.afterCommit },
  });
  const ingestStatements = prepareIngestStatements(prepareWrite);
  const viewerStatements = prepareViewerStatements(prepareWrite);
  const index = createViewerIndex({
    ...{ file, database, search, statements: viewerStatements },
    ...{ turns, space, onError, load },
  });
  const erasureStatements = prepareErasureStatements(prepareWrite);
  const watch = createFileWatch({ file, database, onGone: onError, onOtherWrites: () => onOtherWrites() });
  const toErase = { file, database, statements: erasureStatements, turns, space };
  const compaction = createCompaction({ ...toErase, search, onError });
  const scrub = createScrub({ ...toErase, index, compaction, onError });
  const prepare = createStatementCache(readDatabase);
  const reads = prepareStatements(prepare);
  let closed = false;

  const reader = noticingDamage(createSqliteReader({ file, prepare, setUp: search.attach }), file);
  const query = ({ sql, parameters }: SqlQuery): Promise<SqliteRow[]> => reader.all(sql, parameters, { isLong: true });
  const { readLog, readLogRow, readSession, readSessionRow } = createSingleReads(reads, reader);
  const run = async <Result>(work: Work<Result>, add = turns.run<Result>): Promise<Result> => {
    if (closed) throw new Error('The store is closed.');
    const result = await add(work);
    index.schedule();
    // What was written into a file that is gone is not acknowledged.
    watch.check();
    return result;
  };
  const inTurn = <Result>(work: (writes: LogWrites) => ReturnType<Work<Result>>): Promise<Result> =>
    space.write(() => run(() => work(new LogWrites(statements))));
  /** For `work` that changes nothing but the database. */
  const inAnyTurn = <Result>(work: (writes: LogWrites) => ReturnType<Work<Result>>): Promise<Result> =>
    space.write(() => run(() => work(new LogWrites(statements)), turns.runRepeatable<Result>));
  let resumeIndex = (): void => {};
  const onSpaceChange = (isFull: boolean): void => {
    if (isFull) resumeIndex = index.hold();
    else resumeIndex();
    scrub.freeSpace();
  };
  const onOtherWrites = (): void => {
    index.noticeOthers();
    scrub.lookLater();
  };
  const erasure = createErasure({
    ...{ statements, erasureStatements, reader, scrub, onDeleted: index.announce },
    write: (work) => space.erase(() => run(work)),
    isSpaceShort: space.isFull,
  });
  const { prune } = createPruning({ ...toErase, erasure, search, hasten: scrub.hasten });

  const health = (): StoreHealth => {
    try {
      watch.check();
      sync?.check();
      index.checkDisk();
      return space.health();
    } catch (error) {
      return { status: reasonOf(error) === 'failed' ? 'failed' : 'gone', message: (error as Error).message };
    }
  };
  const readProject = async (id: string): Promise<ProjectResponse | undefined> => {
    const [row] = await reader.all(READ_PROJECT, [id]);
    if (!row) return undefined;
    return toProject(row, await activeConfigOf(row, projects.readConfigRow));
  };
  const projects = createProjectStore({
    ...{ prepareWrite, prepare, statements, reader, inTurn, readProject, readWithin },
    onRenamed: () => index.announce(null),
  });

  const store: Store = {
    createLogs: (requests) => {
      const { written, ready } = writeLongTexts(requests);
      const create = () => inAnyTurn((writes) => writes.createAll(requests, written));
      // The writes of others do not wait for long texts.
      return ready ? ready.then(create) : create();
    },

    updateLog: async (selector, update) => {
      const updated = await inAnyTurn((writes) => {
        const key = writes.update(selector, update);
        if (key === undefined) return undefined;
        // A large one is read after the commit, which takes long itself.
        return isLarge(statements, key) ? { key } : { log: toLogResponse(statements.readLog.get(key)!) };
      });
      return updated && ('log' in updated ? updated.log : readLog(updated.key));
    },

    getLog: async (id) => {
      const found = reads.findLogById.get(id);
      return found && readLog(found['key']!);
    },

    listLogs: async (listQuery: LogQuery) => {
      const project = reads.findProjectById.get(listQuery.projectId);
      if (!project) return undefined;
      const { count, keys } = toLogListSql(project['key']!, listQuery);
      const total = await query(count);
      const records = await readWithin(await query(keys), readLogRow, toLogResponse);
      return toPage(records, listQuery, total);
    },

    deleteLogs: (ids) => scrub.after(() => erasure.deleteLogs(ids)),
    deleteSession: (selector) => scrub.after(() => erasure.deleteSession(selector)),
    deleteProject: (selector) => scrub.after(() => erasure.deleteProject(selector)),
    deleteLogsOfUser: (user) => scrub.after(() => erasure.deleteLogsOfUser(user)),
    prune: (bounds) => scrub.after(() => prune(bounds)),
    eraseDeleted: scrub.finish,

    health: async () => health(),

    measures: async () => toMeasures(file, space, turns.depth()),

    readiness: async () => (closed ? CLOSED : toReadiness(health())),

    createSession: () =>
      inTurn(() => {
        const [id, now] = [newIdentifier('sesh'), timestampNow()];
        statements.insertSession.run(id, null, now, now);
        return { id };
      }),

    getSession: async (id) => {
      const found = reads.findSessionById.get(id);
      return found && readSession(found['key']!);
    },

    listSessions: async ({ projectId, page, size }) => {
      const project = reads.findProjectById.get(projectId);
      if (!project) return undefined;
      const key = project['key']!;
      const total = await reader.all(COUNT_SESSIONS_OF_PROJECT, [key]);
      const keys = await reader.all(LIST_SESSIONS_OF_PROJECT, [key, size, (page - 1) * size]);
      const records = await readWithin(keys, readSessionRow, toSession);
      return toPage(records, { page, size }, total);
    },

    createProject: (name) =>
      inTurn(() => {
        const [id, now] = [newIdentifier('pr'), timestampNow()];
        const created = statements.insertProject.get(id, storableText(name), now, now);
        return created && toProject(statements.readNewProject.get(id)!);
      }),

    getProject: readProject,

    listProjects: async (listQuery: ProjectQuery) => {
      const { count, keys } = toProjectListSql(listQuery);
      const total = await query(count);
      const read = (some: readonly SqliteValue[]) => query({ sql: READ_PROJECTS, parameters: [JSON.stringify(some)] });
      return toPage(await readProjectsWithin(await query(keys), read, projects), listQuery, total);
    },

    addFeedback: (requests) =>
      inTurn((writes) => mapItems(requests, (request) => changeFeedback(statements, writes, request))),

    ingest: (traceIds, work) =>
      inTurn((writes) => ingest(ingestStatements, { writes, runInSavepoint: turns.runInSavepoint }, traceIds, work)),

    ...createTraceReads({ prepare, prepareWrite, inTurn: (work) => run(work, turns.runRepeatable) }),

    forgetTraces: async (seenBeforeMillis) => {
      while (await inTurn(() => forgetTraces(ingestStatements, seenBeforeMillis)));
    },

    projects: checkingFirst(projects, watch.check),

    viewer: checkingFirst(
      createSqliteViewerStore({ prepare, reader, statements: prepareViewerStatements(prepare), index, readLog }),
      watch.check,
    ),

    close: async () => {
      if (closed) return;
      closed = true;
      const over = delay(CLOSE_MILLIS, undefined, { ref: false });
      await Promise.race([scrub.finishDue().catch(() => {}), over, index.untilHeldUp()]);
      await scrub.close();
      watch.close();
      space.close();
      await index.close();
      await Promise.all([turns.close(), reader.close(), checkpoints.close()]);
      if (readDatabase !== database) readDatabase.close();
      search.close();
      database.close();
    },
  };
  space.look();
  return checkingFirst(store, watch.check);
}
