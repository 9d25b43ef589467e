/** The work of `createLogs` and `updateLog` inside one transaction. A `RejectedFieldError` rolls all of it back. */

import type { SqliteRow, SqliteValue } from '../../../sqlite/open.ts';
import type { CreatedLog, Feedback, LogRequest, LogUpdate } from '../../../wire/v4.ts';
import { newIdentifier } from '../identifiers.ts';
import { GIVEN_COLUMNS, type LogRow } from '../log-row.ts';
import { RejectedFieldError } from '../rejected-item.ts';
import { countCharacters } from '../row-size.ts';
import { storableText } from '../storable-text.ts';
import type { LogSelector } from '../store.ts';
import { timestampNow, toTimestamp } from '../timestamps.ts';
import type { Statements } from './statements.ts';

/** All feedback of a log is in each answer that has the log. */
const MAX_FEEDBACK = 1_000;
const MAX_FEEDBACK_CHARACTERS = 50_000;

const MAX_LOG_BYTES = 32 * 1024 * 1024;
const SMALL_CHARACTERS = 256 * 1024;

export interface EncodedLog {
  readonly request: LogRequest;
  readonly row: LogRow;
}

interface Project {
  readonly key: number;
  readonly id: string;
}

interface Session {
  readonly key: number;
  readonly id: string;
}

/** Writes one request. Remembers the projects, sessions and configs that it has found, since most items share them. */
export class LogWrites {
  readonly #statements: Statements;
  readonly #now = timestampNow();
  readonly #projects = new Map<string, Project>();
  readonly #sessions = new Map<string, Session>();
  readonly #configs = new Map<string, SqliteValue>();

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  create({ request, row }: EncodedLog): CreatedLog {
    const referenceId = request.reference_id ? storableText(request.reference_id) : null;
    const known = referenceId === null ? undefined : this.#statements.findLogByReference.get(referenceId);
    if (known) return this.#complete(known, request, row);

    const project = this.#project(request);
    const session = this.#session(request, project.key);
    const parent = this.#parent(request);
    const id = newIdentifier('data');
    const { lastInsertRowid: key } = this.#statements.insertLog.run(
      id,
      referenceId,
      project.key,
      session?.key ?? null,
      this.#config(request, row, project.key),
      parent.key,
      parent.referenceId,
      row.createdAt,
      this.#now,
      row.save,
      row.traceId,
      row.called,
      ...GIVEN_COLUMNS.map((column) => row.given[column]),
    );
    if (referenceId !== null) this.#statements.linkWaitingChildren.run({ key, reference_id: referenceId });
    this.#addFeedback(key, request);
    return { id, project_id: project.id, session_id: session?.id ?? null };
  }

  /** For a retry, or a second report of the same call: keeps what is there and adds what was missing. */
  #complete(known: SqliteRow, request: LogRequest, row: LogRow): CreatedLog {
    const key = known['key']!;
    const projectKey = known['project_key'] as number;
    const session = known['session_key'] === null ? this.#session(request, projectKey) : undefined;
    this.#statements.completeLog.run({
      ...row.given,
      trace_id: row.traceId,
      called: row.called,
      key,
      session_key: session?.key ?? null,
      config_key: known['config_key'] === null ? this.#config(request, row, projectKey) : null,
      now: this.#now,
    });
    this.#checkSize(key, countCharacters(row.given), 'reference_id');
    if (known['parent_key'] === null && known['parent_reference_id'] === null) {
      const parent = this.#parent(request);
      if (parent.key !== null || parent.referenceId !== null) {
        this.#statements.setParent.run({ key, parent_key: parent.key, parent_reference_id: parent.referenceId });
      }
    }
    if (known['has_feedback'] === 0) this.#addFeedback(key, request);
    const sessionId = (known['session_id'] as string | null) ?? session?.id ?? null;
    return { id: known['id'] as string, project_id: known['project_id'] as string, session_id: sessionId };
  }

  /** Returns the key of the log that was updated; `undefined` if there is none. */
  update(selector: LogSelector, update: LogUpdate): SqliteValue | undefined {
    const found =
      'id' in selector
        ? this.#statements.findLogById.get(selector.id)
        : this.#statements.findLogByReference.get(storableText(selector.referenceId));
    if (!found) return undefined;
    this.#statements.updateLog.run({
      key: found['key']!,
      output: typeof update.output === 'string' ? storableText(update.output) : null,
      error: typeof update.error === 'string' ? storableText(update.error) : null,
      duration: update.duration ?? null,
      now: this.#now,
    });
    this.#checkSize(found['key']!, (update.output?.length ?? 0) + (update.error?.length ?? 0), 'output');
    if (found['session_key']) this.#statements.touchSession.run({ key: found['session_key'], now: this.#now });
    return found['key'];
  }

  /** A log can grow request by request, and every answer has all of it. `addedCharacters` spares the small ones. */
  #checkSize(key: SqliteValue, addedCharacters: number, field: string): void {
    if (addedCharacters < SMALL_CHARACTERS) return;
    if (Number(this.#statements.sizeOfLog.get(key)!['bytes']) <= MAX_LOG_BYTES) return;
    throw new RejectedFieldError(field, `the datapoint would have more than ${MAX_LOG_BYTES} bytes in all`);
  }

  #project(request: LogRequest): Project {
    const { project_id: id, project: name } = request;
    const remembered = this.#projects.get(id ?? `name ${name}`);
    if (remembered) return remembered;
    const project = (id ? this.#statements.findProjectById.get(id) : this.#projectNamed(name!)) as Project | undefined;
    if (!project) throw new RejectedFieldError('project_id', 'project not found');
    this.#statements.touchProject.run({ key: project.key, now: this.#now });
    this.#projects.set(id ?? `name ${name}`, project);
    return project;
  }

  #projectNamed(givenName: string): SqliteRow | undefined {
    const name = storableText(givenName);
    const { findProjectByName, insertProject } = this.#statements;
    return findProjectByName.get(name) ?? insertProject.get({ id: newIdentifier('pr'), name, now: this.#now });
  }

  #session(request: LogRequest, projectKey: number): Session | undefined {
    const { session_id: id, session_reference_id: reference } = request;
    if (!id && !reference) return undefined;
    const name = `${projectKey} ${id ? 'id' : 'reference'} ${id || reference}`;
    const remembered = this.#sessions.get(name);
    if (remembered) return remembered;
    const session = (
      id ? this.#statements.findSessionById.get(id) : this.#sessionReferenced(storableText(reference!))
    ) as Session | undefined;
    if (!session) throw new RejectedFieldError('session_id', 'session not found');
    this.#statements.touchSession.run({ key: session.key, now: this.#now });
    this.#statements.linkSessionToProject.run({ project_key: projectKey, session_key: session.key });
    this.#sessions.set(name, session);
    return session;
  }

  #sessionReferenced(reference: string): SqliteRow | undefined {
    const { findSessionByReference, insertSession } = this.#statements;
    const session = { id: newIdentifier('sesh'), reference_id: reference, now: this.#now };
    return findSessionByReference.get(reference) ?? insertSession.get(session);
  }

  /** Keeps a reference that is not known yet: the log is linked when its parent comes. */
  #parent(request: LogRequest): { key: SqliteValue; referenceId: string | null } {
    const { findLogById, findLogByReference } = this.#statements;
    if (request.parent_id) {
      // By the official description, `parent_id` can be a reference as well.
      const found = findLogById.get(request.parent_id) ?? findLogByReference.get(storableText(request.parent_id));
      if (!found) throw new RejectedFieldError('parent_id', 'parent datapoint not found');
      return { key: found['key']!, referenceId: null };
    }
    if (!request.parent_reference_id) return { key: null, referenceId: null };
    const referenceId = storableText(request.parent_reference_id);
    return { key: findLogByReference.get(referenceId)?.['key'] ?? null, referenceId };
  }

  #config(request: LogRequest, row: LogRow, projectKey: number): SqliteValue {
    if (request.config_id) {
      const found = this.#statements.findConfigById.get(request.config_id);
      if (!found) throw new RejectedFieldError('config_id', 'config not found');
      return found['key']!;
    }
    if (!row.config) return null;
    const name = `${projectKey} ${row.config.content}`;
    const remembered = this.#configs.get(name);
    if (remembered !== undefined) return remembered;
    const config = { ...row.config, id: newIdentifier('config'), project_key: projectKey, now: this.#now };
    const key = this.#statements.useConfig.get(config)!['key']!;
    this.#configs.set(name, key);
    return key;
  }

  #addFeedback(logKey: SqliteValue, request: LogRequest): void {
    for (const entry of [request.feedback ?? []].flat()) this.insertFeedback(logKey, entry, 'feedback');
  }

  /** `field` is the one to name where there is no room for the feedback. */
  insertFeedback(logKey: SqliteValue, feedback: Feedback, field: string): { id: string; created_at: string } {
    const value = JSON.stringify(feedback.value);
    if (value.length > MAX_FEEDBACK_CHARACTERS) {
      throw new RejectedFieldError(field, `the value is longer than ${MAX_FEEDBACK_CHARACTERS} characters`);
    }
    if (Number(this.#statements.countFeedback.get(logKey)!['count']) >= MAX_FEEDBACK) {
      throw new RejectedFieldError(field, `the datapoint has ${MAX_FEEDBACK} feedback entries, and takes no more`);
    }
    const row = {
      id: newIdentifier('ann'),
      created_at: (feedback.created_at && toTimestamp(feedback.created_at)) || this.#now,
    };
    this.#statements.insertFeedback.run({
      ...row,
      log_key: logKey,
      type: storableText(feedback.type),
      value,
      user: feedback.user === undefined ? null : storableText(feedback.user),
    });
    return row;
  }
}
