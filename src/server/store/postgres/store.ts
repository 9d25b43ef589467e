/**
 * The store in a PostgreSQL database, which any number of servers share. They keep nothing that others need: keys and ids
 * are made of what requests say or at random, and every write can be repeated with the same ones.
 */

import type { LogRequest } from '../../../wire/v4.ts';
import { mapItems, RejectedFieldError } from '../rejected-item.ts';
import { toLogRow } from '../rows/log-row.ts';
import { toEnd } from '../steps.ts';
import { storableText } from '../storable-text.ts';
import type { Store } from '../store.ts';
import { withExplainedErrors } from '../unavailable-error.ts';
import { createErasure } from './erasure/erasure.ts';
import { explainPostgresError } from './explain-error.ts';
import { Ingests } from './ingest/ingest.ts';
import { findCalls } from './ingest/trace-calls.ts';
import { findTraces } from './ingest/trace-memory.ts';
import { toMeasures } from './measures.ts';
import { createProjectStore } from './project-store.ts';
import { checkReadiness } from './readiness.ts';
import { ChangeFeed } from './reading/change-feed.ts';
import { toLogListSql, toProjectListSql } from './reading/list-query.ts';
import { LogReads } from './reading/log-reads.ts';
import { listSessions, readSession } from './reading/session-reads.ts';
import { PendingWords } from './search/pending-words.ts';
import { UnusedWords } from './search/unused-words.ts';
import { Vocabulary } from './search/vocabulary.ts';
import { Catalog } from './tables/catalog.ts';
import { type Connections, connect, isRepeatable, type Row } from './tables/connection.ts';
import type { EncodedLog } from './tables/drafts.ts';
import { dayOf, nextTimestamp } from './tables/identifiers.ts';
import { randomKey, toId, type Uuid } from './tables/keys.ts';
import { type Layout, prepareSchema } from './tables/layout.ts';
import { Merges } from './tables/merges.ts';
import { maintainPartitions } from './tables/partitions.ts';
import { RepeatTurn } from './tables/repeat-turn.ts';
import { createPostgresViewerStore } from './viewer-store.ts';
import { settleProjects } from './writing/session-projects.ts';
import { WriteTurns } from './writing/write-turns.ts';

/** In all texts of one page. */
const MAX_PAGE_CHARACTERS = 4 * 1024 * 1024;
const CLOSED = { status: 'unavailable', message: 'the store is closed' } as const;
const MAINTENANCE_MILLIS = 60 * 60 * 1000;

export interface PostgresStoreOptions {
  /** `postgres://user@host/database`. */
  readonly url: string;
  /** `off` writes no words: then logs are found by what the v4 API searches, and sessions by filters. Default `index`. */
  readonly search?: 'index' | 'off';
  /** Called with failures that no request is answered with. */
  readonly onError?: (error: unknown) => void;
}

/** Makes the tables if need be. Rejects with a `HumanloopError`. */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { url, onError = () => {} } = options;
  let onLost = () => {};
  const connections = connect(url, () => onLost());
  try {
    const layout = await prepareSchema(connections.writes);
    const { store, noteLostConnection } = createPostgresStore(connections, layout, { ...options, onError });
    onLost = noteLostConnection;
    return withExplainedErrors(store, explain);
  } catch (error) {
    await connections.close().catch(() => {});
    throw explain(error);
  }
}

function explain(error: unknown): unknown {
  // A write that is overtaken again and again is answered like a conflict.
  if (error instanceof RepeatTurn)
    return explainPostgresError(Object.assign(new Error(error.message), { code: '40001', severity: 'ERROR' }));
  return explainPostgresError(error);
}

function createPostgresStore(
  connections: Connections,
  layout: Layout,
  { search = 'index', onError }: PostgresStoreOptions & { onError: (error: unknown) => void },
): { store: Store; noteLostConnection: () => void } {
  const { reads, writes } = connections;
  const feed = new ChangeFeed(reads);
  const catalog = new Catalog(writes);
  const merges = new Merges();
  const logReads = new LogReads(reads);
  const vocabulary = new Vocabulary(writes, layout);
  const unusedWords = new UnusedWords(writes, vocabulary);
  const parts = { layout, catalog, merges, vocabulary, search };
  const noteLostConnection = (): void => {
    feed.noteLostConnection();
    // The next one may lead to a server that has not got the last transactions of the one before.
    catalog.forgetAll();
    vocabulary.forgetKnown();
  };
  const turns = new WriteTurns(connections, parts, logReads, noteLostConnection);
  const ingests = new Ingests(connections, parts, noteLostConnection);
  const pendingWords = new PendingWords(reads, layout);
  const projects = createProjectStore(connections, catalog);
  const erasure = createErasure({ reads, writes, layout, catalog, feed, vocabulary, unusedWords });
  let isClosed = false;

  const checkOpen = (): void => {
    if (isClosed) throw new Error('The store is closed.');
  };

  const maintain = async (): Promise<void> => {
    try {
      const client = await writes.connect();
      try {
        const isOwnTurn = await maintainPartitions(client);
        if (isOwnTurn) await settleProjects(client, layout);
      } finally {
        client.release();
      }
    } catch (error) {
      // A partition that is missing is made by the write that needs it.
      if (!isClosed && !isRepeatable(error)) onError(error);
    }
  };
  const maintenance = setInterval(() => void maintain(), MAINTENANCE_MILLIS).unref();
  // All servers may have been stopped for longer than the partitions are made ahead.
  void maintain();

  const store: Store = {
    createLogs: async (requests) => {
      checkOpen();
      // Without a wait: what is accepted is in the queue when the store is closed.
      const logs = toEnd(mapItems(requests, encodeLog));
      const outcome = await turns.run({ kind: 'create', logs });
      if (search === 'index') pendingWords.schedule();
      return outcome.plan.draftsOf.get(outcome.index)!.map((draft) => outcome.answers.createdBy(draft));
    },

    updateLog: async (selector, update) => {
      checkOpen();
      const { work, plan, index, answers, readUpdated } = await turns.run({ kind: 'update', selector, update });
      if (search === 'index') pendingWords.schedule();
      // It was created in the same turn.
      const draft = plan.draftsOf.get(index)?.[0];
      if (draft) return logReads.readOne(answers.createdBy(draft).id);
      const id = work.kind === 'update' ? work.id : undefined;
      if (id === undefined) return undefined;
      if (answers.completed.has(id)) return logReads.readOne(id);
      return answers.updated.has(id) ? (await readUpdated()).get(id) : undefined;
    },

    getLog: (id) => logReads.readOne(id),

    listLogs: async (query) => {
      const project = await catalog.lookUpProject({ id: query.projectId });
      if (!project) return undefined;
      const needsModels = query.models.length > 0 || query.sort.some(({ column }) => column === 'model');
      const models = needsModels ? await readModels(connections) : new Map<Uuid, string>();
      const names = new Set(query.models.map(storableText));
      const wanted = [...models].flatMap(([key, model]) => (names.has(model) ? [key] : []));
      const sql = toLogListSql(project.key, query, { models, ...(query.models.length > 0 && { wanted }) });
      const [count, ids] = await Promise.all([
        reads.query<Row>(sql.count.text, [...sql.count.values!]),
        reads.query<Row>(sql.ids.text, [...sql.ids.values!]),
      ]);
      const records = await logReads.read(
        ids.rows.map((row) => row['id'] as string),
        MAX_PAGE_CHARACTERS,
      );
      return { records, page: query.page, size: query.size, total: count.rows[0]!['total'] as number };
    },

    ...erasure,
    deleteLogs: async (ids) => {
      checkOpen();
      return erasure.deleteLogs(ids);
    },

    createSession: async () => {
      checkOpen();
      const { key, bucket } = randomKey();
      const now = nextTimestamp();
      const id = toId('sesh', key);
      // Nothing is lost by a second try: the key is random.
      await writes.query(
        `INSERT INTO sessions (bucket, key, id, keys, buckets, first_day, last_day, created_at, updated_at, changed_at, logs,
          errors, running, started_at, ended_at)
         VALUES ($1, $2::uuid, $3, ARRAY[$2::uuid], ARRAY[$1::smallint], $4::date, $4::date, $5, $5, clock_timestamp(), 0, 0,
          0, $5, $5) ON CONFLICT DO NOTHING`,
        [bucket, key, id, dayOf(Date.now()), now],
      );
      return { id };
    },

    getSession: (id) => readSession(reads, id),

    listSessions: async ({ projectId, page, size }) => {
      const project = await catalog.lookUpProject({ id: projectId });
      if (!project) return undefined;
      const asked = { page, size, maxCharacters: MAX_PAGE_CHARACTERS };
      return { ...(await listSessions(reads, project.key, asked)), page, size };
    },

    createProject: async (name) => {
      checkOpen();
      const project = await catalog.makeProject(storableText(name));
      return project && projects.readProject(project.id);
    },

    getProject: (id) => projects.readProject(id),

    listProjects: async (query) => {
      await catalog.flush();
      const { count, rows } = toProjectListSql(query);
      const [total, found] = await Promise.all([
        reads.query<Row>(count.text, [...count.values!]),
        reads.query<Row>(rows.text, [...rows.values!]),
      ]);
      const records = await projects.toProjects(found.rows);
      return { records, page: query.page, size: query.size, total: total.rows[0]!['total'] as number };
    },

    addFeedback: async (requests) => {
      checkOpen();
      const { plan, answers, work } = await turns.run({ kind: 'feedback', requests });
      const own = work.kind === 'feedback' ? work.feedback : [];
      return own.map((each) => answers.feedback[plan.feedback.indexOf(each)]!);
    },

    ingest: async (traceIds, work) => {
      checkOpen();
      const faults = await ingests.run(traceIds, work);
      if (search === 'index') pendingWords.schedule();
      return faults;
    },

    findCalls: (wanted) => findCalls(reads, layout, wanted),

    findTraces: (traceIds) => findTraces(reads, traceIds),

    forgetTraces: (seenBeforeMillis) => ingests.forget(seenBeforeMillis),

    measures: async () => toMeasures(connections, turns.measure()),

    readiness: () => (isClosed ? Promise.resolve(CLOSED) : checkReadiness(reads)),

    projects,

    viewer: createPostgresViewerStore(connections, { layout, catalog, logReads, feed, vocabulary }),

    close: async () => {
      if (isClosed) return;
      isClosed = true;
      clearInterval(maintenance);
      pendingWords.close();
      await Promise.all([turns.drain(), ingests.drain(), feed.close()]);
      await Promise.all([catalog.flush().catch(() => {}), unusedWords.close()]);
      await vocabulary.flush();
      await connections.close();
    },
  };
  return { store, noteLostConnection };
}

function encodeLog(request: LogRequest): EncodedLog {
  try {
    return { request, row: toLogRow(request) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RejectedFieldError('inputs', 'the datapoint is nested too deeply to be stored');
  }
}

/** By config. */
async function readModels({ reads }: Connections): Promise<Map<Uuid, string>> {
  const { rows } = await reads.query<Row>('SELECT key, model FROM configs WHERE model IS NOT NULL LIMIT 50000');
  return new Map(rows.map((row) => [row['key'] as Uuid, row['model'] as string]));
}
