/** The operations on projects: their logs, configs and types of feedback. */
import { type Answer, empty, json, jsonText } from '../http/answer.ts';
import { HttpError, invalid } from '../http/http-error.ts';
import type { Routes } from '../http/route.ts';
import { nextHeavyTurn } from '../store/heavy-turns.ts';
import type { ProjectConfigResponse } from '../store/project-store.ts';
import { writeListJson } from '../store/rows/log-json.ts';
import type { Store } from '../store/store.ts';
import { found, foundPage, foundStored, nameItemOf } from './answer-with.ts';
import { optionalText, pageParameters, projectListParameters } from './parameters.ts';
import {
  parseDeployment,
  parseFeedbackType,
  parseFeedbackTypes,
  parseModelConfig,
  parseProjectName,
  parseProjectUpdate,
} from './project-body.ts';
import { parsePage, parseProjectQuery } from './query-string.ts';
import { listOf, schema } from './schemas.ts';

/** A project has one active config, which is what is deployed to the one environment that there is. */
const ENVIRONMENT = { environment_id: 'env_production', environment_name: 'production', environment_tag: 'default' };

export function createProjectRoutes(store: Store, { maxItems }: { readonly maxItems: number }): Routes {
  const { projects } = store;

  const readActive = async (id: string, query: URLSearchParams): Promise<ProjectConfigResponse> => {
    requireEnvironment(query.get('environment'));
    const active = await projects.getActiveConfig(id);
    if (active === undefined) throw new HttpError(404, 'project not found');
    if (active === null) throw new HttpError(404, 'the project has no active config');
    return active;
  };

  const listDeployed = async (id: string): Promise<Answer> => {
    const project = await store.getProject(id);
    if (!project) throw new HttpError(404, 'project not found');
    // All of it is parsed.
    await nextHeavyTurn();
    const { config } = project.active_config ?? {};
    return json(200, [
      {
        ...{ project_id: project.id, project_name: project.name, ...ENVIRONMENT },
        ...(config && { model_config_id: config.id }),
        ...(typeof config?.['name'] === 'string' && { model_config_name: config['name'] }),
      },
    ]);
  };

  return {
    '/v4/projects': {
      GET: {
        needs: 'read',
        description: {
          summary: 'Lists projects',
          query: projectListParameters,
          answers: { 200: schema('ProjectPage') },
        },
        run: async ({ query }) => foundPage(await store.listProjects(parseProjectQuery(query))),
      },
      POST: {
        needs: 'write',
        description: {
          summary: 'Makes a project',
          body: schema('ProjectRequest'),
          answers: { 201: schema('Project') },
        },
        run: async ({ body }) => {
          const name = parseProjectName(body);
          const project = await store.createProject(name).catch(nameItemOf(body));
          if (!project) throw new HttpError(409, `a project named ${JSON.stringify(name)} exists`);
          return json(201, project);
        },
      },
    },
    '/v4/projects/:id': {
      GET: {
        needs: 'read',
        description: { summary: 'Reads a project', answers: { 200: schema('Project') } },
        run: async ({ id }) => foundStored(await store.getProject(id), 'project'),
      },
      PATCH: {
        needs: 'write',
        description: {
          summary: 'Renames a project, or sets its active config',
          body: schema('ProjectUpdate'),
          answers: { 200: schema('Project') },
        },
        run: async ({ id, body }) =>
          foundStored(await projects.update(id, parseProjectUpdate(body)).catch(nameItemOf(body)), 'project'),
      },
      DELETE: {
        needs: 'write',
        description: { summary: 'Deletes a project with all its logs', answers: { 204: undefined } },
        run: async ({ id }) => {
          found(await store.deleteProject({ id }), 'project');
          return empty();
        },
      },
    },
    '/v4/projects/:id/export': {
      POST: {
        needs: 'read',
        description: {
          summary: 'Lists all logs of a project, newest first',
          query: pageParameters(0, 10),
          answers: { 200: schema('LogPage') },
        },
        run: async ({ id, query }) => {
          const page = parsePage(query, 0, 10);
          const filters = { sources: [], models: [], feedback: new Map<string, string[]>(), sort: [] };
          const logs = await store.listLogs({ ...page, ...filters, projectId: id });
          // Whoever exports wants all of them: a list that leaves some out would be taken for the whole.
          if (logs && logs.records.length < Math.min(page.size, logs.total - page.page * page.size)) {
            throw invalid(['query', 'size'], 'the logs are too large for one page of this size: ask for a smaller one');
          }
          return foundPage(logs);
        },
      },
    },
    '/v4/projects/:id/configs': {
      GET: {
        needs: 'read',
        description: {
          summary: 'Lists the configs of a project, those used last first',
          query: { evaluation_aggregates: { schema: { type: 'boolean' }, description: 'Has no effect here.' } },
          answers: { 200: listOf('ProjectConfig') },
        },
        run: async ({ id }) => {
          const configs = await projects.listConfigs(id);
          if (!configs) throw new HttpError(404, 'project not found');
          return jsonText(200, await writeListJson(configs));
        },
      },
    },
    '/v4/projects/:id/active-config': {
      GET: {
        needs: 'read',
        description: {
          summary: 'Reads the active config of a project',
          query: { environment: optionalText },
          answers: { 200: schema('ActiveConfig') },
        },
        run: async ({ id, query }) =>
          foundStored(
            Object.assign(await readActive(id, query), { environment_id: ENVIRONMENT.environment_id }),
            'config',
          ),
      },
      DELETE: {
        needs: 'write',
        description: {
          summary: 'Leaves a project without an active config',
          query: { environment: optionalText },
          answers: { 200: schema('Project') },
        },
        run: async ({ id, query }) => {
          requireEnvironment(query.get('environment'));
          return foundStored(await projects.clearActiveConfig(id), 'project');
        },
      },
    },
    '/v4/projects/:id/deployed-configs': {
      GET: {
        needs: 'read',
        description: {
          summary: 'Lists the environments with their configs',
          answers: { 200: listOf('DeployedConfig') },
        },
        run: async ({ id }) => listDeployed(id),
      },
    },
    '/v4/projects/:id/deploy-config': {
      PATCH: {
        needs: 'write',
        description: {
          summary: 'Sets the active config of a project',
          body: schema('DeployRequest'),
          answers: { 200: listOf('DeployedConfig') },
        },
        run: async ({ id, body }) => {
          const { configId, environmentIds } = parseDeployment(body);
          if (environmentIds.some((environment) => environment !== ENVIRONMENT.environment_id)) {
            throw invalid(['body', 'environments'], `the one environment is ${ENVIRONMENT.environment_id}`);
          }
          const isThere = await projects.update(id, { activeConfigId: configId }).catch((error: unknown) => {
            if ((error as { field?: string }).field !== 'active_config_id') throw error;
            throw invalid(['body', 'config_id'], (error as Error).message);
          });
          if (!isThere) throw new HttpError(404, 'project not found');
          return listDeployed(id);
        },
      },
    },
    '/v4/projects/:id/feedback-types': {
      POST: {
        needs: 'write',
        description: {
          summary: 'Defines a type of feedback',
          body: schema('FeedbackTypeRequest'),
          answers: { 201: schema('FeedbackType') },
        },
        run: async ({ id, body }) => {
          const types = [parseFeedbackType(body)];
          const defined = await projects.defineFeedbackTypes(id, types, { areNew: true }).catch(nameItemOf(body));
          if (!defined) throw new HttpError(404, 'project not found');
          return json(201, defined[0]);
        },
      },
      PATCH: {
        needs: 'write',
        description: {
          summary: 'Defines types of feedback, or adds values to them',
          body: listOf('FeedbackTypeRequest'),
          answers: { 200: listOf('FeedbackType') },
        },
        run: async ({ id, body }) => {
          const types = parseFeedbackTypes(body, maxItems);
          return found(
            await projects.defineFeedbackTypes(id, types, { areNew: false }).catch(nameItemOf(body)),
            'project',
          );
        },
      },
    },

    '/v4/model-configs': {
      POST: {
        needs: 'write',
        description: {
          summary: 'Registers a model config to a project',
          body: schema('ModelConfigRequest'),
          answers: { 200: schema('ProjectConfig') },
        },
        run: async ({ body }) => {
          const { project, config } = await parseModelConfig(body);
          return foundStored(await projects.registerConfig(project, config).catch(nameItemOf(body)), 'model config');
        },
      },
    },
    '/v4/model-configs/:id': {
      GET: {
        needs: 'read',
        description: { summary: 'Reads a model config', answers: { 200: schema('Config') } },
        run: async ({ id }) => {
          const config = await projects.getConfig(id);
          if (config?.type !== 'model') throw new HttpError(404, 'model config not found');
          return jsonText(200, config.json);
        },
      },
    },
  };
}

/** Without a name, the default one is meant. */
function requireEnvironment(name: string | null): void {
  if (!name || name === ENVIRONMENT.environment_name) return;
  throw new HttpError(404, `the one environment is ${JSON.stringify(ENVIRONMENT.environment_name)}`);
}
