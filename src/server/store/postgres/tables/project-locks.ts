/**
 * Keeps projects while logs of them are written. Each server remembers projects, and another one may have deleted or
 * renamed them meanwhile: a turn shares a lock of each with all turns, and looks them up under it. A deletion has the lock
 * alone when it looks whether there are logs left.
 *
 * The locks are those of the node of the database that is asked: on Citus, servers that write by its workers do not share
 * them.
 */
import type { Catalog, KeyedConfig } from './catalog.ts';
import { codeOf, type Statement } from './connection.ts';
import type { Project } from './project-rows.ts';
import { RepeatTurn } from './repeat-turn.ts';
import { toList } from './row-keys.ts';

const CLASS = 0x686c_7072;
/** Of all projects: each lock has a place in the shared memory of the database. */
const LOCKS = 256;
/** What the database is asked to read as a number, so that its error says it. */
const GONE = 'a project was deleted or renamed';
const NO_NUMBER = '22P02';

/** What a log belongs to. */
export interface Belonging {
  /** Without its name where that may have changed. */
  readonly project: Pick<Project, 'key'> & Partial<Project>;
  readonly config?: KeyedConfig | undefined;
}

/** Waits until the turns that have logs of the project are done. Those that begin wait for this transaction. */
export function toOwnLock(projectKey: number): string {
  return `SELECT pg_advisory_xact_lock(${CLASS}, ${toLock(projectKey)})`;
}

function toLock(projectKey: number): number {
  return projectKey % LOCKS;
}

function toSharedLocks(logs: readonly Belonging[]): string {
  const keys = logs.flatMap(({ project, config }) => [project.key, config?.projectKey ?? project.key]);
  const locks = [...new Set(keys.map(toLock))].sort((left, right) => left - right);
  return `SELECT ${locks.map((lock) => `pg_advisory_xact_lock_shared(${CLASS}, ${lock})`).join(', ')}`;
}

/**
 * Returns what must come before all that the transaction locks, with `begin` where it begins. The transaction fails where
 * something is not there any more, or under another name: see `repeatIfGone`. The look-ups are statements of their own,
 * since what one sees is as old as its beginning.
 */
export function toKeepProjects(logs: readonly Belonging[], begin?: string): Statement[] {
  if (logs.length === 0) return begin === undefined ? [] : [{ text: begin }];
  // It may be remembered under two names, of which one is wrong.
  const projects = toList(new Map(logs.map(({ project }) => [`${project.key} ${project.name}`, project])).values());
  const ofProjects = {
    name: 'keep projects',
    text: `SELECT ${failUnless('count(*) = $3')} FROM unnest($1::bigint[], $2::text[]) AS named(key, name)
      JOIN projects USING (key) WHERE projects.name = coalesce(named.name, projects.name)`,
    values: [projects.map(({ key }) => key), projects.map(({ name }) => name ?? null), projects.length],
  };
  const configs = foreignConfigs(logs);
  // A config goes with its project, also where a log of another one keeps it.
  const ofConfigs = {
    name: 'keep configs',
    text: `SELECT ${failUnless('count(*) = $2')} FROM configs JOIN projects ON projects.key = configs.project
      WHERE configs.key = ANY($1::uuid[])`,
    values: [toList(configs), configs.size],
  };
  const locks = { text: [begin, toSharedLocks(logs)].filter(Boolean).join('; ') };
  return [locks, ofProjects, ...(configs.size > 0 ? [ofConfigs] : [])];
}

/** With the count, it is no constant, which would fail when the statement is planned. */
function failUnless(condition: string): string {
  return `CASE WHEN ${condition} THEN 0 ELSE ('${GONE} ' || count(*))::int END`;
}

/** Of a transaction that has `toKeepProjects`. */
export function isProjectGone(error: unknown): boolean {
  return codeOf(error) === NO_NUMBER && (error as Error).message.includes(GONE);
}

/** For such a transaction. Rejects with a `RepeatTurn` then. */
export function repeatIfGone<Result>(catalog: Catalog, work: Promise<Result>): Promise<Result> {
  return work.catch((error: unknown) => {
    if (!isProjectGone(error)) throw error;
    catalog.forgetProjects();
    throw new RepeatTurn(GONE);
  });
}

/** For logs that may be committed, in projects that had these names then. */
export function withoutNames(logs: readonly Belonging[]): Belonging[] {
  return logs.map(({ project: { key }, config }) => ({ project: { key }, config }));
}

/** Configs of other projects, which were named by their ids. */
function foreignConfigs(logs: readonly Belonging[]): Set<string> {
  return new Set(
    logs.flatMap(({ project, config }) => (config && config.projectKey !== project.key ? [config.key] : [])),
  );
}
