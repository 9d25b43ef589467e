/** The work of `createLogs` and `updateLog` inside one transaction. A `RejectedFieldError` rolls all of it back. */

import type { SqliteRow, SqliteValue } from '../../../../sqlite/open.ts';
import type { CreatedLog, LogRequest, LogUpdate } from '../../../../wire/v4.ts';
import { newIdentifier } from '../../identifiers.ts';
import { limitSize, SMALL_CHARACTERS } from '../../log-limits.ts';
import { mapItems, RejectedFieldError } from '../../rejected-item.ts';
import type { ConfigRow } from '../../rows/config-row.ts';
import type { LogRow } from '../../rows/log-row.ts';
import { countCharacters } from '../../rows/row-size.ts';
import { storableText } from '../../storable-text.ts';
import type { LogSelector } from '../../store.ts';
import { timestampNow } from '../../timestamps.ts';
import { AddedLogs, type NamedParent } from './added-logs.ts';
import { encodeLog, tryToEncode, type WrittenLogs } from './encoded-logs.ts';
import { FeedbackWrites } from './feedback-writes.ts';
import type { Statements } from './statements.ts';
import { useConfig } from './use-config.ts';

interface Project {
  readonly key: number;
  readonly id: string;
}

interface Session {
  readonly key: number;
  readonly id: string;
}

/** Returns false if the work has failed, and was undone. */
export type Attempt = (request: LogRequest, work: () => void) => boolean;

/**
 * Writes one request. Remembers the projects, sessions and configs that it has found, since most items share them, and
 * adds the logs to the sums of their sessions when all of them are written. Statements take values by position: by name
 * takes five times as long.
 */
export class LogWrites {
  readonly feedback: FeedbackWrites;
  readonly #statements: Statements;
  readonly #now = timestampNow();
  readonly #projects = new Map<string, Project>();
  readonly #sessions = new Map<string, Session>();
  readonly #configs = new Map<string, SqliteValue>();
  /** By reference id: the key of each log that the request names and that is there. */
  readonly #known = new Map<string, SqliteValue>();
  readonly #added: AddedLogs;

  constructor(statements: Statements) {
    this.#statements = statements;
    this.#added = new AddedLogs(statements, this.#now);
    this.feedback = new FeedbackWrites(statements, this.#now);
  }

  /** `written` has what was written of them before. */
  *createAll(requests: readonly LogRequest[], written: WrittenLogs): Generator<void, CreatedLog[]> {
    this.#findReferences(requests);
    const create = this.#create.bind(this);
    const created = yield* mapItems(requests, function* (request) {
      const row = encodeLog(request, written.get(request));
      // A large log takes long to encode, and as long to write.
      yield;
      return create(request, row);
    });
    yield* this.#added.link();
    return created;
  }

  /**
   * Stores each log that can be stored. `attempt` runs one in a savepoint: of a log that failed nothing is left. One that
   * cannot fail has none, since for each savepoint the engine copies all pages that are written in it.
   */
  *createEach(requests: readonly LogRequest[], attempt: Attempt): Generator<void, void> {
    this.#findReferences(requests);
    for (const request of requests) {
      // What it completes is changed, and must be counted whatever becomes of the savepoint.
      if (this.#known.has(toReference(request.reference_id) ?? '')) this.#added.countIn();
      const row = tryToEncode(request);
      // A large log takes long to encode, and as long to write.
      yield;
      if (row && this.#isSureToFit(request)) {
        this.#create(request, row);
        yield;
        continue;
      }
      const isCreated = attempt(request, () => void this.#create(request, row ?? encodeLog(request)));
      if (!isCreated) for (const found of [this.#projects, this.#sessions, this.#configs, this.feedback]) found.clear();
      yield;
    }
    yield* this.#added.link();
  }

  /** Whether the log is new, names nothing that has to be there, and has nothing that is limited. */
  #isSureToFit(request: LogRequest): boolean {
    const { reference_id: reference, project_id, session_id, parent_id, config_id, feedback } = request;
    return !(
      this.#known.has(toReference(reference) ?? '') ||
      project_id ||
      session_id ||
      parent_id ||
      config_id ||
      feedback
    );
  }

  /** Finds all logs that the request names at once: to ask for each of them takes longer than to write it. */
  #findReferences(requests: readonly LogRequest[]): void {
    const references = new Set<string | null>();
    for (const request of requests) {
      references.add(toReference(request.reference_id)).add(toReference(request.parent_reference_id));
    }
    references.delete(null);
    if (references.size === 0) return;
    for (const row of this.#statements.findLogsByReferences.all(JSON.stringify([...references]))) {
      this.#known.set(row['reference_id'] as string, row['key']!);
    }
  }

  #create(request: LogRequest, row: LogRow): CreatedLog {
    const referenceId = toReference(request.reference_id);
    if (referenceId !== null && this.#known.has(referenceId)) {
      return this.#complete(this.#statements.findLogByReference.get(referenceId)!, request, row);
    }
    const project = this.#project(request);
    const session = this.#session(request, project.key);
    const parent = this.#parent(request);
    const id = newIdentifier('data');
    const key = this.#statements.insertLog([
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
      ...row.given,
    ]);
    this.#addFeedback(key, request);
    if (referenceId !== null) this.#known.set(referenceId, key);
    this.#added.add(Number(key), session?.key ?? (parent.key === null ? -Number(key) : undefined), row);
    return { id, project_id: project.id, session_id: session?.id ?? null };
  }

  /** For a retry, or a second report of the same call: keeps what is there and adds what was missing. */
  #complete(known: SqliteRow, request: LogRequest, row: LogRow): CreatedLog {
    this.#added.countIn();
    const key = known['key']!;
    const projectKey = known['project_key'] as number;
    const session = known['session_key'] === null ? this.#session(request, projectKey) : undefined;
    this.#statements.completeLog.run(
      this.#now,
      row.traceId,
      row.called,
      session?.key ?? null,
      known['config_key'] === null ? this.#config(request, row, projectKey) : null,
      ...row.given,
      key,
    );
    this.#checkSize(key, countCharacters(row.given), 'reference_id');
    const isTop = known['parent_key'] === null && known['parent_reference_id'] === null;
    const parent = isTop ? this.#parent(request) : undefined;
    if (known['has_feedback'] === 0) this.#addFeedback(key, request);
    // Last, as it is kept where what follows is undone.
    if (parent && (parent.key !== null || parent.referenceId !== null)) this.#added.addParent(key, parent);
    const sessionId = (known['session_id'] as string | null) ?? session?.id ?? null;
    return { id: known['id'] as string, project_id: known['project_id'] as string, session_id: sessionId };
  }

  /** Returns the key of the log that was updated; `undefined` if there is none. */
  update(selector: LogSelector, update: LogUpdate): SqliteValue | undefined {
    const found =
      'id' in selector
        ? this.#statements.findLogById.get(selector.id)
        : this.#statements.findKeyByReference.get(toReference(selector.referenceId));
    if (!found) return undefined;
    this.#statements.updateLog.run(
      this.#now,
      typeof update.output === 'string' ? storableText(update.output) : null,
      typeof update.error === 'string' ? storableText(update.error) : null,
      update.duration ?? null,
      found['key']!,
    );
    this.#checkSize(found['key']!, (update.output?.length ?? 0) + (update.error?.length ?? 0), 'output');
    if (found['session_key']) this.#statements.touchSession.run(this.#now, found['session_key']);
    return found['key'];
  }

  #checkSize(key: SqliteValue, addedCharacters: number, field: string): void {
    if (addedCharacters <= SMALL_CHARACTERS) return;
    limitSize(Number(this.#statements.sizeOfLog.get(key)!['bytes']), field);
  }

  #project(request: LogRequest): Project {
    const { project_id: id, project: name } = request;
    const asked = id ? `id ${id}` : `name ${name}`;
    const remembered = this.#projects.get(asked);
    if (remembered) return remembered;
    const project = (id ? this.#statements.findProjectById.get(id) : this.#projectNamed(name!)) as Project | undefined;
    if (!project) throw new RejectedFieldError('project_id', 'project not found');
    this.#statements.touchProject.run(this.#now, project.key);
    this.#projects.set(asked, project);
    return project;
  }

  #projectNamed(givenName: string): SqliteRow | undefined {
    const name = storableText(givenName);
    const { findProjectByName, insertProject } = this.#statements;
    return findProjectByName.get(name) ?? insertProject.get(newIdentifier('pr'), name, this.#now, this.#now);
  }

  #session(request: LogRequest, projectKey: number): Session | undefined {
    const { session_id: id, session_reference_id: reference } = request;
    if (!id && !reference) return undefined;
    const name = `${projectKey} ${id ? 'id' : 'reference'} ${id || reference}`;
    const remembered = this.#sessions.get(name);
    if (remembered) return remembered;
    const { findSessionById, findSessionByReference, touchSession } = this.#statements;
    const referenceId = storableText(reference ?? '');
    const found = (id ? findSessionById.get(id) : findSessionByReference.get(referenceId)) as Session | undefined;
    if (id && !found) throw new RejectedFieldError('session_id', 'session not found');
    if (found) touchSession.run(this.#now, found.key);
    const session = found ?? this.#insertSession(referenceId);
    this.#statements.linkSessionToProject.run(projectKey, session.key);
    this.#sessions.set(name, session);
    return session;
  }

  #insertSession(reference: string): Session {
    const id = newIdentifier('sesh');
    const values = [id, reference, this.#now, this.#now];
    return { id, key: Number(this.#statements.insertSession.run(...values).lastInsertRowid) };
  }

  /** Keeps a reference that is not known yet: the log is linked when its parent comes. */
  #parent(request: LogRequest): NamedParent {
    if (request.parent_id) {
      const { findLogById, findKeyByReference } = this.#statements;
      // By the official description, `parent_id` can be a reference as well.
      const found = findLogById.get(request.parent_id) ?? findKeyByReference.get(toReference(request.parent_id));
      if (!found) throw new RejectedFieldError('parent_id', 'parent datapoint not found');
      return { key: found['key']!, referenceId: null };
    }
    const referenceId = toReference(request.parent_reference_id);
    return { key: (referenceId !== null && this.#known.get(referenceId)) || null, referenceId };
  }

  #config(request: LogRequest, row: LogRow, projectKey: number): SqliteValue {
    if (request.config_id) {
      const found = this.#statements.findConfigById.get(request.config_id);
      if (!found) throw new RejectedFieldError('config_id', 'config not found');
      return found['key']!;
    }
    if (!row.config) return null;
    const name = `${projectKey} ${row.config.digest}`;
    const remembered = this.#configs.get(name);
    if (remembered !== undefined) return remembered;
    const key = this.useConfig(projectKey, row.config);
    this.#configs.set(name, key);
    return key;
  }

  /** Returns the key of the project's config with this content. */
  useConfig(projectKey: SqliteValue, config: ConfigRow): SqliteValue {
    return useConfig(this.#statements, projectKey, config, this.#now);
  }

  #addFeedback(logKey: SqliteValue, request: LogRequest): void {
    if (!request.feedback) return;
    for (const entry of [request.feedback].flat()) this.feedback.insert(logKey, entry, 'feedback');
  }
}

/** As it is stored. An engine writes half of a surrogate pair as a replacement character, and finds only that again. */
function toReference(reference: string | null | undefined): string | null {
  return reference ? storableText(reference) : null;
}
