/** Splits the target of a request: what it asks for, and by which name. Pure. */
import type { IncomingHttpHeaders } from 'node:http';
import { HttpError } from './http-error.ts';

export interface RequestTarget {
  /** With the host of the target, if that names one. */
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
  readonly query: URLSearchParams;
}

/**
 * Splits by hand, because `URL` takes `//x` for a host, and clients whose base URL ends in a slash send `/v4//logs`. A
 * client that takes the server for a proxy sends the whole address, whose host then counts instead of the header's.
 */
export function readTarget(target: string, headers: IncomingHttpHeaders): RequestTarget {
  const [, host, rest = target] = /^https?:\/\/([^/?#]*)(.*)$/is.exec(target) ?? [];
  const [path = '', query] = rest.split(/\?(.*)/s, 2);
  return {
    headers: host === undefined ? headers : { ...headers, host: host.replace(/^.*@/, '') },
    path,
    query: new URLSearchParams(query),
  };
}

/** Returns the decoded segments. An encoded slash is part of its segment. */
export function splitPath(path: string): string[] {
  try {
    return path.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    throw new HttpError(400, 'the path is not well encoded');
  }
}

/** Returns the relative address of the root, for a page at this path: a proxy may have put something before both. */
export function toRoot(path: string): string {
  return '../'.repeat(Math.max(0, path.split('/').length - 2)) || './';
}
