/** What projects have besides logs. */
import { randomUUID } from 'node:crypto';
import type { SqliteRow, SqliteValue } from '../../../sqlite/open.ts';
import type { SqliteReader } from '../../../sqlite/reader-threads.ts';
import { type Prepare, prepareAll } from '../../../sqlite/statement-cache.ts';
import {
  limitFeedbackTypes,
  MAX_CONFIGS,
  MAX_FEEDBACK_TYPES,
  mergeFeedbackType,
  type StoredFeedbackType,
  toFeedbackType,
} from '../feedback-types.ts';
import { nextHeavyTurn } from '../heavy-turns.ts';
import { newIdentifier } from '../identifiers.ts';
import { createOneAtATime } from '../one-at-a-time.ts';
import type {
  FeedbackTypeDefinition,
  FeedbackTypeResponse,
  ProjectResponse,
  ProjectSelector,
  ProjectStore,
} from '../project-store.ts';
import { mapItems, NameTakenError, RejectedFieldError } from '../rejected-item.ts';
import { prepareConfig, toConfigJson, toProjectConfig } from '../rows/config-response.ts';
import { toConfigRow } from '../rows/config-row.ts';
import { storableText } from '../storable-text.ts';
import { timestampNow } from '../timestamps.ts';
import type { Statements } from './writing/statements.ts';
import { useConfig } from './writing/use-config.ts';

/** A config with what its project says of it. */
const READ_CONFIG = `SELECT configs.key, configs.type, configs.id AS config_id, configs.content AS config,
    configs.created_at AS config_created_at, configs.last_used AS config_last_used, projects.id AS project_id,
    projects.name AS project
  FROM configs JOIN projects ON projects.key = configs.project_key WHERE configs.key = ?`;
/** A larger one is read on another thread. */
const LARGE_BYTES = 128 * 1024;
const LIST_CONFIGS = `SELECT key FROM configs WHERE project_key = ? ORDER BY last_used DESC, key DESC LIMIT ${MAX_CONFIGS}`;

const SQL = {
  renameProject: `UPDATE projects SET name = :name, updated_at = :now WHERE key = :key`,
  /** Sessions are found by the name of their project. */
  forgetFacet: `DELETE FROM session_facets WHERE facet_key = (SELECT key FROM facets WHERE kind = 'project' AND value = ?)`,
  deleteFacet: `DELETE FROM facets WHERE kind = 'project' AND value = ?`,
  renameFacet: `UPDATE facets SET value = :name WHERE kind = 'project' AND value = :old`,
  interruptIndex: `UPDATE last_index_slice SET slice = ?`,
  findConfigById: `SELECT key, project_key FROM configs WHERE id = ?`,
  sizeOfConfig: `SELECT octet_length(content) AS bytes FROM configs WHERE key = ?`,
  readConfig: READ_CONFIG,
  readActiveConfig: `SELECT projects.key AS project_key, active_config_key FROM projects WHERE id = ?`,
  activateConfig: `UPDATE projects SET active_config_key = :config_key, updated_at = :now WHERE key = :key`,
  registerConfig: `UPDATE configs SET is_registered = 1 WHERE key = ?`,
  activateFirstConfig: `UPDATE projects SET active_config_key = :config_key WHERE key = :key AND active_config_key IS NULL
    AND NOT EXISTS (SELECT 1 FROM configs WHERE project_key = :key AND key <> :config_key)`,
  readFeedbackType: `SELECT type, class, labels FROM feedback_types WHERE project_key = ? AND type = ?`,
  /** Without the type that is changed. */
  measureFeedbackTypes: `SELECT count(*) AS count, coalesce(sum(octet_length(type) + octet_length(labels)), 0) AS bytes
    FROM feedback_types WHERE project_key = ? AND type <> ?`,
  saveFeedbackType: `INSERT INTO feedback_types (project_key, type, class, labels)
    VALUES (:project_key, :type, :class, :labels)
    ON CONFLICT (project_key, type) DO UPDATE SET class = :class, labels = :labels`,
} as const;

export interface ProjectStoreParts {
  /** On the connection for writes, and on that for reads. */
  readonly prepareWrite: Prepare;
  readonly prepare: Prepare;
  /** On the connection for writes. */
  readonly statements: Statements;
  readonly reader: SqliteReader;
  readonly inTurn: <Result>(work: () => Result | Generator<void, Result>) => Promise<Result>;
  /** Called when a project has another name on disk. */
  readonly onRenamed: () => void;
  readonly readProject: (id: string) => Promise<ProjectResponse | undefined>;
  /** Reads rows by their keys until they are too many for one answer. */
  readonly readWithin: <Item>(
    keys: readonly SqliteRow[],
    readRow: (key: SqliteValue) => Promise<SqliteRow | undefined>,
    toItem: (row: SqliteRow) => Item,
  ) => Promise<Item[]>;
}

export interface SqliteProjectStore extends ProjectStore {
  /** Resolves to the row of a config by its key, for the project that it is the active one of. It is prepared. */
  readConfigRow(key: SqliteValue): Promise<SqliteRow | undefined>;
}

export function createProjectStore(parts: ProjectStoreParts): SqliteProjectStore {
  const { statements, reader, inTurn, onRenamed, readProject, readWithin } = parts;
  const writes = prepareAll(parts.prepareWrite, SQL);
  const reads = prepareAll(parts.prepare, SQL);
  const findKey = (id: string): SqliteValue | undefined => statements.findProjectById.get(id)?.['key'];

  const rename = (project: SqliteRow, givenName: string): void => {
    const name = storableText(givenName);
    const old = project['name'] as string;
    if (name === old) return;
    if (statements.findProjectByName.get(name)) {
      throw new NameTakenError(`a project named ${JSON.stringify(givenName)} exists`);
    }
    writes.renameProject.run({ key: project['key']!, name, now: timestampNow() });
    // One that is left over from a project that had this name before.
    writes.forgetFacet.run(name);
    writes.deleteFacet.run(name);
    writes.renameFacet.run({ name, old });
    // A slice of the index that was read before would bring the old name back.
    writes.interruptIndex.run(randomUUID());
  };

  const activate = (key: SqliteValue, configId: string): void => {
    const config = writes.findConfigById.get(configId);
    if (config?.['project_key'] !== key) throw new RejectedFieldError('active_config_id', 'config not found');
    writes.activateConfig.run({ key, config_key: config['key']!, now: timestampNow() });
  };

  const findOrMake = (project: ProjectSelector): SqliteValue => {
    if ('id' in project) {
      const key = findKey(project.id);
      if (key === undefined) throw new RejectedFieldError('project_id', 'project not found');
      return key;
    }
    const [name, now] = [storableText(project.name), timestampNow()];
    const found =
      statements.findProjectByName.get(name) ?? statements.insertProject.get(newIdentifier('pr'), name, now, now);
    return found!['key']!;
  };

  const define = (projectKey: SqliteValue, given: FeedbackTypeDefinition, isNew: boolean): FeedbackTypeResponse => {
    const type = storableText(given.type);
    const row = writes.readFeedbackType.get(projectKey, type);
    if (row && isNew) throw new NameTakenError(`the feedback type ${JSON.stringify(given.type)} exists`);
    const others = writes.measureFeedbackTypes.get(projectKey, type)!;
    if (!row && Number(others['count']) >= MAX_FEEDBACK_TYPES) {
      throw new RejectedFieldError('type', `the project has ${MAX_FEEDBACK_TYPES} feedback types, and takes no more`);
    }
    const merged = mergeFeedbackType(given, type, row && toStoredType(row));
    const labels = JSON.stringify(merged.labels);
    limitFeedbackTypes(Number(others['bytes']) + Buffer.byteLength(type) + Buffer.byteLength(labels));
    writes.saveFeedbackType.run({ project_key: projectKey, type, class: merged.class, labels });
    return toFeedbackType(merged);
  };

  const alone = createOneAtATime();
  const readConfigRow = async (key: SqliteValue): Promise<SqliteRow | undefined> => {
    const isLarge = Number(reads.sizeOfConfig.get(key)?.['bytes'] ?? 0) > LARGE_BYTES;
    if (!isLarge) return reads.readConfig.get(key);
    return alone(async () => {
      const [row] = await reader.all(READ_CONFIG, [key]);
      if (row) await prepareConfig(row);
      return row;
    });
  };

  return {
    readConfigRow,

    update: async (id, { name, activeConfigId }) => {
      const isKnown = await inTurn(() => {
        const project = statements.findProjectById.get(id);
        if (!project) return false;
        if (name !== undefined) rename(project, name);
        if (activeConfigId !== undefined) activate(project['key']!, activeConfigId);
        return true;
      });
      if (isKnown && name !== undefined) onRenamed();
      return isKnown ? readProject(id) : undefined;
    },

    registerConfig: async (project, config) => {
      await nextHeavyTurn();
      const row = toConfigRow({ ...config, type: 'model' });
      const registered = await inTurn(() => {
        const key = findOrMake(project);
        const configKey = useConfig(statements, key, row, timestampNow());
        writes.registerConfig.run(configKey);
        writes.activateFirstConfig.run({ key, config_key: configKey });
        return configKey;
      });
      const stored = await readConfigRow(registered);
      // It was deleted meanwhile, with its project.
      if (!stored) throw new RejectedFieldError('project_id', 'project not found');
      return toProjectConfig(stored);
    },

    getConfig: async (id) => {
      const found = reads.findConfigById.get(id);
      const row = found && (await readConfigRow(found['key']!));
      return row && { type: row['type'] as string, json: toConfigJson(row) };
    },

    listConfigs: async (id) => {
      const project = reads.readActiveConfig.get(id);
      if (!project) return undefined;
      const keys = await reader.all(LIST_CONFIGS, [project['project_key']!]);
      return await readWithin(keys, readConfigRow, toProjectConfig);
    },

    getActiveConfig: async (id) => {
      const project = reads.readActiveConfig.get(id);
      if (!project) return undefined;
      const key = project['active_config_key']!;
      const row = key === null ? undefined : await readConfigRow(key);
      return row ? toProjectConfig(row) : null;
    },

    clearActiveConfig: async (id) => {
      await inTurn(() => {
        const project = writes.readActiveConfig.get(id);
        if (!project || project['active_config_key'] === null) return;
        writes.activateConfig.run({ key: project['project_key']!, config_key: null, now: timestampNow() });
      });
      return readProject(id);
    },

    defineFeedbackTypes: (id, types, { areNew }) =>
      inTurn(function* () {
        const key = findKey(id);
        return key === undefined ? undefined : yield* mapItems(types, (type) => define(key, type, areNew));
      }),
  };
}

function toStoredType(row: SqliteRow): StoredFeedbackType {
  return {
    type: row['type'] as string,
    class: row['class'] as StoredFeedbackType['class'],
    labels: JSON.parse(row['labels'] as string),
  };
}
