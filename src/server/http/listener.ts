/**
 * The HTTP edge: finds the operation, checks that the caller may use it, reads the body and writes the answer. Every
 * failure below ends in the one `catch` here and becomes a `{ detail }` body, as FastAPI has it.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { hasLongTexts, stringifyElsewhere } from '../store/rows/json-thread.ts';
import { StoreUnavailableError, type UnavailableReason } from '../store/unavailable-error.ts';
import type { Access, Need } from './access.ts';
import { type Answer, bytes, json } from './answer.ts';
import { type BodyFormat, jsonBody } from './body-format.ts';
import { HttpError } from './http-error.ts';
import { type BodyLimits, createBodyReader } from './read-body.ts';
import { readTarget, splitPath, toRoot } from './request-target.ts';
import { createRouteFinder, type FoundRoute, type Method, type Operation, type Routes } from './route.ts';
import { type AnswerLimits, createAnswerWriter } from './write-answer.ts';

export interface ListenerOptions {
  readonly routes: Routes;
  readonly access: Access;
  readonly limits: BodyLimits & AnswerLimits;
  /** Before every path where a proxy leaves it there: `/base`. Paths without it are served too. */
  readonly basePath?: string;
  /** Returns the detail of the 404 for what is known and not served; undefined for what is not known. */
  readonly explainMissing?: (method: string, segments: readonly string[]) => string | undefined;
  /** Called with failures that are not the client's: the operator should know of them. */
  readonly onError: (error: unknown) => void;
  /** Called for each request, when its answer begins. */
  readonly onAnswered?: (request: Answered) => void;
}

export interface Answered {
  readonly method: string | undefined;
  /** As it is listed; absent for what is not served. */
  readonly route: string | undefined;
  readonly status: number;
  /** Without the time that the client takes to read the answer. */
  readonly millis: number;
}

const JSON_BODY = jsonBody();
/** Of what everybody may ask for, without a key too: a login, or none. */
const OPEN_BODY_BYTES = 16 * 1024;

export function createRequestListener(options: ListenerOptions): RequestListener {
  const { routes, access, limits, explainMissing = () => undefined, onError, onAnswered = () => {} } = options;
  const basePath = (options.basePath ?? '').replace(/\/+$/, '');
  const findRoute = createFinder(routes, basePath);
  const withBody = createBodyReader(limits);
  const writeAnswer = createAnswerWriter(limits);
  const openBody: BodyFormat = { ...JSON_BODY, maxBytes: Math.min(OPEN_BODY_BYTES, limits.maxBodyBytes) };

  const answer = async (request: IncomingMessage, response: ServerResponse, asked: Asked): Promise<Answer> => {
    const { headers, path, query } = readTarget(request.url ?? '/', request.headers);
    const caller = access.admit(headers, request.socket.remoteAddress);
    const { found, segments } = findRoute(splitPath(path));
    const { method = '' } = request;
    const operation = findOperation(found, method);
    if (operation) asked.route = found.path;
    if (!caller.may.has(operation?.needs ?? needOfNothing(found))) throw new HttpError(401, caller.fault);
    if (!operation) throw notThere(found, explainMissing(method, segments));
    // The files are the same for all readers, and may be kept for all of them.
    const cookie = operation.needs === 'nothing' ? undefined : access.renew(caller);
    if (cookie !== undefined) response.setHeader('Set-Cookie', cookie);
    const root = basePath === '' ? toRoot(path) : `${basePath}/`;
    const format = operation.needs === 'nothing' ? openBody : JSON_BODY;
    return withBody(request, response, operation.chooseFormat?.(headers) ?? format, (body) =>
      operation.run({ id: found.id, query, headers, body, caller, root }),
    );
  };

  /** The operation is looked for again, since the failure may be from before it was found. */
  const explain = (failure: HttpError, { method, url = '/', headers }: IncomingMessage): Answer =>
    findExplained(url, method)?.explain?.(failure, headers) ??
    json(failure.status, { detail: failure.detail }, failure.headers);

  const findExplained = (url: string, method: string | undefined): Operation | undefined => {
    try {
      return findOperation(findRoute(splitPath(readTarget(url, {}).path)).found, method);
    } catch {
      return undefined;
    }
  };

  return async (request, response) => {
    const started = performance.now();
    const asked: Asked = {};
    try {
      writeAnswer(request, response, await encodeLong(await answer(request, response, asked)));
    } catch (error) {
      const failure = toHttpError(error);
      if (failure.status >= 500) report(error, onError);
      writeAnswer(request, response, explain(failure, request));
    }
    const { method } = request;
    onAnswered({ method, route: asked.route, status: response.statusCode, millis: performance.now() - started });
  };
}

/** Writing the JSON of long texts would hold up all other requests. */
async function encodeLong(answer: Answer): Promise<Answer> {
  if (answer.kind !== 'json' || !hasLongTexts(answer.body)) return answer;
  return bytes(answer.status, 'application/json', await stringifyElsewhere(answer.body), answer.headers);
}

/** Filled while a request is answered. */
interface Asked {
  route?: string;
}

interface Found {
  readonly found: FoundRoute;
  /** Below the base path. */
  readonly segments: readonly string[];
}

/** Some proxies take the base path away, others leave it: a path that can be both is taken for what is served. */
function createFinder(routes: Routes, basePath: string): (segments: readonly string[]) => Found {
  const findRoute = createRouteFinder(routes);
  const base = splitPath(basePath);
  return (segments) => {
    const whole = { found: findRoute(segments), segments };
    if (base.length === 0 || !base.every((part, index) => part === segments[index])) return whole;
    const below = segments.slice(base.length);
    const inner = { found: findRoute(below), segments: below };
    return !inner.found.isListed && whole.found.isListed ? whole : inner;
  };
}

function findOperation({ route, isListed }: FoundRoute, method: string | undefined): Operation | undefined {
  return isListed ? route[(method === 'HEAD' ? 'GET' : method) as Method] : undefined;
}

/** What a caller needs to learn that a path or a method does not exist, see `Routes`. */
function needOfNothing({ route }: FoundRoute): Need {
  return Object.values(route).some(({ needs }) => needs === 'nothing') ? 'nothing' : 'key';
}

function notThere({ route, isListed }: FoundRoute, explanation: string | undefined): HttpError {
  if (!isListed || explanation !== undefined) return new HttpError(404, explanation ?? 'Not Found');
  return new HttpError(405, 'Method Not Allowed', { Allow: Object.keys(route).join(', ') });
}

/** The store has reported itself that it is gone. */
function isReported(error: unknown): boolean {
  return error instanceof StoreUnavailableError && error.reason === 'gone';
}

/** The hook belongs to the embedding app: an error that it throws must not become an unhandled rejection. */
export function report(error: unknown, onError: (error: unknown) => void): void {
  if (isReported(error)) return;
  try {
    onError(error);
  } catch {
    // There is nowhere left to report to.
  }
}

function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof StoreUnavailableError) {
    const { reason, retryAfterSeconds } = error;
    return new HttpError(503, DETAILS[reason], {
      ...(retryAfterSeconds !== undefined && { 'Retry-After': String(retryAfterSeconds) }),
    });
  }
  return new HttpError(500, 'Internal Server Error');
}

const AWAY = 'the store is not available for now';
const DETAILS: Readonly<Record<UnavailableReason, string>> = {
  'too-slow': 'this takes too long: ask for less, or try again later',
  gone: 'the database was deleted or replaced: the server must be started again',
  failed: 'the disk has failed: the server must be started again',
  damaged: 'what this would read is damaged: the server has printed what to do',
  ...{ full: AWAY, refused: AWAY, unreachable: AWAY },
};
