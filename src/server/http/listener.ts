/**
 * The HTTP edge: finds the operation, checks that the caller may use it, reads the body and writes the answer. Every
 * failure below ends in the one `catch` here and becomes a `{ detail }` body, as FastAPI has it.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { SqliteError } from '../../sqlite/open.ts';
import type { Access, Need } from './access.ts';
import { type Answer, json } from './answer.ts';
import { HttpError } from './http-error.ts';
import { type BodyLimits, createBodyReader } from './read-body.ts';
import { createRouteFinder, type FoundRoute, type Method, type Operation, type Routes } from './route.ts';
import { type AnswerLimits, createAnswerWriter } from './write-answer.ts';

export interface ListenerOptions {
  readonly routes: Routes;
  readonly access: Access;
  readonly limits: BodyLimits & AnswerLimits;
  /** Called with failures that are not the client's: the operator should know of them. */
  readonly onError: (error: unknown) => void;
}

export function createRequestListener({ routes, access, limits, onError }: ListenerOptions): RequestListener {
  const findRoute = createRouteFinder(routes);
  const withJsonBody = createBodyReader(limits);
  const writeAnswer = createAnswerWriter(limits);

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<Answer> => {
    const caller = access.admit(request.headers);
    const { segments, query } = splitUrl(request.url ?? '/');
    const found = findRoute(segments);
    const operation = findOperation(found, request.method);
    if (!caller.may.has(operation?.needs ?? needOfNothing(found))) throw new HttpError(401, caller.fault);
    if (!operation) throw notThere(found);
    return withJsonBody(request, response, (body) => operation.run({ id: found.id, query, body, caller }));
  };

  return async (request, response) => {
    try {
      writeAnswer(request, response, await answer(request, response));
    } catch (error) {
      const failure = toHttpError(error);
      if (failure.status >= 500 && !isReported(error)) report(error, onError);
      writeAnswer(request, response, json(failure.status, { detail: failure.detail }, failure.headers));
    }
  };
}

function findOperation({ route, isListed }: FoundRoute, method: string | undefined): Operation | undefined {
  return isListed ? route[(method === 'HEAD' ? 'GET' : method) as Method] : undefined;
}

/** What a caller needs to learn that a path or a method does not exist, see `Routes`. */
function needOfNothing({ route }: FoundRoute): Need {
  return Object.values(route).some(({ needs }) => needs === 'nothing') ? 'nothing' : 'key';
}

function notThere({ route, isListed }: FoundRoute): HttpError {
  if (!isListed) return new HttpError(404, 'Not Found');
  return new HttpError(405, 'Method Not Allowed', { Allow: Object.keys(route).join(', ') });
}

/** The store has said it once. It is the answer to each request from then on. */
function isReported(error: unknown): boolean {
  return error instanceof SqliteError && error.reason === 'gone';
}

/** The hook belongs to the embedding app: an error that it throws must not become an unhandled rejection. */
export function report(error: unknown, onError: (error: unknown) => void): void {
  try {
    onError(error);
  } catch {
    // There is nowhere left to report to.
  }
}

/**
 * Splits by hand, because `URL` takes `//x` for a host, and clients whose base URL ends in a slash send `/v4//logs`. An
 * encoded slash is part of its segment.
 */
function splitUrl(url: string): { segments: string[]; query: URLSearchParams } {
  const [path = '', query] = url.split(/\?(.*)/s, 2);
  try {
    const segments = path.split('/').filter(Boolean).map(decodeURIComponent);
    return { segments, query: new URLSearchParams(query) };
  } catch {
    throw new HttpError(400, 'the path is not well encoded');
  }
}

function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof SqliteError && error.reason === 'too-slow') {
    return new HttpError(503, 'this takes too long: ask for less, or try again later', { 'Retry-After': '5' });
  }
  if (error instanceof SqliteError && (error.reason === 'locked' || error.reason === 'full')) {
    return new HttpError(503, 'the store is not available for now', { 'Retry-After': '1' });
  }
  if (error instanceof SqliteError && error.reason === 'gone') {
    return new HttpError(503, 'the database was deleted or replaced: the server must be started again');
  }
  return new HttpError(500, 'Internal Server Error');
}
