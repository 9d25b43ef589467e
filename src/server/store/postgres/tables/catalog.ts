/**
 * Projects and configs: few rows that most writes name. They are found by look-ups that are remembered for a few
 * seconds, and made outside the transaction of the write; one that is left over does no harm. When they were last used
 * is collected, and written now and then.
 */
import type pg from 'pg';
import { MAX_GIVEN, MAX_GIVEN_CHARACTERS } from '../../feedback-types.ts';
import type { ProjectSelector } from '../../project-store.ts';
import { rejectItem } from '../../rejected-item.ts';
import type { ConfigRow } from '../../rows/config-row.ts';
import { storableText } from '../../storable-text.ts';
import { allDone, commit, pipelined, type Row, rollBack, sendAtOnce } from './connection.ts';
import { nextTimestamp } from './identifiers.ts';
import { configKey, type Uuid } from './keys.ts';
import type { ConfigFacts } from './log-facts.ts';
import { insertProject, type Project } from './project-rows.ts';
import { toList } from './row-keys.ts';

/** Another server may rename a project. */
const PROJECT_MILLIS = 2_000;
/** A failover to a server that has not got the last of them may go unnoticed. */
const CONFIGS_MILLIS = 10 * 60 * 1000;
const MAX_REMEMBERED = 20_000;
/** Longer types of feedback are not remembered. */
const MAX_TYPE_CHARACTERS = 200;
const FLUSH_MILLIS = 10_000;

export interface KeyedConfig extends ConfigFacts {
  readonly key: Uuid;
  readonly projectKey: number;
}

function toName(selector: ProjectSelector): string {
  return 'id' in selector ? `id ${selector.id}` : `name ${selector.name}`;
}

export class Catalog {
  readonly #pool: pg.Pool;
  readonly #projects = new Map<string, { project: Project; until: number }>();
  /** Which are there, and under which keys. */
  #configs = new Map<Uuid, Uuid>();
  #configsSince = performance.now();
  readonly #givenFeedback = new Set<string>();
  readonly #usedProjects = new Map<number, string>();
  readonly #usedConfigs = new Map<Uuid, string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Another server may have renamed or deleted it since it was remembered: see `project-locks.ts`. */
  async findProject(selector: ProjectSelector): Promise<Project | undefined> {
    const known = this.#projects.get(toName(selector));
    if (known && known.until > performance.now()) return known.project;
    return this.lookUpProject(selector);
  }

  /** As it is now. */
  async lookUpProject(selector: ProjectSelector): Promise<Project | undefined> {
    const column = 'id' in selector ? 'id' : 'name';
    const value = storableText('id' in selector ? selector.id : selector.name);
    const { rows } = await this.#pool.query<Row>({
      name: `project by ${column}`,
      text: `SELECT key, id, name FROM projects WHERE ${column} = $1`,
      values: [value],
    });
    const project = rows[0] as Project | undefined;
    if (project) this.#remember(project);
    else this.#projects.delete(toName(selector));
    return project;
  }

  #remember(project: Project): void {
    if (this.#projects.size > MAX_REMEMBERED) this.#projects.clear();
    const until = performance.now() + PROJECT_MILLIS;
    for (const name of [`id ${project.id}`, `name ${project.name}`, `key ${project.key}`]) {
      this.#projects.set(name, { project, until });
    }
  }

  /** Resolves to the projects that are there, by key. */
  async findProjects(keys: Iterable<number>): Promise<Map<number, Project>> {
    const found = new Map<number, Project>();
    const unknown: number[] = [];
    for (const key of new Set(keys)) {
      const known = this.#projects.get(`key ${key}`);
      if (known && known.until > performance.now()) found.set(key, known.project);
      else unknown.push(key);
    }
    if (unknown.length === 0) return found;
    const { rows } = await this.#pool.query<Row>({
      name: 'projects by key',
      text: 'SELECT key, id, name FROM projects WHERE key = ANY($1::bigint[])',
      values: [toList(unknown)],
    });
    for (const project of rows as unknown as Project[]) {
      this.#remember(project);
      found.set(project.key, project);
    }
    return found;
  }

  /** Resolves to `undefined` if the name is taken. `field` is the one that has the name, see `withProjectName`. */
  async makeProject(name: string, field = 'name'): Promise<Project | undefined> {
    const project = await insertProject(this.#pool, name, field);
    if (project) this.#remember(project);
    return project;
  }

  async findOrMakeProject(name: string, field?: string): Promise<Project> {
    for (;;) {
      const found = (await this.findProject({ name })) ?? (await this.makeProject(name, field));
      if (found) return found;
      // Another server has made it, and renamed it again, in between.
    }
  }

  /**
   * Resolves to projects by name. Those that are not there are all made, or none of them. `names` has the index of the item
   * that first names each: a name that is refused rejects with a `RejectedItemError`.
   */
  async findOrMakeProjects(names: ReadonlyMap<string, number>): Promise<Map<string, Project>> {
    const found = new Map<string, Project>();
    for (;;) {
      const unknown = [...names].filter(([name]) => !found.has(name));
      for (const project of await this.#findByNames(unknown.map(([name]) => name))) found.set(project.name, project);
      const missing = unknown.filter(([name]) => !found.has(name));
      if (missing.length === 0) return found;
      for (const project of await this.#makeProjects(missing)) found.set(project.name, project);
      // What is missing still, another server has made.
    }
  }

  async #findByNames(names: readonly string[]): Promise<Project[]> {
    const found: Project[] = [];
    const unknown: string[] = [];
    for (const name of names) {
      const known = this.#projects.get(`name ${name}`);
      if (known && known.until > performance.now()) found.push(known.project);
      else unknown.push(name);
    }
    if (unknown.length === 0) return found;
    const { rows } = await this.#pool.query<Row>({
      name: 'projects by name',
      text: 'SELECT key, id, name FROM projects WHERE name = ANY($1::text[])',
      values: [toList(unknown)],
    });
    for (const project of rows as unknown as Project[]) this.#remember(project);
    return [...found, ...(rows as unknown as Project[])];
  }

  /** In one transaction. Resolves to those whose names were not taken. */
  async #makeProjects(names: readonly (readonly [name: string, index: number])[]): Promise<Project[]> {
    // In one order: another server may make the same ones.
    const sorted = names.toSorted(([left], [right]) => (left < right ? -1 : 1));
    const client = await this.#pool.connect();
    let made: (Project | undefined)[];
    try {
      [, ...made] = await allDone(
        sendAtOnce(client, () => [
          client.query('BEGIN') as Promise<never>,
          ...sorted.map(([name, index]) => insertProject(client, name, 'project').catch(rejectItem(index))),
        ]),
      );
      await commit(client);
      client.release();
    } catch (error) {
      await rollBack(client, error);
      throw error;
    }
    const projects = made.flatMap((project) => project ?? []);
    for (const project of projects) this.#remember(project);
    return projects;
  }

  forgetProjects(): void {
    this.#projects.clear();
  }

  /** Rows may be gone. */
  forgetAll(): void {
    this.#projects.clear();
    this.#forgetConfigs();
    this.#givenFeedback.clear();
  }

  #forgetConfigs(): void {
    // What is being made is remembered in the one before.
    this.#configs = new Map();
    this.#configsSince = performance.now();
  }

  /** Resolves to the keys of the configs, which are there then. */
  async useConfigs(configs: readonly { projectKey: number; row: ConfigRow }[]): Promise<Uuid[]> {
    const isOld = performance.now() - this.#configsSince > CONFIGS_MILLIS;
    if (isOld || this.#configs.size > MAX_REMEMBERED) this.#forgetConfigs();
    const known = this.#configs;
    const now = nextTimestamp();
    const keys = configs.map(({ projectKey, row }) => configKey(projectKey, row.content));
    const missing = new Map<Uuid, { projectKey: number; row: ConfigRow }>();
    for (const [index, key] of keys.entries()) if (!known.has(key)) missing.set(key, configs[index]!);
    if (missing.size > 0) await this.#makeConfigs(missing, known, now);
    const used = keys.map((key) => known.get(key) ?? key);
    for (const key of used) this.#usedConfigs.set(key, now);
    this.#schedule();
    return used;
  }

  async #makeConfigs(
    missing: ReadonlyMap<Uuid, { projectKey: number; row: ConfigRow }>,
    known: Map<Uuid, Uuid>,
    now: string,
  ): Promise<void> {
    const sorted = [...missing].sort(([left], [right]) => (left < right ? -1 : 1));
    await pipelined(
      this.#pool,
      sorted.map(([key, { projectKey, row }]) => ({
        name: 'insert config',
        text: `INSERT INTO configs (key, project, type, model, label, content, created_at, last_used)
          VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (key) DO NOTHING`,
        values: [key, projectKey, row.type, row.model, row.label, row.content, now],
      })),
    );
    const firstTypes = new Map<number, string>();
    for (const { projectKey, row } of missing.values()) {
      if (!firstTypes.has(projectKey)) firstTypes.set(projectKey, row.type);
    }
    await pipelined(
      this.#pool,
      [...firstTypes].map((values) => ({
        name: 'first config',
        text: 'UPDATE projects SET config_type = $2 WHERE key = $1 AND config_type IS NULL',
        values,
      })),
    );
    const moved = await this.#pool.query<Row>({
      name: 'moved configs',
      text: 'SELECT key, same_as FROM configs WHERE key = ANY($1::uuid[]) AND same_as IS NOT NULL',
      values: [[...missing.keys()]],
    });
    for (const key of missing.keys()) known.set(key, key);
    for (const row of moved.rows) known.set(row['key'] as Uuid, row['same_as'] as Uuid);
  }

  touchProject(key: number): void {
    this.#usedProjects.set(key, nextTimestamp());
    this.#schedule();
  }

  /** A project lists the types of feedback that its logs have, as many as an answer takes. */
  async giveFeedback(projectKey: number, types: Iterable<string>): Promise<void> {
    const missing = [...new Set(types)].filter((type) => !this.#givenFeedback.has(`${projectKey} ${type}`));
    if (missing.length === 0) return;
    await this.#pool.query(
      `UPDATE projects SET given_feedback = given_feedback || ARRAY(SELECT type FROM (
           SELECT type, row_number() OVER types AS place, sum(length(type)) OVER types AS characters
           FROM unnest($2::text[]) AS given (type) WHERE NOT given_feedback @> ARRAY[type] WINDOW types AS (ORDER BY type)
         ) AS missing WHERE place <= ${MAX_GIVEN} - cardinality(given_feedback)
           AND characters <= ${MAX_GIVEN_CHARACTERS} - length(array_to_string(given_feedback, '')))
       WHERE key = $1 AND NOT given_feedback @> $2::text[] AND cardinality(given_feedback) < ${MAX_GIVEN}`,
      [projectKey, missing],
    );
    if (this.#givenFeedback.size > MAX_REMEMBERED) this.#givenFeedback.clear();
    for (const type of missing) {
      if (type.length <= MAX_TYPE_CHARACTERS) this.#givenFeedback.add(`${projectKey} ${type}`);
    }
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // What could not be written is only a time of last use.
      void this.flush().catch(() => {});
    }, FLUSH_MILLIS).unref();
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const [projects, configs] = [[...this.#usedProjects].sort(), [...this.#usedConfigs].sort()];
    this.#usedProjects.clear();
    this.#usedConfigs.clear();
    await pipelined(this.#pool, [
      ...projects.map(([key, at]) => ({
        name: 'touch project',
        text: 'UPDATE projects SET updated_at = greatest(updated_at, $2) WHERE key = $1',
        values: [key, at],
      })),
      ...configs.map(([key, at]) => ({
        name: 'touch config',
        text: 'UPDATE configs SET last_used = greatest(last_used, $2) WHERE key = $1',
        values: [key, at],
      })),
    ]);
  }
}
