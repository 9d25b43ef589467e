/** The work of `ingest` inside one transaction. The turn of writes is the lock of all traces. */
import type { SqliteRow, SqliteValue } from '../../../../sqlite/open.ts';
import type { LogRequest } from '../../../../wire/v4.ts';
import { newIdentifier } from '../../identifiers.ts';
import type { FeedbackForLog, Ingest, IngestFault, IngestWork, NewPart, Revision, StoredLog } from '../../ingest.ts';
import { RejectedFieldError } from '../../rejected-item.ts';
import { GIVEN_COLUMNS, toLogRow } from '../../rows/log-row.ts';
import { REVISED_COLUMNS, toLogRequest, withEntries } from '../../rows/stored-log.ts';
import { toSteps } from '../../steps.ts';
import { storableText } from '../../storable-text.ts';
import { timestampNow, toTimestamp } from '../../timestamps.ts';
import type { LogWrites } from '../writing/log-writes.ts';
import type { WriteTurns } from '../writing/write-turns.ts';
import { CALLS_FORGOTTEN_AT_ONCE, FORGOTTEN_AT_ONCE, type IngestStatements } from './ingest-statements.ts';

/** A session is indexed again once for the revisions of so long a time. */
const REVISED_MILLIS = 1_000;

/** What the rest of the store does for this. */
export interface IngestHost {
  readonly writes: LogWrites;
  readonly runInSavepoint: WriteTurns['runInSavepoint'];
}

/** By trace id; undefined where nothing is remembered. They are read, and written, in one transaction. */
type Traces = Map<string, SqliteRow | undefined>;

/** Yields after small steps. Resolves to what could not be stored. */
export function* ingest(
  statements: IngestStatements,
  host: IngestHost,
  traceIds: readonly string[],
  work: IngestWork,
): Generator<void, IngestFault[]> {
  const memory = new Map<string, readonly Uint8Array[]>();
  const traces: Traces = new Map();
  for (const traceId of traceIds) {
    const trace = statements.findTrace.get(traceId);
    traces.set(traceId, trace);
    const parts = trace ? statements.listParts.all(trace['key']!) : [];
    memory.set(
      traceId,
      parts.map(({ spans }) => spans as Uint8Array),
    );
    yield;
  }
  const stored = new Map<string, StoredLog>();
  const decide = () => toSteps(() => work(memory, stored));
  let result = yield* decide();
  while ('reads' in result) {
    for (const referenceId of result.reads) {
      stored.set(referenceId, readStored(statements, referenceId));
      yield;
    }
    result = yield* decide();
  }
  yield;
  return yield* new IngestWrites(statements, host, traces).write(result);
}

/** Deletes some of what was seen before the given time, in Unix milliseconds. Returns whether there may be more. */
export function forgetTraces(statements: IngestStatements, seenBeforeMillis: number): boolean {
  if (Number(statements.forgetCalls.run(seenBeforeMillis).changes) === CALLS_FORGOTTEN_AT_ONCE) return true;
  return Number(statements.forgetTraces.run(seenBeforeMillis).changes) === FORGOTTEN_AT_ONCE;
}

class IngestWrites {
  readonly #statements: IngestStatements;
  readonly #host: IngestHost;
  readonly #now = timestampNow();
  readonly #sessions = new Map<string, SqliteValue>();
  readonly #traces: Traces;
  /** Sessions that logs were taken out of, with the projects of these logs. */
  readonly #left = new Map<string, { session_key: SqliteValue; project_key: SqliteValue }>();
  readonly #faults: IngestFault[] = [];

  constructor(statements: IngestStatements, host: IngestHost, traces: Traces) {
    this.#statements = statements;
    this.#host = host;
    this.#traces = traces;
  }

  *write({ creates, revisions, places, feedback, parts, calls, kept }: Ingest): Generator<void, IngestFault[]> {
    yield* this.#host.writes.createEach(creates, (request, work) =>
      this.#attempt(request.reference_id as string, work),
    );
    for (const revision of revisions) {
      this.#attempt(revision.referenceId, () => this.#revise(revision));
      yield;
    }
    for (const { key, named } of this.#listLogsThatWait(places)) {
      this.#statements.setParent.run({ key: key!, now: this.#now, parent: places.get(named as string)! });
      yield;
    }
    for (const each of feedback) {
      this.#attempt(each.referenceId, () => this.#addFeedback(each));
      yield;
    }
    for (const [traceId, part] of parts) {
      this.#writePart(traceId, part);
      yield;
    }
    for (const { key, referenceId, reporter, startMillis, endMillis } of calls) {
      const traceKey = this.#traceOf(referenceId.slice(0, 32))?.['key'];
      if (traceKey === undefined) continue;
      const [keyBytes, reporterBytes] = [Buffer.from(key, 'hex'), Buffer.from(reporter, 'hex')];
      this.#statements.insertCall.run(keyBytes, startMillis, referenceId.slice(33), endMillis, reporterBytes, traceKey);
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

  #listLogsThatWait(places: Ingest['places']): SqliteRow[] {
    return places.size === 0 ? [] : this.#statements.listLogsThatWait.all(JSON.stringify([...places.keys()]));
  }

  /** One log that cannot be stored does not keep the others away. */
  #attempt(referenceId: string, work: () => void): boolean {
    const faults = this.#faults.length;
    this.#host.runInSavepoint(work, (error) => {
      if (!(error instanceof RejectedFieldError || error instanceof RangeError)) throw error;
      this.#faults.push({ referenceId, message: error.message });
    });
    return this.#faults.length === faults;
  }

  #revise(revision: Revision): void {
    const found = this.#statements.findLog.get(revision.referenceId);
    if (!found) return;
    const { parentReferenceId: parent, sessionReferenceId, content, duration, metadata, mergedInto } = revision;
    const now = this.#now;
    const key = found['key']!;
    if (mergedInto !== undefined) return this.#merge(found, mergedInto);
    if (parent !== undefined) this.#statements.setParent.run({ key, now, parent });
    if (sessionReferenceId !== undefined) this.#moveToSession(found, sessionReferenceId);
    if (content) this.#setContent(key, found['project_key']!, content);
    if (duration !== undefined) this.#statements.setDuration.run({ key, now, duration });
    if (metadata && !content) {
      const changed = withEntries(found['metadata'] as string | null, metadata);
      this.#statements.setMetadata.run({ key, now, metadata: JSON.stringify(changed) });
    }
  }

  #setContent(key: SqliteValue, projectKey: SqliteValue, content: LogRequest): void {
    const row = toLogRow(content);
    const values: Record<string, SqliteValue> = {};
    GIVEN_COLUMNS.forEach((column, index) => {
      if (REVISED_COLUMNS.includes(column)) values[column] = row.given[index]!;
    });
    const due_at = Date.now() + REVISED_MILLIS;
    this.#statements.markSessionOfRevised.run({ key, messages: values['messages']!, due_at });
    const configKey = row.config ? this.#host.writes.useConfig(projectKey, row.config) : null;
    this.#statements.setContent.run({ ...values, key, now: this.#now, config_key: configKey, called: row.called });
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
    if (!this.#statements.findLog.get(into)) return;
    const key = log['key']!;
    this.#statements.moveFeedback.run({ key, into });
    this.#host.writes.feedback.clear();
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

  #addFeedback({ referenceId, feedback, takenFrom }: FeedbackForLog): void {
    const log = this.#statements.findLog.get(referenceId);
    if (!log) {
      this.#faults.push({ referenceId, message: 'an evaluation is about a log that is not stored' });
      return;
    }
    const said = {
      type: storableText(feedback.type),
      value: JSON.stringify(feedback.value),
      user: feedback.user === undefined ? null : storableText(feedback.user),
      created_at: (feedback.created_at && toTimestamp(feedback.created_at)) ?? null,
    };
    if (takenFrom !== undefined && takenFrom !== referenceId) {
      this.#statements.takeFeedback.run({ ...said, from: takenFrom });
      this.#host.writes.feedback.clear();
      this.#statements.markLog.run(takenFrom);
    }
    const known = this.#statements.hasFeedback.get({ ...said, log_key: log['key']! });
    if (!known) this.#host.writes.feedback.insert(log['key']!, feedback, 'feedback');
  }

  #writePart(traceId: string, { bytes, replacesOthers }: NewPart): void {
    const [known, now] = [this.#traceOf(traceId), Date.now()];
    const part = known ? Number(known['last_part']) + 1 : 1;
    if (known) this.#statements.seeTrace.run(part, now, known['key']!);
    const key = known ? known['key']! : this.#statements.insertTrace.run(traceId, now).lastInsertRowid;
    if (replacesOthers) this.#statements.deleteParts.run(key);
    this.#statements.insertPart.run(key, part, bytes);
    this.#traces.set(traceId, { key, last_part: part });
  }

  /** Returns undefined if nothing is remembered of the trace. */
  #traceOf(traceId: string): SqliteRow | undefined {
    if (!this.#traces.has(traceId)) this.#traces.set(traceId, this.#statements.findTrace.get(traceId));
    return this.#traces.get(traceId);
  }
}

function readStored(statements: IngestStatements, referenceId: string): StoredLog {
  const row = statements.readLog.get(referenceId);
  const content = statements.readContent.get(referenceId.slice(0, 32), referenceId)?.['content'];
  return { log: row && toLogRequest(row), kept: content as string | undefined };
}
