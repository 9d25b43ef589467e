/**
 * Who may do what. A route says what it needs; here it is decided, once for each request and from its headers alone,
 * what the caller may do.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { createViewerCookie, hasViewerCookie } from './cookie.ts';
import { HttpError } from './http-error.ts';

/** `key` is met by any key, whatever else that key allows. */
export type Need = 'nothing' | 'key' | 'read' | 'write';

export interface Caller {
  readonly may: ReadonlySet<Need>;
  /** What a caller is told who may not. */
  readonly fault: string;
}

export interface Access {
  /** Throws a 403 `HttpError` for a host or an origin that is refused, whatever the request is for. */
  admit(headers: IncomingHttpHeaders): Caller;
  /**
   * For a reader who types the key into the viewer: returns the `Set-Cookie` header that stands for it, or `undefined`
   * where no key is needed. Throws a 401 `HttpError` for another key.
   */
  logIn(givenKey: string): string | undefined;
}

export interface AccessRules {
  /** The key that every caller must give; `undefined` lets everyone do everything. */
  readonly apiKey?: string | undefined;
  /** Host names that a request may name; `undefined` for any. */
  readonly allowedHosts?: ReadonlySet<string> | undefined;
}

const STRANGER: ReadonlySet<Need> = new Set<Need>(['nothing']);
/** The one key allows everything. */
const KEY_HOLDER: ReadonlySet<Need> = new Set<Need>(['nothing', 'key', 'read', 'write']);

const WRONG_KEY = 'the API key is not valid';

export function createAccess({ apiKey, allowedHosts }: AccessRules): Access {
  const expected = apiKey === undefined ? undefined : digest(apiKey);

  /** Compares in constant time, over digests, so that neither content nor length of the key can be measured. */
  const findFault = (headers: IncomingHttpHeaders): string | undefined => {
    // The viewer, which has given the key before, shows its cookie.
    if (apiKey === undefined || !expected || hasViewerCookie(headers.cookie, apiKey)) return undefined;
    const given = headers['x-api-key'];
    if (typeof given !== 'string') return 'the header X-API-KEY is missing';
    return timingSafeEqual(digest(given), expected) ? undefined : WRONG_KEY;
  };

  return {
    admit: (headers) => {
      checkOrigin(headers, allowedHosts);
      const fault = findFault(headers);
      return fault === undefined ? { may: KEY_HOLDER, fault: '' } : { may: STRANGER, fault };
    },
    logIn: (givenKey) => {
      if (apiKey === undefined) return undefined;
      const cookie = createViewerCookie(givenKey, apiKey);
      if (!cookie) throw new HttpError(401, WRONG_KEY);
      return cookie;
    },
  };
}

/**
 * A server on a loopback address has no other guard than that address, and a web page in the user's browser can reach
 * it: by a name of its own that resolves to 127.0.0.1 (the Host check stops that), or by a plain cross-site POST (the
 * Origin check stops that).
 */
function checkOrigin(headers: IncomingHttpHeaders, allowedHosts: ReadonlySet<string> | undefined): void {
  const host = headers.host ?? '';
  if (allowedHosts && !allowedHosts.has(hostName(host))) {
    throw new HttpError(403, `the host ${JSON.stringify(host)} is not served here`);
  }
  if (headers.origin !== undefined && headers.origin.replace(/^https?:\/\//, '') !== host) {
    throw new HttpError(403, 'requests from pages of another origin are refused');
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}

export const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
