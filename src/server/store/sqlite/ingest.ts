/** The work of `ingest` inside one transaction. The turn of writes is the lock of all traces. */
import type { SqliteRow, SqliteValue } from '../../../sqlite/open.ts';
import { type Prepare, prepareAll } from '../../../sqlite/statement-cache.ts';
import { parseJson } from '../../../wire/json.ts';
import type { Feedback, LogRequest } from '../../../wire/v4.ts';
import { newIdentifier } from '../identifiers.ts';
import type { Ingest, IngestFault, IngestWork, NewPart, Revision, StoredLog } from '../ingest.ts';
import { RejectedFieldError } from '../rejected-item.ts';
import { storableText } from '../storable-text.ts';
import { timestampNow, toTimestamp } from '../timestamps.ts';
import { GIVEN_COLUMNS, type LogRow, toLogRow } from './log-row.ts';
import type { WriteTurns } from './write-turns.ts';

/** What a log says by itself. The other columns say when and where it was. */
const REVISED_COLUMNS = GIVEN_COLUMNS.filter(
  (column) =>
    !['source', 'environment', 'trial_id', 'source_datapoint_id', 'duration', 'judgment', 'stdout'].includes(column),
);
const WITHOUT_CONTENT: ReadonlySet<string> = new Set([
  ...['error', 'prompt_tokens', 'output_tokens', 'prompt_cost', 'output_cost', 'metadata'],
]);
const JSON_FIELDS = ['inputs', 'messages', 'metadata', 'output_message', 'provider_request', 'provider_response'];
const STORED_FIELDS = ['project', 'session_reference_id', 'reference_id', 'parent_reference_id', 'created_at'];
/** Rows that one statement of `forgetTraces` deletes, with their parts. */
const FORGOTTEN_AT_ONCE = 200;

const SQL = {
  findTrace: `SELECT key, last_part FROM traces WHERE trace_id = ?`,
  seeTrace: `INSERT INTO traces (trace_id, last_part, seen_at) VALUES (:trace_id, 1, :now)
    ON CONFLICT (trace_id) DO UPDATE SET last_part = last_part + 1, seen_at = max(seen_at, :now) RETURNING key, last_part`,
  listParts: `SELECT spans FROM trace_parts WHERE trace_key = ? ORDER BY part`,
  deleteParts: `DELETE FROM trace_parts WHERE trace_key = ?`,
  insertPart: `INSERT INTO trace_parts (trace_key, part, spans) VALUES (?, ?, ?)`,
  readContent: `SELECT content FROM trace_contents
    WHERE trace_key = (SELECT key FROM traces WHERE trace_id = ?) AND reference_id = ?`,
  keepContent: `INSERT INTO trace_contents (trace_key, reference_id, content)
    SELECT key, :reference_id, :content FROM traces WHERE trace_id = :trace_id
    ON CONFLICT (trace_key, reference_id) DO UPDATE SET content = excluded.content`,
  dropContent: `DELETE FROM trace_contents
    WHERE trace_key = (SELECT key FROM traces WHERE trace_id = ?) AND reference_id = ?`,
  forgetTraces: `DELETE FROM traces WHERE key IN
    (SELECT key FROM traces WHERE seen_at < ? ORDER BY seen_at LIMIT ${FORGOTTEN_AT_ONCE})`,

  findLog: `SELECT key, project_key, session_key, metadata FROM logs WHERE reference_id = ?`,
  readLog: `SELECT logs.*, projects.name AS project, sessions.reference_id AS session_reference_id,
      configs.content AS config
    FROM logs JOIN projects ON projects.key = logs.project_key
    LEFT JOIN sessions ON sessions.key = logs.session_key
    LEFT JOIN configs ON configs.key = logs.config_key
    WHERE logs.reference_id = ?`,
  setParent: `WITH RECURSIVE ancestors (key) AS (
      SELECT key FROM logs WHERE reference_id = :parent
      UNION
      SELECT logs.parent_key FROM logs JOIN ancestors ON logs.key = ancestors.key WHERE logs.parent_key IS NOT NULL
    )
    UPDATE logs SET updated_at = :now, parent_reference_id = :parent, parent_key =
      CASE WHEN key IN ancestors THEN NULL ELSE (SELECT key FROM logs WHERE reference_id = :parent) END
    WHERE key = :key`,
  setSession: `UPDATE logs SET updated_at = :now, session_key = :session_key WHERE key = :key`,
  setContent: `UPDATE logs SET updated_at = :now, config_key = :config_key,
      called = CASE WHEN save THEN :called END,
      ${REVISED_COLUMNS.map((column) => (WITHOUT_CONTENT.has(column) ? `${column} = :${column}` : `${column} = CASE WHEN save THEN :${column} END`)).join(', ')}
    WHERE key = :key`,
  setMetadata: `UPDATE logs SET updated_at = :now, metadata = :metadata WHERE key = :key`,
  useConfig: `INSERT INTO configs (id, project_key, digest, type, model, label, content, created_at, last_used)
    VALUES (:id, :project_key, :digest, :type, :model, :label, :content, :now, :now)
    ON CONFLICT (project_key, digest) DO UPDATE SET last_used = :now RETURNING key`,
  moveFeedback: `UPDATE feedback SET log_key = (SELECT key FROM logs WHERE reference_id = :into) WHERE log_key = :key
    AND EXISTS (SELECT 1 FROM logs WHERE reference_id = :into)`,
  clearReference: `UPDATE logs SET reference_id = NULL WHERE key = ?`,
  deleteLog: `DELETE FROM logs WHERE key = ?`,
  markLog: `INSERT INTO unindexed_logs (key) SELECT key FROM logs WHERE reference_id = ? ON CONFLICT DO NOTHING`,
  markSession: `INSERT INTO unindexed_sessions (key) VALUES (?) ON CONFLICT DO NOTHING`,
  hasFeedback: `SELECT 1 FROM feedback WHERE log_key = :log_key AND type = :type AND value = :value
    AND user IS :user AND (:created_at IS NULL OR created_at = :created_at)`,

  findSession: `SELECT key FROM sessions WHERE reference_id = ?`,
  insertSession: `INSERT INTO sessions (id, reference_id, created_at, updated_at)
    VALUES (:id, :reference_id, :now, :now) RETURNING key`,
  linkSession: `INSERT INTO session_projects (project_key, session_key) VALUES (:project_key, :session_key)
    ON CONFLICT DO NOTHING`,
  unlinkSession: `DELETE FROM session_projects WHERE project_key = :project_key AND session_key = :session_key
    AND NOT EXISTS (SELECT 1 FROM logs WHERE session_key = :session_key AND project_key = :project_key)`,
  deleteEmptySession: `DELETE FROM sessions WHERE key = :key AND NOT EXISTS
    (SELECT 1 FROM logs WHERE session_key = :key)`,
} as const;

export type IngestStatements = ReturnType<typeof prepareIngestStatements>;

export function prepareIngestStatements(prepare: Prepare) {
  return prepareAll(prepare, SQL);
}

/** What the rest of the store does for this. */
export interface IngestHost {
  /** Throws a `RejectedFieldError`, or a `RangeError` where the log is nested too deeply. */
  create(request: LogRequest): void;
  insertFeedback(logKey: SqliteValue, feedback: Feedback): void;
  readonly runInSavepoint: WriteTurns['runInSavepoint'];
}

/** Yields after small steps. Resolves to what could not be stored. */
export function* ingest(
  statements: IngestStatements,
  host: IngestHost,
  traceIds: readonly string[],
  work: IngestWork,
): Generator<void, IngestFault[]> {
  const memory = new Map<string, readonly Uint8Array[]>();
  for (const traceId of traceIds) {
    const trace = statements.findTrace.get(traceId);
    const parts = trace ? statements.listParts.all(trace['key']!) : [];
    memory.set(
      traceId,
      parts.map(({ spans }) => spans as Uint8Array),
    );
    yield;
  }
  const stored = new Map<string, StoredLog>();
  let result = work(memory, stored);
  while ('reads' in result) {
    for (const referenceId of result.reads) stored.set(referenceId, readStored(statements, referenceId));
    yield;
    result = work(memory, stored);
  }
  yield;
  return yield* new IngestWrites(statements, host).write(result);
}

/** Deletes traces that were seen before the given time, in Unix milliseconds. Returns whether there may be more. */
export function forgetTraces(statements: IngestStatements, seenBeforeMillis: number): boolean {
  return Number(statements.forgetTraces.run(seenBeforeMillis).changes) === FORGOTTEN_AT_ONCE;
}

class IngestWrites {
  readonly #statements: IngestStatements;
  readonly #host: IngestHost;
  readonly #now = timestampNow();
  readonly #sessions = new Map<string, SqliteValue>();
  /** Sessions that logs were taken out of, with the projects of these logs. */
  readonly #left = new Map<string, { session_key: SqliteValue; project_key: SqliteValue }>();
  readonly #faults: IngestFault[] = [];

  constructor(statements: IngestStatements, host: IngestHost) {
    this.#statements = statements;
    this.#host = host;
  }

  *write({ creates, revisions, feedback, parts, kept }: Ingest): Generator<void, IngestFault[]> {
    for (const request of creates) {
      this.#attempt(request.reference_id as string, () => this.#host.create(request));
      yield;
    }
    for (const revision of revisions) {
      this.#attempt(revision.referenceId, () => this.#revise(revision));
      yield;
    }
    for (const { referenceId, feedback: each } of feedback) {
      this.#attempt(referenceId, () => this.#addFeedback(referenceId, each));
      yield;
    }
    for (const [traceId, part] of parts) {
      this.#writePart(traceId, part);
      yield;
    }
    for (const [referenceId, content] of kept) {
      const traceId = referenceId.slice(0, 32);
      if (content === undefined) this.#statements.dropContent.run(traceId, referenceId);
      else this.#statements.keepContent.run({ trace_id: traceId, reference_id: referenceId, content });
      yield;
    }
    this.#leaveSessions();
    return this.#faults;
  }

  /** One log that cannot be stored does not keep the others away. */
  #attempt(referenceId: string, work: () => void): void {
    this.#host.runInSavepoint(work, (error) => {
      if (!(error instanceof RejectedFieldError || error instanceof RangeError)) throw error;
      this.#faults.push({ referenceId, message: error.message });
    });
  }

  #revise(revision: Revision): void {
    const found = this.#statements.findLog.get(revision.referenceId);
    if (!found) return;
    const { parentReferenceId: parent, sessionReferenceId, content, metadata, mergedInto } = revision;
    const now = this.#now;
    const key = found['key']!;
    if (mergedInto !== undefined) return this.#merge(found, mergedInto);
    if (parent !== undefined) this.#statements.setParent.run({ key, now, parent });
    if (sessionReferenceId !== undefined) this.#moveToSession(found, sessionReferenceId);
    if (content) this.#setContent(key, found['project_key']!, content);
    if (metadata && !content) {
      const changed = withEntries(found['metadata'] as string | null, metadata);
      this.#statements.setMetadata.run({ key, now, metadata: JSON.stringify(changed) });
    }
  }

  #setContent(key: SqliteValue, projectKey: SqliteValue, content: LogRequest): void {
    const row = toLogRow(content);
    const values = Object.fromEntries(REVISED_COLUMNS.map((column) => [column, row.given[column]]));
    const configKey = row.config ? this.#useConfig(row.config, projectKey) : null;
    this.#statements.setContent.run({ ...values, key, now: this.#now, config_key: configKey, called: row.called });
  }

  #useConfig(config: NonNullable<LogRow['config']>, projectKey: SqliteValue): SqliteValue {
    const id = newIdentifier('config');
    return this.#statements.useConfig.get({ ...config, id, project_key: projectKey, now: this.#now })!['key']!;
  }

  #moveToSession(log: SqliteRow, reference: string): void {
    const session_key = this.#sessionOf(reference);
    const { key, session_key: before, project_key } = log as Record<string, SqliteValue>;
    if (before === session_key) return;
    this.#statements.setSession.run({ key: key!, now: this.#now, session_key });
    this.#statements.linkSession.run({ project_key: project_key!, session_key });
    this.#leave(log);
  }

  #sessionOf(givenReference: string): SqliteValue {
    const known = this.#sessions.get(givenReference);
    if (known !== undefined) return known;
    const reference = storableText(givenReference);
    const { findSession, insertSession } = this.#statements;
    const session = { id: newIdentifier('sesh'), reference_id: reference, now: this.#now };
    const key = (findSession.get(reference) ?? insertSession.get(session))!['key']!;
    this.#sessions.set(givenReference, key);
    return key;
  }

  #merge(log: SqliteRow, into: string): void {
    const key = log['key']!;
    this.#statements.moveFeedback.run({ key, into });
    this.#statements.markLog.run(into);
    this.#statements.clearReference.run(key);
    this.#statements.deleteLog.run(key);
    this.#leave(log);
  }

  #leave({ session_key, project_key }: SqliteRow): void {
    if (session_key === null || session_key === undefined) return;
    this.#left.set(`${session_key} ${project_key}`, { session_key, project_key: project_key! });
  }

  /** Filters and texts of a session that has fewer logs are made again, and a session without logs is none. */
  #leaveSessions(): void {
    for (const left of this.#left.values()) {
      this.#statements.unlinkSession.run(left);
      this.#statements.markSession.run(left.session_key);
      this.#statements.deleteEmptySession.run({ key: left.session_key });
    }
  }

  #addFeedback(referenceId: string, feedback: Feedback): void {
    const log = this.#statements.findLog.get(referenceId);
    if (!log) {
      this.#faults.push({ referenceId, message: 'an evaluation is about a log that is not stored' });
      return;
    }
    const known = this.#statements.hasFeedback.get({
      log_key: log['key']!,
      type: storableText(feedback.type),
      value: JSON.stringify(feedback.value),
      user: feedback.user === undefined ? null : storableText(feedback.user),
      created_at: (feedback.created_at && toTimestamp(feedback.created_at)) ?? null,
    });
    if (!known) this.#host.insertFeedback(log['key']!, feedback);
  }

  #writePart(traceId: string, { bytes, replacesOthers }: NewPart): void {
    const { key, last_part } = this.#statements.seeTrace.get({ trace_id: traceId, now: Date.now() })!;
    if (replacesOthers) this.#statements.deleteParts.run(key!);
    this.#statements.insertPart.run(key!, last_part!, bytes);
  }
}

function readStored(statements: IngestStatements, referenceId: string): StoredLog {
  const row = statements.readLog.get(referenceId);
  const content = statements.readContent.get(referenceId.slice(0, 32), referenceId)?.['content'];
  return { log: row && toLogRequest(row), kept: content as string | undefined };
}

/** Returns the log as it was requested. */
function toLogRequest(row: SqliteRow): LogRequest {
  const request: Record<string, unknown> = {};
  for (const field of [...STORED_FIELDS, ...GIVEN_COLUMNS]) {
    const value = row[field];
    if (value === null || value === undefined) continue;
    request[field] = JSON_FIELDS.includes(field) ? parseJson(value as string) : value;
  }
  if (row['config'] !== null) request['config'] = parseJson(row['config'] as string);
  return request;
}

function withEntries(json: string | null, entries: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const metadata = { ...((json === null ? undefined : parseJson(json)) as Record<string, unknown> | undefined) };
  for (const [key, value] of Object.entries(entries)) {
    if (value === null) delete metadata[key];
    else metadata[key] = value;
  }
  return metadata;
}
