/**
 * Decides who may do what, once for each request and from its headers alone. A route says what it needs; a caller has a
 * set of needs that are met.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { createViewerCookie, hasViewerCookie } from './cookie.ts';
import { HttpError } from './http-error.ts';

/** Any key meets `key`, whatever else it allows. */
export type Need = 'nothing' | 'key' | 'read' | 'write';

export interface Caller {
  readonly may: ReadonlySet<Need>;
  /** The detail of the 401 for what the caller may not do. */
  readonly fault: string;
}

export interface Access {
  /** Throws a 403 `HttpError` for a refused host or origin, whatever the request asks for. */
  admit(headers: IncomingHttpHeaders): Caller;
  /**
   * Exchanges the key, which a reader has typed into the viewer, for a cookie that has the same effect. Returns the
   * `Set-Cookie` header; `undefined` where no key is needed. Throws a 401 `HttpError` for another key.
   */
  logIn(givenKey: string): string | undefined;
}

export interface AccessRules {
  /** The key that every caller must give; `undefined` lets everyone do everything. */
  readonly apiKey?: string | undefined;
  /** Host names that a request may name; `undefined` for any. */
  readonly allowedHosts?: ReadonlySet<string> | undefined;
}

const WRONG_KEY = 'the API key is not valid';
/** The server has one key, and it allows everything. */
const KEY_HOLDER: Caller = { may: new Set<Need>(['nothing', 'key', 'read', 'write']), fault: '' };
const STRANGER: Caller['may'] = new Set<Need>(['nothing']);

export function createAccess({ apiKey, allowedHosts }: AccessRules): Access {
  const identify = apiKey === undefined ? () => KEY_HOLDER : createIdentification(apiKey);
  return {
    admit: (headers) => {
      checkOrigin(headers, allowedHosts);
      return identify(headers);
    },
    logIn: (givenKey) => {
      if (apiKey === undefined) return undefined;
      const cookie = createViewerCookie(givenKey, apiKey);
      if (!cookie) throw new HttpError(401, WRONG_KEY);
      return cookie;
    },
  };
}

/** Compares keys in constant time, over digests, so that neither content nor length of the key can be measured. */
function createIdentification(apiKey: string): (headers: IncomingHttpHeaders) => Caller {
  const expected = digest(apiKey);
  return (headers) => {
    // The viewer has given the key before and shows its cookie now.
    if (hasViewerCookie(headers.cookie, apiKey)) return KEY_HOLDER;
    const given = headers['x-api-key'] ?? bearerOf(headers);
    if (typeof given !== 'string') return { may: STRANGER, fault: 'the header X-API-KEY is missing' };
    return timingSafeEqual(digest(given), expected) ? KEY_HOLDER : { may: STRANGER, fault: WRONG_KEY };
  };
}

/** What OpenTelemetry's senders are mostly configured with. */
function bearerOf({ authorization }: IncomingHttpHeaders): string | undefined {
  return /^bearer +(.+)$/i.exec(authorization ?? '')?.[1]?.trim();
}

/**
 * A server on a loopback address is guarded by that address alone, and a web page in the user's browser can reach it:
 * by a name of its own that resolves to 127.0.0.1 (the Host check stops that), or by a plain cross-site POST (the
 * Origin check stops that). Throws an `HttpError`.
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
