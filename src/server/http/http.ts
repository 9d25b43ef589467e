/**
 * The HTTP edge: finds the operation, checks who asks, reads the body, writes the answer. Every failure below ends in
 * the one `catch` here and becomes a `{ detail }` body, as FastAPI writes it.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { SqliteError } from '../../sqlite/open.ts';
import type { ApiAnswer, ApiMethod, Handler, Routes } from '../v4/routes.ts';
import type { ViewerPages } from '../viewer/pages.ts';
import { type AccessRules, checkApiKey, checkOrigin, findKeyFault } from './access.ts';
import { HttpError } from './http-error.ts';
import { type BodyLimits, createBodyReader } from './read-body.ts';

export interface HttpOptions {
  readonly routes: Routes;
  readonly access: AccessRules;
  readonly limits: BodyLimits;
  /** Asked for what is in no route. */
  readonly pages?: ViewerPages | undefined;
  /** Told of what the operator should know: failures that are not the client's. */
  readonly onError: (error: unknown) => void;
}

export function createRequestListener(options: HttpOptions): RequestListener {
  const table = Object.entries(options.routes).map(([path, methods]) => ({
    segments: path.split('/').slice(1),
    methods,
  }));

  const readJsonBody = createBodyReader(options.limits);

  /** `undefined` where the answer is already on its way. */
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<ApiAnswer | undefined> => {
    checkOrigin(request.headers, options.access);
    const { segments, query } = splitUrl(request.url ?? '/');
    const route = table.find((candidate) => matches(candidate.segments, segments));
    if (needsApiKey(segments)) checkApiKey(request.headers, options.access);
    if (!route) {
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      const mayRead = findKeyFault(request.headers, options.access) === undefined;
      if (isRead && (await options.pages?.serve(request, response, { segments, query, mayRead }))) return undefined;
      throw new HttpError(404, 'Not Found');
    }
    const handle = findHandler(route.methods, request.method);
    const body = await readJsonBody(request, response);
    return handle({ id: segments[route.segments.indexOf(':id')] ?? '', query, body });
  };

  return async (request, response) => {
    try {
      const answered = await answer(request, response);
      if (!answered) return;
      for (const [name, value] of Object.entries(answered.headers ?? {})) response.setHeader(name, value);
      write(response, answered.status, answered.body);
    } catch (error) {
      const failure = toHttpError(error);
      if (failure.status >= 500) report(error, options);
      for (const [name, value] of Object.entries(failure.headers)) response.setHeader(name, value);
      write(response, failure.status, { detail: failure.detail });
    }
  };
}

/** The viewer's files are the same for everybody, and its login is where the key is given. */
function needsApiKey([first, second, third]: readonly string[]): boolean {
  return first === 'v4' || (first === 'viewer' && second === 'api' && third !== 'login');
}

/** The hook is the embedding app's: what it throws must not become an unhandled rejection. */
function report(error: unknown, options: HttpOptions): void {
  try {
    options.onError(error);
  } catch {
    // There is nowhere left to report to.
  }
}

function findHandler(methods: Routes[string], method: string | undefined): Handler {
  const handler = methods[(method === 'HEAD' ? 'GET' : method) as ApiMethod];
  if (handler) return handler;
  throw new HttpError(405, 'Method Not Allowed', { Allow: Object.keys(methods).join(', ') });
}

/** By hand, because `URL` takes `//x` for a host. Clients with a base URL that ends in a slash send `/v4//logs`. */
function splitUrl(url: string): { segments: string[]; query: URLSearchParams } {
  const [path = '', query] = url.split(/\?(.*)/s, 2);
  try {
    const segments = path.split('/').filter(Boolean).map(decodeURIComponent);
    return { segments, query: new URLSearchParams(query) };
  } catch {
    throw new HttpError(400, 'the path is not well encoded');
  }
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length && pattern.every((part, index) => part === ':id' || part === segments[index])
  );
}

function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof SqliteError && (error.reason === 'locked' || error.reason === 'full')) {
    return new HttpError(503, 'the store is not available for now', { 'Retry-After': '1' });
  }
  return new HttpError(500, 'Internal Server Error');
}

function write(response: ServerResponse, status: number, body: unknown): void {
  // First of all, because it is what can fail: a stored text that is nested as deeply as could just be written.
  const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  response.statusCode = status;
  if (!bytes) {
    response.end();
    return;
  }
  response.setHeader('Content-Type', 'application/json');
  response.setHeader('Content-Length', bytes.length);
  response.end(bytes);
}
