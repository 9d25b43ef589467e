/** Routes: from a path to what can be done there, what each operation needs, and how it is answered. */
import type { Caller, Need } from './access.ts';
import type { Answer } from './answer.ts';

export interface RouteRequest {
  /** The path's `:id`, decoded; empty where the path has none. */
  readonly id: string;
  readonly query: URLSearchParams;
  /** Parsed JSON; `undefined` where there was no body. */
  readonly body: unknown;
  readonly caller: Caller;
}

/** HEAD is answered as GET is, without the body. */
export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

export interface Operation {
  readonly needs: Need;
  readonly run: (request: RouteRequest) => Promise<Answer>;
}

export type Route = Readonly<Partial<Record<Method, Operation>>>;

/**
 * By path, where `:id` stands for one segment. A path that is not listed is judged by the nearest one above it: unless
 * something there is open to everyone, only a caller with a key learns that there is nothing. A route without operations
 * stands for such a place and nothing else.
 */
export type Routes = Readonly<Record<string, Route>>;

export interface FoundRoute {
  readonly route: Route;
  readonly id: string;
  /** Whether it is the route of the path itself, and not of one above. */
  readonly isListed: boolean;
}

/** Takes the segments of a path, decoded. */
export function createRouteFinder(routes: Routes): (segments: readonly string[]) => FoundRoute {
  const listed = Object.entries(routes).map(([path, route]) => ({ pattern: path.split('/').filter(Boolean), route }));
  return (segments) => {
    for (let length = segments.length; length >= 0; length -= 1) {
      const found = listed.find(({ pattern }) => pattern.length === length && isBeginning(pattern, segments));
      if (!found) continue;
      const { pattern, route } = found;
      const isListed = length === segments.length && Object.keys(route).length > 0;
      return { route, id: segments[pattern.indexOf(':id')] ?? '', isListed };
    }
    return { route: {}, id: '', isListed: false };
  };
}

function isBeginning(pattern: readonly string[], segments: readonly string[]): boolean {
  return pattern.every((part, index) => part === ':id' || part === segments[index]);
}
