/** The OpenAPI description of what is served, made from the routes and the schemas that requests are checked with. */
import type { OperationDescription, Routes, Schema } from '../http/route.ts';
import { describeSchemas, schema } from './schemas.ts';

const FAULTS = {
  400: 'The request cannot be read',
  401: 'The API key is missing or not valid',
  403: 'The host, or the page that the request is from, is refused',
  404: 'There is no such thing, or the operation is not served here',
  409: 'The name is taken',
  413: 'The body is too large',
  415: 'The content encoding is not supported',
  422: 'A value is missing or not valid: the detail lists where and why',
  503: 'The server has too much to do: try again after the time in Retry-After',
} as const;

/** @param serverUrl where the server is; relative, or the public address. */
export function describeRoutes(routes: Routes, serverUrl: string): Schema {
  const paths: Record<string, Record<string, Schema>> = {};
  for (const [path, route] of Object.entries(routes)) {
    for (const [method, { needs, description }] of Object.entries(route)) {
      if (!description) continue;
      const name = path.replaceAll(':id', '{id}');
      paths[name] ??= {};
      paths[name][method.toLowerCase()] = describe(name, method, description, needs !== 'nothing');
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'humanloop-otel server',
      description: 'The operations of the Humanloop v4 API that this server has.',
      version: '4.0.1',
    },
    servers: [{ url: serverUrl }],
    paths,
    components: {
      schemas: describeSchemas(),
      securitySchemes: { apiKey: { type: 'apiKey', in: 'header', name: 'X-API-KEY' } },
    },
  };
}

function describe(path: string, method: string, description: OperationDescription, needsKey: boolean): Schema {
  const { summary, query = {}, body, answers } = description;
  const parameters = Object.entries(query).map(([name, { schema: type, isRequired = false, description: text }]) => ({
    ...{ name, in: 'query', required: isRequired, schema: type },
    ...(text !== undefined && { description: text }),
  }));
  const id = { name: 'id', in: 'path', required: true, schema: { type: 'string' } };
  const faults = Object.entries(FAULTS).map(([status, text]) => [status, toAnswer(text, schema('Fault'))]);
  const successes = Object.entries(answers).map(([status, type]) => [status, toAnswer(summary, type)]);
  return {
    summary,
    operationId: `${method.toLowerCase()}${path.replaceAll(/[^A-Za-z0-9]+/g, '_').replace(/_$/, '')}`,
    parameters: [...(path.includes('{id}') ? [id] : []), ...parameters],
    ...(body && { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: { ...Object.fromEntries(faults), ...Object.fromEntries(successes) },
    ...(needsKey && { security: [{ apiKey: [] }, {}] }),
  };
}

function toAnswer(description: string, type: Schema | undefined): Schema {
  return { description, ...(type && { content: { 'application/json': { schema: type } } }) };
}
