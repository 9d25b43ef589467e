import type { SqliteValue } from '../../../../sqlite/open.ts';
import type { DeletedCounts } from '../../store.ts';
import type { Statements } from '../writing/statements.ts';
import { type ErasureStatements, POSTPONED_MILLIS } from './erasure-statements.ts';

/** One transaction: what was deleted in it, and what has to be looked at again before it ends. */
export class Deletion {
  readonly ids: string[] = [];
  /** Whether others follow that go on with it. */
  isInterrupted = false;
  readonly #statements: Statements;
  readonly #erasure: ErasureStatements;
  #logs = 0;
  #sessions = 0;
  readonly #projectsOfSessions = new Map<SqliteValue, Set<SqliteValue>>();
  readonly #configs = new Set<SqliteValue>();

  constructor(statements: Statements, erasure: ErasureStatements) {
    this.#statements = statements;
    this.#erasure = erasure;
  }

  get counts(): DeletedCounts {
    return { logs: this.#logs, sessions: this.#sessions };
  }

  /** Takes the log out of its children. Returns of how many: where they are `CHANGED_AT_ONCE`, there may be more. */
  unlinkChildren(key: SqliteValue): number {
    return Number(this.#erasure.unlinkChildren.run(key).changes);
  }

  /** It must have no children. */
  deleteLog(key: SqliteValue): void {
    const log = this.#erasure.deleteLog.get(key);
    if (!log) return;
    this.#logs += 1;
    const session = log['session_key'] ?? null;
    if (session === null) this.ids.push(log['id'] as string);
    else {
      const projects = this.#projectsOfSessions.get(session) ?? new Set();
      this.#projectsOfSessions.set(session, projects.add(log['project_key']!));
    }
    if (log['config_key'] !== null) this.#configs.add(log['config_key']!);
  }

  deleteFeedback(keys: readonly SqliteValue[], user: string): void {
    for (const key of keys) {
      this.#erasure.clearWordsOfFeedback.run(key, user);
      this.#erasure.deleteFeedback.run(key, user);
    }
  }

  /** Does nothing if it has logs. */
  deleteSession(key: SqliteValue): void {
    const session = this.#erasure.deleteEmptySession.get(key);
    if (!session) return;
    this.#sessions += 1;
    this.ids.push(session['id'] as string);
    this.#projectsOfSessions.delete(key);
  }

  /** Does nothing if it has logs, which have come meanwhile. Returns whether it is done, or only some of it. */
  deleteProject(key: SqliteValue): boolean {
    this.finish();
    if (this.#erasure.hasLogsOfProject.get(key)) return true;
    // It may have thousands, each of some megabytes.
    const config = this.#erasure.findConfigOfProject.get(key);
    if (config) this.#deleteConfig(config['key']!, config['used_in']!);
    else this.#erasure.deleteProject.run(key);
    return !config;
  }

  /** One that logs of another project have goes there. Where that has the same one, some of these logs get that. */
  #deleteConfig(key: SqliteValue, project: SqliteValue): void {
    const same = project === null ? undefined : this.#erasure.findSameConfig.get(key, project);
    if (project === null) this.#erasure.deleteConfig.run(key);
    else if (same) this.#erasure.useOtherConfig.run(key, same['key']!);
    else this.#erasure.moveConfig.run(key, project);
  }

  /** Deletes what the logs have left empty or unused. */
  finish(): void {
    for (const [session, projects] of this.#projectsOfSessions) {
      for (const project of projects) {
        this.#statements.unlinkSessionFromProject.run({ project_key: project, session_key: session });
      }
      this.deleteSession(session);
      this.#erasure.clearPreviews.run(session);
      this.#erasure.setSessionDue.run(session, Date.now() + (this.isInterrupted ? POSTPONED_MILLIS : 0));
    }
    for (const config of this.#configs) this.#erasure.deleteUnusedConfig.run(config);
    this.#projectsOfSessions.clear();
    this.#configs.clear();
  }
}
