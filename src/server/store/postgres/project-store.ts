/** Projects, and what they have besides logs. Their rows are few, and are changed in short transactions of their own. */
import type pg from 'pg';
import {
  boundGiven,
  limitFeedbackTypes,
  MAX_CONFIGS,
  MAX_FEEDBACK_TYPES,
  mergeFeedbackType,
  type StoredFeedbackType,
  toFeedbackType,
} from '../feedback-types.ts';
import type { FeedbackTypeDefinition, ProjectResponse, ProjectStore } from '../project-store.ts';
import { NameTakenError, RejectedFieldError, RejectedItemError } from '../rejected-item.ts';
import { prepareConfig, toConfigJson, toProjectConfig, toProjectConfigJson } from '../rows/config-response.ts';
import { toConfigRow } from '../rows/config-row.ts';
import { addStoredFields } from '../rows/log-json.ts';
import { countCharacters } from '../rows/row-size.ts';
import { storableText } from '../storable-text.ts';
import type { Catalog } from './tables/catalog.ts';
import type { Connections, Row } from './tables/connection.ts';
import { nextTimestamp } from './tables/identifiers.ts';
import { fromId, toId, type Uuid } from './tables/keys.ts';
import { withProjectName } from './tables/project-rows.ts';
import { MAX_OVERTAKEN, pause, RepeatTurn } from './tables/repeat-turn.ts';

/** In all configs of one answer. */
const MAX_CHARACTERS = 4 * 1024 * 1024;
/** Counting the logs of a project stops there. */
const MAX_COUNTED = 1_000_000;
const UNIQUE_VIOLATION = '23505';

export interface PostgresProjectStore extends ProjectStore {
  toProjects(rows: readonly Row[]): Promise<ProjectResponse[]>;
  readProject(id: string): Promise<ProjectResponse | undefined>;
}

export function createProjectStore({ reads, writes }: Connections, catalog: Catalog): PostgresProjectStore {
  const readConfigs = async (keys: readonly Uuid[]): Promise<Row[]> => {
    const { rows } = await reads.query<Row>(
      `SELECT configs.key, configs.project AS project_key, configs.type, content AS config,
        configs.created_at AS config_created_at, last_used AS config_last_used, projects.id AS project_id, projects.name AS project
       FROM configs JOIN projects ON projects.key = configs.project WHERE configs.key = ANY($1::uuid[])`,
      [keys],
    );
    const configs = rows.map((row): Row => ({ ...row, config_id: toId('config', row['key'] as Uuid) }));
    for (const row of configs) await prepareConfig(row as never);
    return configs;
  };
  const readConfig = async (key: Uuid): Promise<Row | undefined> => (await readConfigs([key]))[0];

  const toProjects = async (rows: readonly Row[]): Promise<ProjectResponse[]> => {
    const projects: ProjectResponse[] = [];
    let characters = 0;
    for (const row of rows) {
      const active = row['active_config'] as Uuid | null;
      const config = active === null ? undefined : await readConfig(active);
      characters += countCharacters(row as never) + (config ? (config['config'] as string).length : 0);
      if (projects.length > 0 && characters > MAX_CHARACTERS) break;
      projects.push(toProject(row, await countLogs(reads, row['key'] as number), config));
    }
    return projects;
  };

  const findRow = async (id: string): Promise<Row | undefined> =>
    (await reads.query<Row>('SELECT * FROM projects WHERE id = $1', [storableText(id)])).rows[0];

  const readProject = async (id: string): Promise<ProjectResponse | undefined> => {
    await catalog.flush();
    const row = await findRow(id);
    return row && (await toProjects([row]))[0];
  };

  /** The project's row is locked. */
  const change = async <Result>(id: string, work: (client: pg.ClientBase, row: Row) => Promise<Result>) => {
    const client = await writes.connect();
    try {
      await client.query('BEGIN');
      const { rows } = await client.query<Row>('SELECT * FROM projects WHERE id = $1 FOR UPDATE', [storableText(id)]);
      const result = rows[0] && (await work(client, rows[0]));
      await client.query('COMMIT');
      client.release();
      return result;
    } catch (error) {
      await client.query('ROLLBACK').then(
        () => client.release(),
        () => client.release(true),
      );
      throw error;
    } finally {
      catalog.forgetProjects();
    }
  };

  return {
    toProjects,
    readProject,

    update: async (id, { name, activeConfigId }) => {
      const key = activeConfigId === undefined ? undefined : fromId('config', activeConfigId);
      const config = key === undefined ? undefined : await readConfig(key);
      const isKnown = await change(id, async (client, row) => {
        if (activeConfigId !== undefined && config?.['project_key'] !== row['key']) {
          throw new RejectedFieldError('active_config_id', 'config not found');
        }
        const given = name === undefined ? (row['name'] as string) : storableText(name);
        const active = key ?? (row['active_config'] as Uuid | null);
        if (given === row['name'] && active === row['active_config']) return true;
        const values = [row['key'], given, active, nextTimestamp()];
        const text = 'UPDATE projects SET name = $2, active_config = $3, updated_at = $4 WHERE key = $1';
        await withProjectName('name', given, client.query(text, values)).catch((error: unknown) => {
          if ((error as { code?: string }).code !== UNIQUE_VIOLATION) throw error;
          throw new NameTakenError(`a project named ${JSON.stringify(name)} exists`);
        });
        return true;
      });
      return isKnown ? readProject(id) : undefined;
    },

    registerConfig: async (selector, config) => {
      const row = toConfigRow({ ...config, type: 'model' });
      for (let attempt = 1; ; attempt += 1) {
        const name = 'id' in selector ? undefined : storableText(selector.name);
        const found = await catalog.lookUpProject(name === undefined ? selector : { name });
        const project = found ?? (name === undefined ? undefined : await catalog.findOrMakeProject(name, 'project'));
        if (!project) throw new RejectedFieldError('project_id', 'project not found');
        const [key] = await catalog.useConfigs([{ projectKey: project.key, row }]);
        const { rows } = await reads.query(
          'SELECT 1 FROM configs WHERE project = $1 AND key <> $2::uuid AND same_as IS NULL LIMIT 1',
          [...[project.key, key]],
        );
        if (rows.length === 0) {
          await writes.query('UPDATE projects SET active_config = $2::uuid WHERE key = $1 AND active_config IS NULL', [
            ...[project.key, key],
          ]);
        }
        await catalog.flush();
        const stored = await readConfig(key!);
        if (stored) return toProjectConfig(stored as never);
        // Another server has deleted the project.
        catalog.forgetAll();
        if (attempt > MAX_OVERTAKEN) throw new RepeatTurn('a project was deleted');
        await pause(attempt);
      }
    },

    getConfig: async (id) => {
      const key = fromId('config', id);
      const row = key === undefined ? undefined : await readConfig(key);
      return row && { type: row['type'] as string, json: toConfigJson(row as never) };
    },

    listConfigs: async (id) => {
      const project = await findRow(id);
      if (!project) return undefined;
      await catalog.flush();
      const { rows } = await reads.query<Row>(
        `SELECT key, length(content) AS characters FROM configs WHERE project = $1 AND same_as IS NULL
         ORDER BY last_used DESC, key DESC LIMIT ${MAX_CONFIGS}`,
        [project['key']],
      );
      let characters = 0;
      const within = rows.filter((row, index) => {
        characters += row['characters'] as number;
        return index === 0 || characters <= MAX_CHARACTERS;
      });
      const keys = within.map((row) => row['key'] as Uuid);
      const found = new Map((await readConfigs(keys)).map((row) => [row['key'] as Uuid, row]));
      return keys.flatMap((key) => (found.has(key) ? [toProjectConfig(found.get(key) as never)] : []));
    },

    getActiveConfig: async (id) => {
      const project = await findRow(id);
      if (!project) return undefined;
      const key = project['active_config'] as Uuid | null;
      const row = key === null ? undefined : await readConfig(key);
      return row ? toProjectConfig(row as never) : null;
    },

    clearActiveConfig: async (id) => {
      await change(id, async (client, row) => {
        if (row['active_config'] === null) return;
        const values = [row['key'], nextTimestamp()];
        await client.query('UPDATE projects SET active_config = NULL, updated_at = $2 WHERE key = $1', values);
      });
      return readProject(id);
    },

    defineFeedbackTypes: (id, types, { areNew }) =>
      change(id, async (client, row) => {
        const stored = new Map(storedTypes(row).map((type) => [type.type, type]));
        let bytes = Buffer.byteLength(row['feedback_types'] as string);
        const answers = types.map((type, index) => {
          try {
            const { before, after } = define(stored, type, areNew);
            bytes += bytesOf(after) - bytesOf(before);
            limitFeedbackTypes(bytes);
            return toFeedbackType(after);
          } catch (error) {
            if (!(error instanceof RejectedFieldError)) throw error;
            throw new RejectedItemError(index, error.field, error.message);
          }
        });
        const values = [row['key'], JSON.stringify([...stored.values()])];
        await client.query('UPDATE projects SET feedback_types = $2 WHERE key = $1', values);
        return answers;
      }),
  };
}

function define(
  stored: Map<string, StoredFeedbackType>,
  given: FeedbackTypeDefinition,
  isNew: boolean,
): { before: StoredFeedbackType | undefined; after: StoredFeedbackType } {
  const type = storableText(given.type);
  const known = stored.get(type);
  if (known && isNew) throw new NameTakenError(`the feedback type ${JSON.stringify(given.type)} exists`);
  if (!known && stored.size >= MAX_FEEDBACK_TYPES) {
    throw new RejectedFieldError('type', `the project has ${MAX_FEEDBACK_TYPES} feedback types, and takes no more`);
  }
  const after = mergeFeedbackType(given, type, known);
  stored.set(type, after);
  return { before: known, after };
}

function bytesOf(type: StoredFeedbackType | undefined): number {
  return type ? Buffer.byteLength(JSON.stringify(type)) : 0;
}

function storedTypes(row: Row): StoredFeedbackType[] {
  return JSON.parse(row['feedback_types'] as string);
}

async function countLogs(pool: pg.Pool, project: number): Promise<number> {
  const { rows } = await pool.query<Row>({
    name: 'count logs of project',
    text: `SELECT count(*) AS total FROM (SELECT 1 FROM logs WHERE project = $1 LIMIT ${MAX_COUNTED}) AS counted`,
    values: [project],
  });
  return rows[0]!['total'] as number;
}

function toProject(row: Row, logs: number, activeConfig: Row | undefined): ProjectResponse {
  const defined = storedTypes(row);
  const names = new Set(defined.map(({ type }) => type));
  const given = boundGiven((row['given_feedback'] as string[]).filter((type) => !names.has(type)).sort());
  const project: ProjectResponse = {
    ...{ id: row['id'] as string, name: row['name'] as string, users: [], data_count: logs },
    feedback_types: [...defined.map(toFeedbackType), ...given.map((type) => ({ type }))],
    team_id: 'tm_local',
    ...(row['config_type'] !== null && { config_type: row['config_type'] as string }),
    ...{ created_at: row['created_at'] as string, updated_at: row['updated_at'] as string },
  };
  const config = activeConfig && new Map([['active_config', toProjectConfigJson(activeConfig as never)]]);
  if (config) addStoredFields(project, config);
  return project;
}
