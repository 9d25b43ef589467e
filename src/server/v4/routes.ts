/** The operations of the v4 API, and the health check. */
import { type Answer, empty, json } from '../http/answer.ts';
import { HttpError, invalid } from '../http/http-error.ts';
import type { Routes } from '../http/route.ts';
import { RejectedFieldError, RejectedItemError } from '../store/rejected-item.ts';
import type { LogSelector, Store } from '../store/store.ts';
import { parseLogQuery, parsePage, parseProjectQuery, requireValue } from './query-string.ts';
import { parseFeedbackRequests, parseLogRequests, parseLogUpdate, parseProjectName } from './request-body.ts';

export interface RouteLimits {
  /** The most items in one array. */
  readonly maxItems: number;
}

export function createV4Routes(store: Store, limits: RouteLimits): Routes {
  const updateLog = async (selector: LogSelector, body: unknown): Promise<Answer> =>
    found(await store.updateLog(selector, parseLogUpdate(body)).catch(nameItemOf(body)), 'log');

  return {
    '/healthz': {
      GET: {
        needs: 'nothing',
        run: async () => {
          const health = await store.health();
          return json(health.status === 'ok' ? 200 : 503, health);
        },
      },
    },

    '/v4': {},
    '/v4/logs': {
      GET: { needs: 'read', run: async ({ query }) => found(await store.listLogs(parseLogQuery(query)), 'project') },
      POST: {
        needs: 'write',
        run: async ({ body }) => {
          const requests = parseLogRequests(body, limits.maxItems);
          const created = await store.createLogs(requests).catch(nameItemOf(body));
          return json(200, Array.isArray(body) ? created : created[0]);
        },
      },
      PATCH: {
        needs: 'write',
        run: ({ query, body }) => updateLog({ referenceId: requireValue(query, 'reference_id') }, body),
      },
      DELETE: {
        needs: 'write',
        run: async ({ query }) => {
          await store.deleteLogs(query.getAll('id'));
          return empty();
        },
      },
    },
    '/v4/logs/:id': {
      GET: { needs: 'read', run: async ({ id }) => found(await store.getLog(id), 'log') },
      PATCH: { needs: 'write', run: ({ id, body }) => updateLog({ id }, body) },
    },

    '/v4/sessions': {
      GET: {
        needs: 'read',
        run: async ({ query }) => {
          const projectId = requireValue(query, 'project_id');
          return found(await store.listSessions({ projectId, ...parsePage(query, 1, 10) }), 'project');
        },
      },
      POST: { needs: 'write', run: async () => json(201, await store.createSession()) },
    },
    '/v4/sessions/:id': {
      GET: { needs: 'read', run: async ({ id }) => found(await store.getSession(id), 'session') },
    },

    '/v4/projects': {
      GET: { needs: 'read', run: async ({ query }) => json(200, await store.listProjects(parseProjectQuery(query))) },
      POST: {
        needs: 'write',
        run: async ({ body }) => {
          const name = parseProjectName(body);
          const project = await store.createProject(name);
          if (!project) throw new HttpError(409, `a project named ${JSON.stringify(name)} exists`);
          return json(201, project);
        },
      },
    },
    '/v4/projects/:id': {
      GET: { needs: 'read', run: async ({ id }) => found(await store.getProject(id), 'project') },
      DELETE: {
        needs: 'write',
        run: async ({ id }) => {
          found(await store.deleteProject({ id }), 'project');
          return empty();
        },
      },
    },

    '/v4/feedback': {
      POST: {
        needs: 'write',
        run: async ({ body }) => {
          const requests = parseFeedbackRequests(body, limits.maxItems);
          const added = await store.addFeedback(requests).catch(nameItemOf(body));
          return json(200, Array.isArray(body) ? added : added[0]);
        },
      },
    },
  };
}

function found(body: unknown, what: string): Answer {
  if (body === undefined) throw new HttpError(404, `${what} not found`);
  return json(200, body);
}

/** Turns a rejection of the store into a 422. Its place has an index only where the client sent an array. */
function nameItemOf(body: unknown): (error: unknown) => never {
  return (error) => {
    if (error instanceof RejectedFieldError) throw invalid(['body', error.field], error.message);
    if (!(error instanceof RejectedItemError)) throw error;
    throw invalid(['body', ...(Array.isArray(body) ? [error.index] : []), error.field], error.message);
  };
}
