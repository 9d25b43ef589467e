/** The operations of the v4 API: data in, data out. Each path lists its methods; http.ts does the rest. */
import { HttpError, invalid } from '../http/http-error.ts';
import { type LogSelector, RejectedItemError, type Store } from '../store/store.ts';
import { parseLogQuery, parsePage, parseProjectQuery, requireValue } from './query-string.ts';
import { parseFeedbackRequests, parseLogRequests, parseLogUpdate, parseProjectName } from './request-body.ts';

interface ApiRequest {
  /** The path's `:id`, decoded. */
  readonly id: string;
  readonly query: URLSearchParams;
  /** Parsed JSON; `undefined` where there was no body. */
  readonly body: unknown;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type ApiMethod = 'GET' | 'POST' | 'PATCH' | 'DELETE';
export type Handler = (request: ApiRequest) => Promise<ApiAnswer>;
/** From path, with `:id` for one segment, to its operations. */
export type Routes = Readonly<Record<string, Partial<Record<ApiMethod, Handler>>>>;

export interface RouteLimits {
  /** Items in one array. */
  readonly maxItems: number;
}

export function createRoutes(store: Store, limits: RouteLimits): Routes {
  const updateLog = async (selector: LogSelector, body: unknown): Promise<ApiAnswer> =>
    ok(await store.updateLog(selector, parseLogUpdate(body)), 'log');

  return {
    '/healthz': { GET: async () => ({ status: 200, body: { status: 'ok' } }) },

    '/v4/logs': {
      GET: async ({ query }) => ok(await store.listLogs(parseLogQuery(query)), 'project'),
      POST: async ({ body }) => {
        const requests = parseLogRequests(body, limits.maxItems);
        const created = await store.createLogs(requests).catch(nameItemOf(body));
        return { status: 200, body: Array.isArray(body) ? created : created[0] };
      },
      PATCH: async ({ query, body }) => updateLog({ referenceId: requireValue(query, 'reference_id') }, body),
      DELETE: async ({ query }) => {
        await store.deleteLogs(query.getAll('id'));
        return { status: 204 };
      },
    },
    '/v4/logs/:id': {
      GET: async ({ id }) => ok(await store.getLog(id), 'log'),
      PATCH: async ({ id, body }) => updateLog({ id }, body),
    },

    '/v4/sessions': {
      GET: async ({ query }) => {
        const projectId = requireValue(query, 'project_id');
        return ok(await store.listSessions({ projectId, ...parsePage(query, 1, 10) }), 'project');
      },
      POST: async () => ({ status: 201, body: await store.createSession() }),
    },
    '/v4/sessions/:id': { GET: async ({ id }) => ok(await store.getSession(id), 'session') },

    '/v4/projects': {
      GET: async ({ query }) => ok(await store.listProjects(parseProjectQuery(query)), 'project'),
      POST: async ({ body }) => {
        const name = parseProjectName(body);
        const project = await store.createProject(name);
        if (!project) throw new HttpError(409, `a project named ${JSON.stringify(name)} exists`);
        return { status: 201, body: project };
      },
    },
    '/v4/projects/:id': { GET: async ({ id }) => ok(await store.getProject(id), 'project') },

    '/v4/feedback': {
      POST: async ({ body }) => {
        const requests = parseFeedbackRequests(body, limits.maxItems);
        const added = await store.addFeedback(requests).catch(nameItemOf(body));
        return { status: 200, body: Array.isArray(body) ? added : added[0] };
      },
    },
  };
}

function ok(body: unknown, what: string): ApiAnswer {
  if (body === undefined) throw new HttpError(404, `${what} not found`);
  return { status: 200, body };
}

/** What the store rejects is a 422 like any other; its place has an index only where the client sent an array. */
function nameItemOf(body: unknown): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof RejectedItemError)) throw error;
    throw invalid(['body', ...(Array.isArray(body) ? [error.index] : []), error.field], error.message);
  };
}
