/** The operations of the v4 API, its description, and the health check. */
import { type Answer, empty, json } from '../http/answer.ts';
import { jsonBody } from '../http/body-format.ts';
import { invalid } from '../http/http-error.ts';
import type { Routes, Schema } from '../http/route.ts';
import { JSON_COLUMNS } from '../store/rows/log-row.ts';
import type { LogSelector, Store } from '../store/store.ts';
import { foundPage, foundStored, nameItemOf } from './answer-with.ts';
import { describeRoutes } from './description.ts';
import { logListParameters, pageParameters, required, requiredList } from './parameters.ts';
import { createProjectRoutes } from './project-routes.ts';
import { parseLogQuery, parsePage, requireValue } from './query-string.ts';
import { parseFeedbackRequests, parseLogRequests, parseLogUpdate } from './request-body.ts';
import { oneOrMany, schema } from './schemas.ts';

export interface V4Options {
  /** The most items in one array. */
  readonly maxItems: number;
  /** Where clients find the server, for its description: an address or a path. */
  readonly serverUrl: string;
}

/** A config is stored in another form, and found by its text. */
const LOGS_BODY = jsonBody({ storedFields: new Set([...JSON_COLUMNS, 'config']) });

export function createV4Routes(store: Store, options: V4Options): Routes {
  let described: Schema | undefined;
  const updateLog = async (selector: LogSelector, body: unknown): Promise<Answer> =>
    foundStored(await store.updateLog(selector, parseLogUpdate(body)).catch(nameItemOf(body)), 'log');

  const routes: Routes = {
    '/healthz': {
      GET: {
        needs: 'nothing',
        description: {
          summary: 'Says whether the server can read and write',
          answers: { 200: schema('Health'), 503: schema('Health') },
        },
        run: async () => {
          const health = await store.health();
          return json(health.status === 'ok' ? 200 : 503, health);
        },
      },
    },
    '/openapi.json': {
      GET: {
        needs: 'nothing',
        description: { summary: 'Describes what is served', answers: { 200: schema('Description') } },
        run: async () => {
          described ??= describeRoutes(routes, options.serverUrl);
          return json(200, described);
        },
      },
    },

    '/readyz': {
      GET: {
        needs: 'nothing',
        description: {
          summary: 'Says whether logs can be stored and read',
          answers: { 200: schema('Health'), 503: schema('Health') },
        },
        run: async () => {
          const readiness = await store.readiness();
          return json(readiness.status === 'ok' ? 200 : 503, readiness);
        },
      },
    },

    '/v4': {},
    '/v4/logs': {
      GET: {
        needs: 'read',
        description: {
          summary: 'Lists logs of a project',
          query: logListParameters,
          answers: { 200: schema('LogPage') },
        },
        run: async ({ query }) => foundPage(await store.listLogs(parseLogQuery(query))),
      },
      POST: {
        needs: 'write',
        description: {
          summary: 'Stores logs, all or none',
          body: oneOrMany('LogRequest'),
          answers: { 200: oneOrMany('CreatedLog') },
        },
        chooseFormat: () => LOGS_BODY,
        run: async ({ body }) => {
          const requests = await parseLogRequests(body, options.maxItems);
          const created = await store.createLogs(requests).catch(nameItemOf(body));
          return json(200, Array.isArray(body) ? created : created[0]);
        },
      },
      PATCH: {
        needs: 'write',
        description: {
          summary: 'Completes the log with a reference id',
          query: { reference_id: required },
          body: schema('LogUpdate'),
          answers: { 200: schema('Log') },
        },
        run: ({ query, body }) => updateLog({ referenceId: requireValue(query, 'reference_id') }, body),
      },
      DELETE: {
        needs: 'write',
        description: { summary: 'Deletes logs', query: { id: requiredList }, answers: { 204: undefined } },
        run: async ({ query }) => {
          const ids = query.getAll('id');
          if (ids.length === 0) throw invalid(['query', 'id'], 'field required', 'value_error.missing');
          await store.deleteLogs(ids);
          return empty();
        },
      },
    },
    '/v4/logs/:id': {
      GET: {
        needs: 'read',
        description: { summary: 'Reads a log', answers: { 200: schema('Log') } },
        run: async ({ id }) => foundStored(await store.getLog(id), 'log'),
      },
      PATCH: {
        needs: 'write',
        description: { summary: 'Completes a log', body: schema('LogUpdate'), answers: { 200: schema('Log') } },
        run: ({ id, body }) => updateLog({ id }, body),
      },
    },

    '/v4/sessions': {
      GET: {
        needs: 'read',
        description: {
          summary: 'Lists sessions of a project',
          query: { project_id: required, ...pageParameters(1, 10) },
          answers: { 200: schema('SessionPage') },
        },
        run: async ({ query }) => {
          const projectId = requireValue(query, 'project_id');
          return foundPage(await store.listSessions({ projectId, ...parsePage(query, 1, 10) }));
        },
      },
      POST: {
        needs: 'write',
        description: { summary: 'Makes a session', answers: { 201: schema('CreatedSession') } },
        run: async () => json(201, await store.createSession()),
      },
    },
    '/v4/sessions/:id': {
      GET: {
        needs: 'read',
        description: { summary: 'Reads a session', answers: { 200: schema('Session') } },
        run: async ({ id }) => foundStored(await store.getSession(id), 'session'),
      },
    },

    '/v4/feedback': {
      POST: {
        needs: 'write',
        description: {
          summary: 'Adds feedback to logs, or removes it',
          body: oneOrMany('FeedbackRequest'),
          answers: { 200: oneOrMany('Feedback') },
        },
        run: async ({ body }) => {
          const requests = parseFeedbackRequests(body, options.maxItems);
          const added = await store.addFeedback(requests).catch(nameItemOf(body));
          return json(200, Array.isArray(body) ? added : added[0]);
        },
      },
    },
    ...createProjectRoutes(store, options),
  };
  return routes;
}
