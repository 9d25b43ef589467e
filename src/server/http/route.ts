/** Routes: from a path to what can be done there, what each operation needs, and how it is answered. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Caller, Need } from './access.ts';
import type { Answer } from './answer.ts';
import type { BodyFormat } from './body-format.ts';
import type { HttpError } from './http-error.ts';

export interface RouteRequest {
  /** The path's `:id`, decoded; empty where the path has none. */
  readonly id: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Parsed JSON, `undefined` where there was no body; what the format makes of it where the operation chooses one. */
  readonly body: unknown;
  readonly caller: Caller;
  /** Leads from the request's address to the root of the server, for links of a page. */
  readonly root: string;
}

/** A HEAD is answered like a GET, without the body. */
export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** JSON Schema, as it is in an OpenAPI description. */
export type Schema = Readonly<Record<string, unknown>>;

/** What an operation takes and answers, for those who write a client. */
export interface OperationDescription {
  /** What it does, in a sentence. */
  readonly summary: string;
  /** Parameters of the query, by name. */
  readonly query?: Readonly<Record<string, QueryParameter>>;
  readonly body?: Schema;
  /** By status. `undefined` for an answer without body. Those of wrong requests are the same everywhere. */
  readonly answers: Readonly<Record<number, Schema | undefined>>;
}

export interface QueryParameter {
  readonly schema: Schema;
  readonly isRequired?: boolean;
  readonly description?: string;
}

export interface Operation {
  readonly needs: Need;
  /** Operations of the viewer have none: their one client is the page that is served with them. */
  readonly description?: OperationDescription;
  readonly run: (request: RouteRequest) => Promise<Answer>;
  /** Default: JSON. Throws an `HttpError` for a body of a type that is not taken. */
  readonly chooseFormat?: (headers: IncomingHttpHeaders) => BodyFormat;
  /** Returns the answer for a failure. Default: `{ detail }`. */
  readonly explain?: (failure: HttpError, headers: IncomingHttpHeaders) => Answer;
}

export type Route = Readonly<Partial<Record<Method, Operation>>>;

/**
 * By path, where `:id` stands for one segment.
 *
 * The nearest listed path above decides who learns that a path does not exist: everyone, if it has an operation that
 * needs nothing, else only callers with a key. A route without operations is there for this alone.
 */
export type Routes = Readonly<Record<string, Route>>;

export interface FoundRoute {
  readonly route: Route;
  /** As it is listed. */
  readonly path: string;
  readonly id: string;
  /** False where this is the route of a path above. */
  readonly isListed: boolean;
}

/** A place in the tree of all paths. */
interface Branch {
  /** How many segments lead to it. */
  readonly depth: number;
  /** By segment. */
  readonly literal: Map<string, Branch>;
  /** For any segment. */
  parameter?: Branch;
  /** What is listed here. */
  listed?: { readonly path: string; readonly route: Route; readonly idAt: number };
}

/**
 * Returns a function from the decoded segments of a path to its route, or to the nearest one above. A segment that is
 * listed goes before `:id`.
 */
export function createRouteFinder(routes: Routes): (segments: readonly string[]) => FoundRoute {
  const root: Branch = { depth: 0, literal: new Map() };
  for (const [path, route] of Object.entries(routes)) {
    const pattern = path.split('/').filter(Boolean);
    let branch = root;
    for (const segment of pattern) branch = growBranch(branch, segment);
    branch.listed = { path, route, idAt: pattern.indexOf(':id') };
  }
  return (segments) => {
    const { depth, listed } = findDeepest(root, segments) ?? root;
    if (!listed) return { route: {}, path: '/', id: '', isListed: false };
    const { path, route, idAt } = listed;
    const isListed = depth === segments.length && Object.keys(route).length > 0;
    return { route, path, id: segments[idAt] ?? '', isListed };
  };
}

function growBranch(branch: Branch, segment: string): Branch {
  const known = segment === ':id' ? branch.parameter : branch.literal.get(segment);
  if (known) return known;
  const grown: Branch = { depth: branch.depth + 1, literal: new Map() };
  if (segment === ':id') branch.parameter = grown;
  else branch.literal.set(segment, grown);
  return grown;
}

/** Returns the last branch on the path of which something is listed. */
function findDeepest(branch: Branch, segments: readonly string[]): Branch | undefined {
  const literal = branch.literal.get(segments[branch.depth]!);
  const named = literal && findDeepest(literal, segments);
  if (named?.depth === segments.length) return named;
  const isWithin = branch.parameter && branch.depth < segments.length;
  const other = isWithin ? findDeepest(branch.parameter!, segments) : undefined;
  const deepest = other && !(named && named.depth >= other.depth) ? other : named;
  return deepest ?? (branch.listed && branch);
}
